-- SPDX-License-Identifier: ISC
--
-- erasure - a person is forgotten, stays so by every door, and comes back only
-- by a double opt-in of their own

\ir prelude.psql

SELECT no_plan();

GRANT assent_milter, assent_reader, assent_web, assent_operator,
	assent_checkpointer, assent_auditor, assent_dpo TO CURRENT_USER;

CREATE FUNCTION pg_temp.forget(n int) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT changed, addresses, consents, fields
	FROM assent.forget('', pg_temp.key(n), 'test') WHERE key = pg_temp.key(n)
$$;

CREATE FUNCTION pg_temp.is_erased(n int) RETURNS boolean LANGUAGE sql AS $$
	SELECT packed = '\x010100' FROM assent.permit WHERE key = pg_temp.key(n)
$$;

-- A double opt-in asked for at p_asked and confirmed now.
CREATE FUNCTION pg_temp.confirm(n int, p_asked timestamptz DEFAULT now(),
	p_confirmed timestamptz DEFAULT now(), p_message text DEFAULT '<m@example.com>')
RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_or(changed) FROM assent.confirm('', pg_temp.key(n),
		format('t%s@example.com', n), format('T%s@example.com', n),
		pg_temp.purpose('news'), 'email', NULL, jsonb_build_object(
		'requested_at', p_asked, 'confirmed_at', p_confirmed,
		'message_id', p_message))
$$;

-- Forgetting erases everything but the facts.
SELECT pg_temp.act('grant', 1, p, p_fields => '{"ip": "192.0.2.1"}')
FROM unnest('{news,offers}'::text[]) AS p
\g /dev/null
SELECT assent.contact_edit(pg_temp.key(1), 'test', 'pl', '{"name": "T"}',
	'form', 'f', 'v1', NULL)
\g /dev/null
SELECT assent.endpoint_add('', pg_temp.key(1), 'test', pg_temp.key(2), 'email',
	'second@example.com', 'second@example.com')
\g /dev/null
SELECT pg_temp.contact(1) AS who
\gset
SELECT count(*) AS events FROM assent.event WHERE contact_id = :who
\gset
SELECT is(pg_temp.moves('SELECT pg_temp.forget(1)'), 1::bigint,
	'forgetting moves the epoch when nothing was marked');
SELECT is_empty(format('SELECT FROM assent.contact WHERE id = %s', :who),
	'the contact is gone');
SELECT is_empty(format('SELECT FROM assent.endpoint WHERE contact_id = %s', :who),
	'all addresses are');
SELECT is_empty(format('SELECT FROM assent.consent WHERE contact_id = %s', :who),
	'all consents are');
SELECT is_empty(format($$SELECT FROM assent.event JOIN assent.event_person
	ON event_id = id WHERE contact_id = %s AND act <> 'erase'$$, :who),
	'what is personal in the ledger is, and its salt');
SELECT is((SELECT count(*) FROM assent.event WHERE contact_id = :who
	AND act <> 'erase'), :events::bigint, 'every event stays');
SELECT is((SELECT count(*) FROM assent.event o JOIN assent.event e
	ON e.about = o.id AND e.act = 'erase' AND e.contact_id = o.contact_id
	AND e.purpose_id IS NOT DISTINCT FROM o.purpose_id
	WHERE o.contact_id = :who AND o.act <> 'erase'), :events::bigint,
	'its erasure beside it');
SELECT is_empty('SELECT FROM assent.event e WHERE leaf <> assent.event_leaf(e)',
	'every event has its leaf');
SELECT is_empty($$SELECT FROM assent.event JOIN assent.event_person p
	ON event_id = id WHERE commitment <> sha256(p.salt
	|| convert_to(p.fields::text, 'UTF8'))$$, 'and its commitment');
SELECT is((SELECT count(*) FROM assent.event v JOIN assent.erasure e
	ON v.detail::jsonb ->> 'key' = encode(e.key, 'hex') AND v.id = e.event_id
	WHERE v.act = 'forget' AND v.contact_id IS NULL
	AND e.key IN (pg_temp.key(1), pg_temp.key(2))), 2::bigint,
	'the ledger has the keys, and no person beside them');
SELECT is(pg_temp.is_erased(n), true, format('address %s is refused', n))
FROM generate_series(1, 2) AS n;
SELECT pg_temp.events() AS events
\gset
SELECT results_eq('SELECT * FROM pg_temp.forget(1) AS (a boolean, b int, c int,
	d bigint)', 'VALUES (false, 0, 0, 0::bigint)', 'again: nothing to do');
SELECT is(pg_temp.events(), :events::bigint, 'and nothing to record');
SELECT results_eq('SELECT * FROM pg_temp.forget(3) AS (a boolean, b int, c int,
	d bigint)', 'VALUES (true, 0, 0, 0::bigint)', 'nobody can be forgotten');
SELECT is(pg_temp.is_erased(3), true, 'and is refused');

-- Counts, and one who shares nothing with the others.
SELECT pg_temp.act('grant', n, 'news') FROM generate_series(4, 5) AS n
\g /dev/null
SELECT results_eq('SELECT * FROM pg_temp.forget(4) AS (a boolean, b int, c int,
	d bigint)', 'VALUES (true, 1, 1, 1::bigint)', 'how much was erased');
SELECT is(pg_temp.standing(5, 'news'), 2, 'nobody else was');
SELECT is(pg_temp.moves($$SELECT assent.forget(pg_temp.marks(pg_temp.hex(5)),
	pg_temp.key(5), 'test')$$), 0::bigint, 'what was marked leaves the epoch');
SELECT is(pg_temp.is_erased(5), true, 'and is refused');

-- An address that is taken from its contact keeps what was refused by it.
SELECT pg_temp.act(act, 61, purpose, '2025-01-01', p_channel => channel)
FROM (VALUES ('grant'::assent.act, 'news', 'email'::assent.channel),
	('withdraw', 'news', 'email'), ('grant', 'offers', 'email'),
	('grant', 'flagged', 'email'), ('object', 'flagged', 'email'),
	('withdraw', 'offers', 'sms')) AS v (act, purpose, channel)
\g /dev/null
SELECT count(*) FROM assent.endpoint_add('', pg_temp.key(61), 'test',
	pg_temp.key(62), 'email', 't62', 't62')
\g /dev/null
SELECT count(*) FROM assent.endpoint_remove('', pg_temp.key(62), 'test')
\g /dev/null
SELECT throws_like(format($$SELECT pg_temp.act('grant', 62, %L, '2024-01-01')$$,
	slug), 'withdrawn on %', format('an older consent to %s is void', slug))
FROM unnest('{news,flagged}'::text[]) AS slug;
SELECT is(pg_temp.act('grant', 62, 'offers', '2024-01-01'), true,
	'what was not refused is open');
SELECT is(array_agg(pg_temp.standing(62, slug) ORDER BY slug), '{3,3,2}',
	'and so it stands for whoever has it next')
FROM unnest('{flagged,news,offers}'::text[]) AS slug;
SELECT is(pg_temp.act('grant', 62, 'news'), true, 'a newer consent counts');

-- No door leads back.
SELECT throws_like(what, 'this person was forgotten on %', name)
FROM (VALUES
	('a grant', $$SELECT pg_temp.act('grant', 1, 'news')$$),
	('a request', $$SELECT pg_temp.act('pend', 1, 'news')$$),
	('a withdrawal', $$SELECT pg_temp.act('withdraw', 1, 'news')$$),
	('an objection', $$SELECT pg_temp.act('object', 2, 'news')$$),
	('a grant by who was never known', $$SELECT pg_temp.act('grant', 3, 'news')$$),
	('another''s address', $$SELECT pg_temp.act('grant', 9, 'news');
		SELECT assent.endpoint_add('', pg_temp.key(9), 't', pg_temp.key(1),
		'email', 't1', 't1')$$),
	('by hand', $$SELECT pg_temp.person(1)$$),
	('many by hand', $$INSERT INTO assent.endpoint SELECT pg_temp.key(n),
		(SELECT min(id) FROM assent.contact), 'email', n::text, n::text
		FROM generate_series(3, 13) AS n$$)) AS v (name, what);
SELECT throws_ok(format($$UPDATE assent.endpoint SET key = %L WHERE key = %L$$,
	pg_temp.key(1), key), 'P0001', 'an address keeps its key',
	'nor does another key') FROM assent.endpoint LIMIT 1;
SELECT is_empty($$SELECT * FROM assent.opt_out('', pg_temp.key(1),
	pg_temp.purpose('news'), 'email', 'one-click', NULL)$$, 'a click');
SELECT is_empty('SELECT FROM assent.suppression', 'leaves nothing of them');
SELECT throws_ok(format('SET LOCAL ROLE %I; UPDATE assent.erasure SET lifted_at
	= now()', r), '42501', NULL, r || ' lifts nothing')
FROM unnest('{assent_milter,assent_reader,assent_web,assent_operator,
	assent_checkpointer,assent_auditor,assent_dpo}'::text[]) AS r;
SELECT throws_ok(format('SET LOCAL ROLE %I; SELECT %s', r, what), '42501', NULL,
	format('nor does %s by %s', r, what))
FROM unnest('{assent_milter,assent_reader,assent_operator,assent_checkpointer,
	assent_auditor,assent_dpo}'::text[]) AS r, unnest(ARRAY[
	$$assent.confirm('', NULL, '', '', NULL, NULL, NULL, NULL)$$,
	$$assent.lift(NULL, NULL, '')$$, $$assent.erasures_apply('[]')$$,
	$$assent.erasure_apply(NULL, NULL, NULL)$$]) AS what;
SELECT throws_ok(format('SET LOCAL ROLE assent_web; SELECT %s', what), '42501',
	NULL, 'nor does the web by ' || what)
FROM unnest(ARRAY[$$assent.lift(NULL, NULL, '')$$,
	$$assent.erasures_apply('[]')$$,
	$$assent.erasure_apply(NULL, NULL, NULL)$$]) AS what;

-- The person's own double opt-in.
SELECT throws_like($$SELECT pg_temp.confirm(1, now() - interval '1 second')$$,
	'this was asked for before the person was forgotten', 'a request from before');
SELECT throws_like(format($$SELECT pg_temp.confirm(1, %s, %s, %s)$$, a, c, m),
	'this double opt-in lacks its message, or its dates',
	format('a double opt-in without all it needs: %s, %s, %s', a, c, m))
FROM (VALUES ('now()', 'now()', 'NULL'), ('now()', 'now()', ''''''),
	('NULL', 'now()', '''m'''), ('now()', 'NULL', '''m'''),
	('now()', 'now() - interval ''1 s''', '''m''')) AS v (a, c, m);
SELECT throws_like($$SELECT pg_temp.confirm(1, now(), now() + interval '1 hour')$$,
	'%is in the future', 'one of tomorrow');
SELECT is(pg_temp.is_erased(1), true, 'and nothing is lifted by those');
SELECT is(pg_temp.confirm(1), true, 'a confirmed double opt-in');
SELECT is(pg_temp.standing(1, 'news'), 2, 'grants');
SELECT is(pg_temp.standing(1, 'offers'), 0, 'what was confirmed, no more');
SELECT isnt(pg_temp.contact(1), :who::bigint, 'to somebody new');
SELECT is(pg_temp.is_erased(2), true, 'the other address stays refused');
SELECT is((SELECT act::text FROM assent.event v JOIN assent.erasure e
	ON e.event_id = v.id WHERE e.key = pg_temp.key(1)), 'lift-erasure',
	'the ledger says why');
SELECT is((SELECT fields ->> 'message_id' FROM assent.consent c
	JOIN assent.event_person p USING (event_id)
	WHERE contact_id = pg_temp.contact(1)), '<m@example.com>', 'and on what');
SELECT throws_like($$SELECT pg_temp.act('grant', 1, 'offers',
	now() - interval '1 second')$$,
	'this person was forgotten on %, after this consent of %',
	'an older consent counts no more');
SELECT is(pg_temp.act('grant', 1, 'offers'), true, 'a newer one does');
SELECT results_eq('SELECT * FROM pg_temp.forget(1) AS (a boolean, b int, c int,
	d bigint)', 'VALUES (true, 1, 2, 2::bigint)', 'they can be forgotten again');
SELECT is(pg_temp.is_erased(1), true, 'and are refused again');
SELECT is(pg_temp.confirm(6), true, 'who never was forgotten confirms, too');

-- Opting out while nobody has the address.
SELECT is_empty(format($$SELECT * FROM assent.opt_out('', pg_temp.key(%s),
	pg_temp.purpose('news'), 'email', 'one-click', NULL)$$, n),
	'a click for whom nobody knows')
FROM generate_series(20, 22) AS n, generate_series(1, 2);
SELECT is((SELECT count(*) FROM assent.suppression), 3::bigint, 'is kept, once');
SELECT throws_like($$SELECT pg_temp.act('grant', 20, 'news',
	now() - interval '1 hour')$$, 'withdrawn on %', 'against an older consent');
SELECT is(pg_temp.act('grant', 20, 'news', now() + interval '1 second'), true,
	'a newer one counts');
SELECT is(pg_temp.standing(20, 'news'), 2, 'and grants');
SELECT is((SELECT count(*) FROM assent.event WHERE act = 'withdraw'
	AND contact_id = pg_temp.contact(20) AND source = 'one-click'), 1::bigint,
	'both are recorded');
SELECT pg_temp.act('grant', 21, 'offers')
\g /dev/null
SELECT is(pg_temp.standing(21, 'news'), 3, 'it counts for whatever comes');
SELECT assent.endpoint_add('', pg_temp.key(6), 't', pg_temp.key(22), 'email', 'x',
	'x')
\g /dev/null
SELECT is(pg_temp.standing(6, 'news'), 3, 'and for who gets the address');
SELECT is_empty('SELECT FROM assent.suppression', 'and is used up');
SELECT is_empty($$SELECT * FROM assent.preferences_save('', pg_temp.key(24),
	pg_temp.purpose('news'), 'email', '{}', '{}', '{}', true, true,
	'preferences', NULL)$$, 'leaving everything on a page that knows nobody');
SELECT pg_temp.act('grant', 24, 'news', now() - interval '1 hour')
\g /dev/null
SELECT is(pg_temp.standing(24, 'news'), 3, 'holds for what was agreed before');
SELECT assent.opt_out('', pg_temp.key(23), pg_temp.purpose('news'), 'email',
	'one-click', NULL), pg_temp.forget(23)
\g /dev/null
SELECT is_empty('SELECT FROM assent.suppression', 'forgetting takes it, too');

-- A list of erasures, applied to what a backup remembers.
CREATE FUNCTION pg_temp.apply(n int, p_erased timestamptz,
	p_lifted timestamptz DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
	SELECT assent.erasures_apply(jsonb_build_array(jsonb_build_object(
		'key', pg_temp.hex(n), 'erased_at', p_erased,
		'lifted_at', p_lifted)))
$$;
CREATE FUNCTION pg_temp.known(n int, p_since interval) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.act('grant', n, 'news');
	UPDATE assent.endpoint SET created_at = now() - p_since
	WHERE key = pg_temp.key(n);
END $$;
SELECT pg_temp.known(n, '2 days') FROM generate_series(30, 39) AS n
\g /dev/null
SELECT is(pg_temp.moves($$SELECT pg_temp.apply(30, now() - interval '1 day')$$),
	1::bigint, 'applying moves the epoch');
SELECT is(pg_temp.is_erased(30), true, 'one whom the backup remembers is erased');
SELECT is(pg_temp.contact(30), NULL, 'entirely');
SELECT is((SELECT erased_at FROM assent.erasure WHERE key = pg_temp.key(30)),
	now() - interval '1 day', 'as of then');
SELECT is(pg_temp.apply(30, now() - interval '1 day'), 0::bigint, 'once');
SELECT is(pg_temp.apply(30, now() - interval '2 days', now()), 0::bigint,
	'an older line changes nothing');
SELECT is(pg_temp.apply(30, now() - interval '1 day', now()), 1::bigint,
	'what was lifted since is lifted');
SELECT is(pg_temp.packed(30), NULL, 'and nobody is known by it');
SELECT is(pg_temp.apply(30, now() - interval '1 day'), 0::bigint,
	'an older list does not take that back');
SELECT throws_like($$SELECT pg_temp.act('grant', 30, 'news',
	now() - interval '25 hours')$$, '%, after this consent of %',
	'what was agreed before counts no more');
SELECT is(pg_temp.apply(31, now() - interval '1 day', now()), 1::bigint,
	'one who came back is not known to the backup');
SELECT is(pg_temp.contact(31), NULL, 'what it knows is from before');
SELECT pg_temp.known(40, '1 hour')
\g /dev/null
SELECT is(pg_temp.apply(40, now() - interval '1 day', now() - interval '2 hours'),
	1::bigint, 'one who came after being forgotten');
SELECT is(pg_temp.standing(40, 'news'), 2, 'and had come back stays');
SELECT is(pg_temp.apply(40, now() - interval '1 day'), 0::bigint, 'stays');
SELECT pg_temp.known(41, '1 hour')
\g /dev/null
SELECT is(pg_temp.apply(41, now() - interval '1 day'), 1::bigint,
	'one who was put back after the backup was restored');
SELECT is(pg_temp.is_erased(41), true, 'does not');
SELECT is(pg_temp.apply(41, now() - interval '1 minute'), 1::bigint,
	'forgotten a second time');
SELECT is((SELECT erased_at FROM assent.erasure WHERE key = pg_temp.key(41)),
	now() - interval '1 minute', 'it counts from then');
SELECT is(assent.erasures_apply((SELECT jsonb_agg(jsonb_build_object('key',
	pg_temp.hex(n), 'erased_at', now() - interval '1 day', 'lifted_at', NULL))
	FROM generate_series(32, 39) AS n, generate_series(1, 2))), 8::bigint,
	'many at once, and twice the same');
SELECT is((SELECT bool_and(pg_temp.is_erased(n)) FROM generate_series(32, 39)
	AS n), true, 'all of them');
SELECT is_empty($$SELECT FROM assent.permit p LEFT JOIN assent.endpoint n
	USING (key) LEFT JOIN assent.erasure e ON e.key = p.key
	AND e.lifted_at IS NULL WHERE (n.key IS NULL) = (e.key IS NULL)$$,
	'whoever has a permit is known or erased, never both');
SELECT is_empty($$SELECT key FROM assent.erasure WHERE lifted_at IS NULL EXCEPT
	SELECT key FROM assent.permit WHERE packed = '\x010100'$$,
	'who is erased is refused');

-- Permits go with their addresses, but for those.
DELETE FROM assent.endpoint WHERE key = pg_temp.key(40);
SELECT is(pg_temp.packed(40), NULL, 'no address, no permit');
SELECT is(pg_temp.is_erased(41), true, 'but one that is erased');
TRUNCATE assent.endpoint;
SELECT set_eq('SELECT key FROM assent.permit',
	'SELECT key FROM assent.erasure WHERE lifted_at IS NULL',
	'no addresses, no permits');

-- No statistics of what is personal.
SELECT is_empty($$SELECT attrelid::regclass, attname FROM pg_attribute
	WHERE attrelid::regclass::text || '.' || attname IN (
	'assent.endpoint.canonical', 'assent.endpoint.original',
	'assent.contact.attributes', 'assent.contact.source_name',
	'assent.event_person.fields')
	AND attstattarget <> 0$$, 'the planner keeps no address');

SELECT * FROM finish();
ROLLBACK;
