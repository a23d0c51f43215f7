-- SPDX-License-Identifier: ISC
--
-- import - what a row of a file may change, and that sets follow the rules

\ir prelude.psql

SELECT no_plan();
SELECT assent.import_stage()
\g /dev/null

-- One row as a program stages it.
CREATE FUNCTION pg_temp.stage(n int, p_purpose text, p_act assent.act,
	p_at timestamptz DEFAULT NULL, p_evidence text DEFAULT NULL,
	p_expires timestamptz DEFAULT NULL, p_attributes jsonb DEFAULT NULL)
RETURNS void LANGUAGE sql AS $$
	INSERT INTO staged (number, key, kind, canonical, original, purpose,
		channel, act, at, source, fields, expires, attributes)
	SELECT count(*), pg_temp.key(n), 'email', format('t%s@example.com', n),
		format('T%s@example.com', n), pg_temp.purpose(p_purpose), 'email',
		p_act, p_at, 'import', CASE WHEN p_evidence IS NOT NULL
		THEN jsonb_build_object('evidence', p_evidence) END, p_expires,
		p_attributes FROM staged
$$;

-- Applies what is staged: "2 changed, 1 unchanged", and what was refused.
CREATE FUNCTION pg_temp.apply() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	told text;
BEGIN
	SELECT format('%s changed, %s unchanged', a.changed, a.unchanged)
	INTO told FROM assent.import_apply('file') AS a;
	SELECT told || coalesce(string_agg(', ' || number || ': '
		|| split_part(reason, ' ', 1), '' ORDER BY number), '') INTO told
	FROM staged WHERE reason IS NOT NULL;
	TRUNCATE staged, newcomer;
	RETURN told;
END $$;

-- One row against what is on record: each state and flag since 2025-01-01.
CREATE FUNCTION pg_temp.try(n int, p_act assent.act, p_at timestamptz,
	p_evidence text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.stage(n, 'news', p_act, p_at, p_evidence);
	RETURN pg_temp.apply();
END $$;

CREATE TEMPORARY TABLE had (word text, acts assent.act[], refuses boolean);
INSERT INTO had VALUES ('nothing', '{}', false), ('granted', '{grant}', false),
	('pending', '{pend}', false), ('withdrawn', '{grant,withdraw}', true),
	('objected', '{grant,object}', true),
	('restricted', '{grant,restrict}', true),
	('suspended', '{grant,suspend}', true);
CREATE TEMPORARY TABLE tried AS
SELECT 1000 + row_number() OVER () AS n, h.*, t.*
FROM had h CROSS JOIN (VALUES
	('older, with evidence', '2024-06-01'::timestamptz, 'form', false),
	('older', '2024-06-01', NULL, false),
	('newer, with evidence', '2025-06-01', 'form', true),
	('newer', '2025-06-01', NULL, false),
	('without a date, with evidence', NULL, 'form', false),
	('without a date', NULL, NULL, false)) AS t (row, at, evidence, proves);
SELECT pg_temp.act(a, n::int, 'news', '2025-01-01')
FROM tried CROSS JOIN LATERAL unnest(acts) WITH ORDINALITY AS u (a, place)
ORDER BY n, place
\g /dev/null

-- Giving.
SELECT is(pg_temp.try(n::int, 'grant', at, evidence),
	CASE WHEN refuses AND NOT proves
		THEN format('0 changed, 0 unchanged, 0: %s', word)
	WHEN word = 'granted' AND (at IS NULL OR at < '2025-01-01')
		THEN '0 changed, 1 unchanged'
	ELSE '1 changed, 0 unchanged' END,
	format('granted, %s, to who was %s', row, word)) FROM tried;
SELECT is(pg_temp.standing(n::int, 'news'), CASE WHEN refuses AND NOT proves
	THEN CASE word WHEN 'withdrawn' THEN 3 WHEN 'objected' THEN 4
		WHEN 'restricted' THEN 5 ELSE 6 END
	ELSE 2 END, format('where that leaves who was %s: %s', word, row))
FROM tried;
SELECT is(pg_temp.try(n::int, 'grant', at, evidence),
	CASE WHEN refuses AND NOT proves
		THEN format('0 changed, 0 unchanged, 0: %s', word)
	ELSE '0 changed, 1 unchanged' END,
	format('and again: %s, %s', row, word)) FROM tried;

-- A newer proof lifts a flag by an event of its own.
SELECT results_eq(format($$SELECT act::text FROM assent.event
	WHERE contact_id = %s ORDER BY id$$, pg_temp.contact(n::int)),
	ARRAY['grant', word_act, lifted, 'grant'],
	format('the events of who was %s', word))
FROM tried JOIN (VALUES ('objected', 'object', 'lift-objection'),
	('restricted', 'restrict', 'lift-restriction'),
	('suspended', 'suspend', 'unsuspend')) AS l (word, word_act, lifted)
	USING (word) WHERE proves;

-- A request is no consent: it lifts no flag from one that stood before.
SELECT pg_temp.act(a, 1100 + f.n::int, 'news', '2025-01-01')
FROM unnest('{object,restrict,suspend}'::assent.act[]) WITH ORDINALITY AS f
	(flag, n) CROSS JOIN LATERAL unnest(ARRAY['grant', f.flag]) AS a
\g /dev/null
SELECT unnest(ARRAY[
	is(pg_temp.try(1100 + n, 'pend', '2025-06-01', 'form'),
	format('0 changed, 0 unchanged, 0: %s', word),
	format('a request does not help who was %s', word)),
	is(pg_temp.standing(1100 + n, 'news'), 3 + n, format('still %s', word))])
FROM (VALUES (1, 'objected'), (2, 'restricted'), (3, 'suspended'))
	AS f (n, word);
SELECT pg_temp.act(a, 1104, 'news', at) FROM (VALUES
	('object'::assent.act, '2025-01-01'::timestamptz),
	('withdraw', '2025-02-01')) AS f (a, at)
\g /dev/null
SELECT is(pg_temp.try(1104, 'pend', '2025-06-01', 'form'),
	'1 changed, 0 unchanged', 'a request after a withdrawal');
SELECT is(pg_temp.standing(1104, 'news'), 4, 'leaves an older objection');

-- Taking away, always; twice is once.
SELECT unnest(ARRAY[
	is(pg_temp.try(n::int, act, at, NULL), '1 changed, 0 unchanged',
	format('%s, %s', act, at)), is(pg_temp.try(n::int, act, at, NULL),
	'0 changed, 1 unchanged', format('%s, %s, again', act, at)),
	is(pg_temp.standing(n::int, 'news'), standing,
	format('%s, %s, counts', act, at))])
FROM (SELECT 1200 + row_number() OVER () AS n, a.*, d.*
	FROM (VALUES ('withdraw'::assent.act, 3), ('object', 4), ('restrict', 5),
		('suspend', 6)) AS a (act, standing)
	CROSS JOIN (VALUES (NULL::timestamptz), ('2020-01-01'), ('2025-06-01'))
	AS d (at)) AS t
CROSS JOIN LATERAL pg_temp.act('grant', n::int, 'news', '2025-01-01') AS given
ORDER BY n;

-- From above, and with another.
SELECT pg_temp.purpose(p) FROM unnest('{left,tied}'::text[]) AS p
\g /dev/null
SELECT assent.purpose_depend(pg_temp.purpose('left'), 'withdraws',
	pg_temp.purpose('tied'), false)
\g /dev/null
SELECT pg_temp.act('withdraw', 1300, 'all', '2025-01-01'),
	pg_temp.act('object', 1301, 'all', '2025-01-01'),
	pg_temp.act('withdraw', 1302, 'left', '2025-01-01')
\g /dev/null
SELECT is(pg_temp.try(1300, 'grant', '2025-06-01', NULL),
	'0 changed, 0 unchanged, 0: withdrawn', 'a withdrawal above refuses');
SELECT is(pg_temp.try(1300, 'grant', '2025-06-01', 'form'),
	'1 changed, 0 unchanged', 'a newer proof for a part of it does');
SELECT is(pg_temp.try(1301, 'grant', '2025-06-01', 'form'),
	'0 changed, 0 unchanged, 0: objected',
	'an objection above is not lifted for a part of it');
SELECT pg_temp.stage(1302, 'tied', 'grant', '2025-06-01')
\g /dev/null
SELECT is(pg_temp.apply(), '0 changed, 0 unchanged, 0: withdrawn',
	'what it is left with refuses');

-- Several rows of one contact: by date, whatever their order in the file.
SELECT pg_temp.stage(1310, 'news', 'withdraw', '2025-03-01'),
	pg_temp.stage(1310, 'news', 'grant', '2025-01-01'),
	pg_temp.stage(1311, 'news', 'grant', '2025-04-01', 'form'),
	pg_temp.stage(1311, 'news', 'withdraw', '2025-03-01'),
	pg_temp.stage(1312, 'news', 'grant', '2025-04-01'),
	pg_temp.stage(1312, 'all', 'withdraw', '2025-03-01'),
	pg_temp.stage(1313, 'news', 'grant', '2025-01-01'),
	pg_temp.stage(1313, 'news', 'grant', '2025-01-01')
\g /dev/null
SELECT is(pg_temp.apply(), '6 changed, 1 unchanged, 4: withdrawn',
	'rows of one contact follow each other by their dates');
SELECT is(array_agg(pg_temp.standing(n, 'news') ORDER BY n), '{3,2,3,2}',
	'and the last one counts') FROM generate_series(1310, 1313) AS n;

-- What is recorded.
SELECT pg_temp.stage(1320, 'news', 'grant', '2025-01-01', 'form 17',
	'2030-01-01', '{"city": "X"}')
\g /dev/null
SELECT is(pg_temp.apply(), '1 changed, 0 unchanged', 'a row with everything');
SELECT results_eq($$SELECT e.at, e.expires_at, e.source, e.actor,
	p.fields->>'evidence', e.leaf = assent.event_leaf(e), e.commitment
	= sha256(p.salt || convert_to(p.fields::text, 'UTF8')), c.since, c.state,
	c.expires_at FROM assent.event e
	JOIN assent.event_person p ON p.event_id = e.id
	JOIN assent.consent c ON c.event_id = e.id
	WHERE e.contact_id = pg_temp.contact(1320)$$,
	$$SELECT '2025-01-01'::timestamptz, '2030-01-01'::timestamptz, 'import',
	session_user::text COLLATE "default", 'form 17', true, true, '2025-01-01'::timestamptz,
	'granted'::assent.state, '2030-01-01'::timestamptz$$,
	'is an event like any other, and its proof');
SELECT is((SELECT count(DISTINCT salt) FROM assent.event_person),
	(SELECT count(*) FROM assent.event_person), 'no two salts are the same');
SELECT results_eq($$SELECT source, source_name, attributes FROM assent.contact
	WHERE id = pg_temp.contact(1320)$$, $$SELECT 'import'::assent.data_source,
	'file', '{"city": "X"}'::jsonb$$, 'where the contact came from is known');
SELECT pg_temp.stage(1320, 'news', 'grant', '2025-01-01', NULL, NULL,
	'{"city": "Y", "size": "L"}')
\g /dev/null
SELECT is(pg_temp.apply(), '0 changed, 1 unchanged', 'attributes alone');
SELECT is((SELECT attributes FROM assent.contact
	WHERE id = pg_temp.contact(1320)), '{"city": "Y", "size": "L"}',
	'are taken over');
SELECT is((SELECT act::text FROM assent.event
	WHERE contact_id = pg_temp.contact(1320) ORDER BY id DESC LIMIT 1), 'edit',
	'and are an event');

-- Permits and the epoch.
SELECT is((SELECT count(*) FROM assent.endpoint e WHERE NOT EXISTS (
	SELECT FROM assent.permit p WHERE p.key = e.key)), 0::bigint,
	'every address has a permit');
SELECT pg_temp.stage(1330 + n, 'news', 'grant') FROM generate_series(1, 20) n
\g /dev/null
SELECT is(pg_temp.moves('SELECT pg_temp.apply()'), 1::bigint,
	'a part moves the epoch once');
SELECT is(pg_temp.moves($$SELECT pg_temp.try(1331, 'grant', NULL, NULL)$$),
	0::bigint, 'and not when nothing changed');

-- What a client let through is looked at again.
SELECT pg_temp.stage(1390, 'news', 'grant', now() + interval '1 day')
\g /dev/null
SELECT is(pg_temp.apply(), '0 changed, 0 unchanged, 0: at',
	'a date in the future');
SELECT is(pg_temp.contact(1390), NULL, 'makes no contact');

SELECT pg_temp.stage(1391, 'news', 'grant', '2025-01-01', NULL, NULL,
	jsonb_build_object('a', repeat('x', 65536)))
\g /dev/null
SELECT is(pg_temp.apply(), '0 changed, 0 unchanged, 0: the',
	'attributes that are too long');
SELECT is(pg_temp.contact(1391), NULL, 'make none either');

-- Who was forgotten stays so; who opted out as nobody is remembered.
SELECT pg_temp.act('grant', 1400, 'news', '2025-01-01')
\g /dev/null
SELECT count(*) FROM assent.forget('', pg_temp.key(1400), 'test')
\g /dev/null
SELECT is(pg_temp.try(1400, 'grant', now(), 'form'),
	'0 changed, 0 unchanged, 0: forgotten', 'an import brings nobody back');
SELECT is(pg_temp.contact(1400), NULL, 'nor makes a contact of them');
SELECT assent.lift(pg_temp.key(1400), now(), 'test')
\g /dev/null
SELECT is(pg_temp.try(1400, 'grant', NULL, 'form'),
	'0 changed, 0 unchanged, 0: forgotten',
	'once they are back, a row without a date may be from before');
SELECT is(pg_temp.try(1400, 'grant', now() + interval '1 second', NULL),
	'1 changed, 0 unchanged', 'one with a newer date counts');
SELECT count(*) FROM assent.opt_out('', pg_temp.key(1401),
	pg_temp.purpose('news'), 'email', 'one-click', NULL)
\g /dev/null
SELECT is(pg_temp.try(1401, 'grant', '2025-01-01', 'form'),
	'0 changed, 0 unchanged, 0: withdrawn',
	'an opt-out from before there was a contact refuses');
SELECT is(pg_temp.standing(1401, 'news'), 3, 'and counts');

-- However much there is, an import reads what concerns its own people.
CREATE FUNCTION pg_temp.read_of(p_table text) RETURNS bigint LANGUAGE sql AS $$
	SELECT sum(seq_tup_read + idx_tup_fetch)::bigint
	FROM pg_stat_xact_user_tables
	WHERE schemaname = 'assent' AND relname ~ ('^' || p_table || '(_\d+)?$')
$$;
INSERT INTO assent.contact (source) SELECT NULL FROM generate_series(1, 2000);
SELECT assent.record('grant', n, pg_temp.purpose('news'), 'email', now(), NULL,
	'test', NULL) FROM generate_series(1, 2000) AS n
\g /dev/null
ANALYZE assent.contact, assent.event;
SELECT pg_temp.stage(n, 'news', 'grant') FROM generate_series(8001, 8020) AS n
\g /dev/null
CREATE TEMPORARY TABLE read AS SELECT pg_temp.read_of('event') AS events;
SELECT is(pg_temp.apply(), '20 changed, 0 unchanged', 'twenty come to thousands');
SELECT cmp_ok(pg_temp.read_of('event') - events, '<', 200::bigint,
	'for which not all events are read') FROM read;
CREATE TEMPORARY TABLE seen AS SELECT pg_temp.read_of('contact') AS contacts;
SELECT is((SELECT count(*) FROM assent.pack(ARRAY(SELECT pg_temp.contact(n)
	FROM generate_series(8001, 8020) AS n), 'email')), 20::bigint,
	'twenty are packed');
SELECT cmp_ok(pg_temp.read_of('contact') - contacts, '<', 200::bigint,
	'for which not all contacts are read') FROM seen;

-- How far it has come.
CREATE TEMPORARY TABLE begun AS
SELECT * FROM assent.import_begin(decode(repeat('ab', 32), 'hex'), 'file');
SELECT lives_ok($$SELECT assent.import_done((SELECT id FROM begun), 0, 10, 2,
	0, 1, 1, 0, 0, false)$$, 'a part is done');
SELECT is((SELECT octets FROM assent.import_begin(decode(repeat('ab', 32),
	'hex'), 'file')), 10::bigint, 'the same file goes on behind it');
SELECT throws_ok($$SELECT assent.import_done((SELECT id FROM begun), 0, 10, 2,
	0, 1, 1, 0, 0, false)$$, 'P0001', 'another process is importing this file',
	'nobody does it twice');
SELECT lives_ok($$SELECT assent.import_done((SELECT id FROM begun), 10, 20, 3,
	0, 1, 1, 0, 0, true)$$, 'the last part is done');
SELECT is((SELECT octets FROM assent.import_begin(decode(repeat('ab', 32),
	'hex'), 'file')), 0::bigint, 'then it begins anew');

-- A consent's purpose is one that there is, and stays.
SELECT throws_ok(format($$INSERT INTO assent.consent (contact_id, purpose_id,
	channel, state, since, event_id) VALUES (%s, 65535, 'email', 'granted',
	now(), 0)$$, pg_temp.person(9001)), '23503', 'there is no such purpose',
	'a consent to nothing is refused');
SELECT throws_ok($$UPDATE assent.consent SET purpose_id = 65535
	WHERE ctid = (SELECT min(ctid) FROM assent.consent)$$, '23503',
	'there is no such purpose', 'or one that comes to nothing');
SELECT throws_like(what || ' assent.purpose' || rest,
	'the ledger is append-only%', what || ': a purpose stays')
FROM (VALUES ('DELETE FROM', ''), ('TRUNCATE', ' CASCADE'),
	('UPDATE', ' SET id = DEFAULT')) AS t (what, rest);

SELECT * FROM finish();
ROLLBACK;
