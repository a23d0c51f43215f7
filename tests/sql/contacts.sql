-- SPDX-License-Identifier: ISC
--
-- contacts - a contact's data and addresses, exemptions, and what of it the
-- ledger says

\ir prelude.psql

SELECT no_plan();

SELECT pg_temp.act('grant', n, 'news') FROM generate_series(1, 2) AS n
\g /dev/null

-- Editing.
SELECT is(assent.contact_edit(pg_temp.key(1), 'operator', 'pl',
	'{"name": "T", "city": "X"}', 'partner', 'fair 2026', 'terms-3', now()),
	true, 'a contact is edited');
SELECT is(assent.contact_edit(pg_temp.key(1), 'operator', NULL,
	'{"city": null}', NULL, NULL, NULL, NULL), true, 'an attribute goes');
SELECT is(assent.contact_edit(pg_temp.key(1), 'operator', 'pl', '{"name": "T"}',
	NULL, NULL, NULL, NULL), false, 'the same again is no change');
SELECT results_eq(format($$SELECT language::text, attributes, source::text,
	source_name, disclaimer FROM assent.contact WHERE id = %s$$,
	pg_temp.contact(1)),
	$$VALUES ('pl', '{"name": "T"}'::jsonb, 'partner', 'fair 2026', 'terms-3')$$,
	'it is what was said');
SELECT results_eq(format($$SELECT p.fields #>> '{before,language}',
	p.fields #>> '{after,language}' FROM assent.event v
	JOIN assent.event_person p ON p.event_id = v.id
	WHERE contact_id = %s AND act = 'edit' ORDER BY v.id$$, pg_temp.contact(1)),
	$$VALUES (NULL, 'pl'), ('pl', 'pl')$$,
	'the ledger has before and after, as personal fields');
SELECT is_empty($$SELECT FROM assent.event WHERE detail LIKE '%fair 2026%'
	OR source LIKE '%fair 2026%'$$, 'and nowhere else');
SELECT throws_like(format('SELECT assent.contact_edit(%L, ''x'', %s)',
	pg_temp.key(1), what), error, error)
FROM (VALUES ('''Polish'', NULL, NULL, NULL, NULL, NULL', '%language%'),
	('NULL, ''[1]'', NULL, NULL, NULL, NULL', '%attributes%'),
	('NULL, NULL, NULL, NULL, ''t'', now() + interval ''1 day''',
	'%in the future')) AS v (what, error);
SELECT throws_like(format('SELECT assent.contact_edit(%L, ''x'', NULL, NULL,
	NULL, NULL, NULL, NULL)', pg_temp.key(99)), 'nobody on record%',
	'nobody cannot be edited');

-- The language goes into the permit, by the numbers of policy/language.h.
SELECT is(get_byte(pg_temp.packed(1), 1), 19 << 2, 'the permit says Polish');
SELECT is(pg_temp.standing(1, 'news'), 2, 'and what it said before');
SELECT is(assent.language_number(tag), number, tag)
FROM (VALUES (0, 'xx'), (0, NULL), (19, 'pl-PL'), (19, 'PL'),
	(1, 'bg'), (2, 'cs'), (3, 'da'), (4, 'de'), (5, 'el'), (6, 'en'), (7,
	'es'), (8, 'et'), (9, 'fi'), (10, 'fr'), (11, 'ga'), (12, 'hr'), (13,
	'hu'), (14, 'it'), (15, 'lt'), (16, 'lv'), (17, 'mt'), (18, 'nl'), (19,
	'pl'), (20, 'pt'), (21, 'ro'), (22, 'sk'), (23, 'sl'), (24, 'sv'), (25,
	'no'), (26, 'nb'), (27, 'nn'), (28, 'is'), (29, 'uk'), (30, 'be'), (31,
	'ru'), (32, 'tr'), (33, 'sq'), (34, 'bs'), (35, 'sr'), (36, 'mk'), (37,
	'hy'), (38, 'ka'), (39, 'ar'), (40, 'he'), (41, 'zh'), (42, 'ja'), (43,
	'ko'), (44, 'ca'), (45, 'eu'), (46, 'gl'), (47, 'cy')) AS v (number, tag);

-- The door is the source of a new contact, if it is one.
SELECT is((SELECT source::text FROM assent.contact WHERE id = pg_temp.contact(2)),
	NULL, 'a door that is no source is none');
SELECT assent.change('', 'grant', pg_temp.key(3), 'email', 't3', 't3',
	pg_temp.purpose('news'), 'email', NULL, NULL, 'partner', NULL)
\g /dev/null
SELECT is((SELECT source::text FROM assent.contact WHERE id = pg_temp.contact(3)),
	'partner', 'one that is, is');

SELECT throws_ok(format($$SELECT assent.contact_edit(%L, 'operator', NULL,
	jsonb_build_object('a', repeat('x', 65536)), NULL, NULL, NULL, NULL)$$,
	pg_temp.key(3)), 'P0001', 'the contact''s attributes would be too long',
	'too much of them is refused in words that show none');

-- Several addresses.
SELECT results_eq(format($$SELECT key, changed FROM assent.endpoint_add('', %L,
	'operator', %L, 'email', 'other@example.com', 'Other@example.com')
	ORDER BY key$$, pg_temp.key(1), pg_temp.key(11)),
	format('VALUES (%L::bytea, true), (%L, true)', pg_temp.key(1),
	pg_temp.key(11)), 'another address');
SELECT is(pg_temp.packed(11), pg_temp.packed(1), 'has the same permit');
SELECT pg_temp.act('withdraw', 11, 'news')
\g /dev/null
SELECT is(pg_temp.standing(1, 'news'), 3, 'leaving by one leaves by all');
SELECT results_eq(format($$SELECT DISTINCT changed FROM assent.endpoint_add('',
	%L, 'operator', %L, 'email', 'other@example.com', 'o')$$, pg_temp.key(1),
	pg_temp.key(11)), 'VALUES (false)', 'adding it again changes nothing');
SELECT throws_like(format($$SELECT assent.endpoint_add('', %L, 'operator', %L,
	'email', 't2@example.com', 't2@example.com')$$, pg_temp.key(1),
	pg_temp.key(2)), 'another contact has this address already',
	'an address has one contact');
SELECT pg_temp.act('grant', 1, 'news', p_channel => 'sms')
\g /dev/null
SELECT is(pg_temp.standing(1, 'news', 'sms'), 0, 'a permit has its own kind only');
SELECT assent.endpoint_add('', pg_temp.key(1), 'operator', pg_temp.key(12),
	'phone', '+48600100200', '+48 600 100 200')
\g /dev/null
SELECT is(pg_temp.standing(12, 'news', 'sms'), 2, 'a number has its channels');
SELECT is(pg_temp.standing(12, 'news'), 0, 'and no other');
SELECT is(pg_temp.moves(format($$SELECT assent.endpoint_remove('', %L, 'x')$$,
	pg_temp.key(11))), 1::bigint, 'removing an address moves the epoch');
SELECT is(pg_temp.packed(11), NULL, 'nobody has it then');
SELECT throws_like(format($$SELECT assent.endpoint_remove('', %L, 'x')$$,
	pg_temp.key(2)), 'this is the contact''s only address', 'one stays');
SELECT is((SELECT count(*) FROM assent.event WHERE act = 'edit'
	AND contact_id = pg_temp.contact(1)), 5::bigint, 'all of it is recorded');

-- Monitoring: one purpose of a brand, never all of it, off until granted anew.
SELECT assent.purpose_add('tap', 'follow', 'T', '{email,sms}',
	p_monitoring => true)
\g /dev/null
SELECT throws_like(format($$SELECT assent.purpose_edit(%s, NULL, NULL, NULL,
	NULL, NULL, NULL, NULL, true)$$, pg_temp.purpose(slug)), error, error)
FROM (VALUES ('news', 'tap/follow is this brand''s purpose for monitoring%'),
	('all', '"all" is everything%')) AS v (slug, error);
SELECT pg_temp.act('grant', 5, 'follow')
\g /dev/null
SELECT results_eq(format($$SELECT changed FROM assent.monitoring_off('', %L, 'x',
	NULL)$$, pg_temp.key(5)), 'VALUES (true)', 'monitoring ends');
SELECT pg_temp.act('grant', 5, 'all')
\g /dev/null
SELECT is(pg_temp.standing(5, 'news'), 2, 'everything is granted');
SELECT is(pg_temp.standing(5, 'follow'), 3, 'but not what ended');
SELECT is((SELECT count(*) FROM assent.consent c WHERE state = 'withdrawn'
	AND contact_id = pg_temp.contact(5)), (SELECT sum(cardinality(channels))
	FROM assent.purpose WHERE monitoring)::bigint, 'of every brand, by every channel');
SELECT pg_temp.act('grant', 5, 'follow', now() + interval '1 second')
\g /dev/null
SELECT is(pg_temp.standing(5, 'follow'), 2, 'a new consent begins it again');
SELECT throws_like(format($$SELECT assent.monitoring_off('', %L, 'x', NULL)$$,
	pg_temp.key(99)), 'nobody on record%', 'nobody is not monitored');

-- Brands.
SELECT assent.brand_add('firm', 'Firm')
\g /dev/null
SELECT assent.brand_edit('tap', 'Renamed', 'firm')
\g /dev/null
SELECT results_eq($$SELECT b.name, p.title, q.slug::text, c.slug::text
	FROM assent.brand b JOIN assent.purpose p ON p.brand_id = b.id
		AND p.slug = 'all'
	JOIN assent.purpose q ON q.id = p.parent_id
	JOIN assent.brand c ON c.id = q.brand_id WHERE b.slug = 'tap'$$,
	$$VALUES ('Renamed', 'Renamed', 'all', 'firm')$$,
	'a brand is renamed and moved, and its root with it');
SELECT assent.brand_edit('tap', NULL, NULL)
\g /dev/null
SELECT is((SELECT c.slug::text FROM assent.brand b JOIN assent.brand c
	ON c.id = b.parent_id WHERE b.slug = 'tap'), 'firm', 'what is NULL stays');
SELECT throws_like(format('SELECT assent.brand_edit(%L, NULL, %L)', slug, above),
	error, error)
FROM (VALUES ('firm', 'tap', 'brands would go in a circle: firm, tap, firm'),
	('firm', 'firm', 'brands would go in a circle: firm, firm'),
	('firm', 'none such', 'there is no brand "none such"'),
	('none such', 'firm', 'there is no brand "none such"'))
	AS v (slug, above, error);
SELECT assent.brand_edit('tap', NULL, '')
\g /dev/null
SELECT is((SELECT parent_id FROM assent.brand WHERE slug = 'tap'), NULL,
	'an empty parent is none');

-- The text that was shown.
SELECT assent.text_add(pg_temp.purpose('news'), 'en', 'News', 'Monthly.')
\g /dev/null
SELECT is((SELECT changed FROM assent.change('', 'grant', pg_temp.key(4), 'email',
	't4', 't4', pg_temp.purpose('news'), 'email', NULL, NULL, 'form',
	'{"ip": "192.0.2.1"}', (SELECT id FROM assent.purpose_text
	WHERE purpose_id = pg_temp.purpose('news'))) LIMIT 1), true,
	'a consent to a text');
SELECT is((SELECT t.body FROM assent.consent c
	JOIN assent.event v ON v.id = c.event_id
	JOIN assent.purpose_text t ON t.id = v.text_id
	WHERE c.contact_id = pg_temp.contact(4)), 'Monthly.', 'names it');
SELECT throws_like(format($$SELECT assent.change('', 'grant', %L, 'email', 't4',
	't4', %s, 'email', NULL, NULL, 'form', NULL, (SELECT id
	FROM assent.purpose_text WHERE purpose_id = %s))$$, pg_temp.key(4),
	pg_temp.purpose('offers'), pg_temp.purpose('news')),
	'text % is of another purpose', 'no other purpose''s');

-- Exemptions: over which state, with and without each flag.
CREATE TEMPORARY TABLE trial AS
SELECT 100 + row_number() OVER ()::int AS n, s.state, f.flag
FROM unnest('{none,pending,granted,expired,withdrawn,since}'::text[])
	AS s (state),
	unnest('{none,objected,restricted,suspended}'::text[]) AS f (flag);
SELECT pg_temp.person(n) FROM trial
\g /dev/null
SELECT assent.exemption_add('recall-1', pg_temp.purpose('recall'), 'quality',
	'A recall that the law demands', now() + interval '1 month')
\g /dev/null
INSERT INTO assent.consent (contact_id, purpose_id, channel, state, since,
	expires_at, objected_at, restricted_at, suspended_at, event_id)
SELECT pg_temp.contact(n), pg_temp.purpose('recall'), 'email',
	(CASE state WHEN 'expired' THEN 'granted' WHEN 'since' THEN 'withdrawn'
		ELSE state END)::assent.state,
	CASE state WHEN 'since' THEN now() ELSE now() - interval '1 day' END,
	CASE state WHEN 'expired' THEN now() - interval '1 hour' END,
	CASE flag WHEN 'objected' THEN now() END,
	CASE flag WHEN 'restricted' THEN now() END,
	CASE flag WHEN 'suspended' THEN now() END, 0
FROM trial
\g /dev/null
SELECT is(pg_temp.standing(n, 'recall'), CASE flag
	WHEN 'objected' THEN 4
	WHEN 'restricted' THEN 5
	WHEN 'suspended' THEN CASE WHEN state IN ('withdrawn', 'since') THEN 3
		ELSE 6 END
	ELSE CASE state WHEN 'since' THEN 3 ELSE 2 END END,
	format('exempt: %s, %s', state, flag)) FROM trial;
SELECT is((SELECT expires FROM pg_temp.unpack(pg_temp.packed(n))
	WHERE purpose = pg_temp.purpose('recall') AND channel = 0),
	CASE state WHEN 'granted' THEN NULL
	ELSE floor(extract(epoch FROM now() + interval '1 month'))::bigint END,
	format('exempt: %s until then', state))
FROM trial WHERE flag = 'none' AND state <> 'since';
SELECT is(pg_temp.standing(101, 'news'), 0, 'no other purpose is exempt');
SELECT results_eq(format($$SELECT exemption FROM assent.explain(%L, %s, 'email')
	WHERE relation = 'own'$$, pg_temp.key(101), pg_temp.purpose('recall')),
	$$VALUES ('recall-1')$$, 'explained by its name');
SELECT is((SELECT count(*) FROM assent.outdated), 1::bigint,
	'an exemption outdates permits');
SELECT is(assent.exemption_end('recall-1'), true, 'it is ended');
SELECT is(assent.exemption_end('recall-1'), false, 'once');
SELECT assent.repack_batch(0, 100000)
\g /dev/null
SELECT is(pg_temp.standing(101, 'recall'), 0, 'and over');
SELECT throws_like(format($$SELECT assent.exemption_add('recall-1', %s, 'q', 'r',
	now() + interval '1 day')$$, pg_temp.purpose('recall')),
	'there is or was an exemption "recall-1" already', 'a name is used once');
SELECT throws_like(format($$SELECT assent.exemption_add('e', %s, 'q', 'r',
	now())$$, pg_temp.purpose('recall')), '%is past', 'it ends in the future');
SELECT throws_ok(format($$SELECT assent.exemption_add('e', %s, %L, %L,
	now() + interval '1 day')$$, pg_temp.purpose('recall'), owner, reason),
	'23514', NULL, 'owner and reason are needed')
FROM (VALUES ('', 'r'), ('q', '')) AS v (owner, reason);

-- What bears on everybody is in the ledger, also when it is done by hand.
SELECT is((SELECT count(*) FROM assent.event WHERE act = 'define'
	AND detail::jsonb ->> 'table' = 'exemption'
	AND detail::jsonb #>> '{after,owner}' = 'quality'), 2::bigint,
	'an exemption, and its end');
CREATE FUNCTION pg_temp.last() RETURNS jsonb LANGUAGE sql AS $$
	SELECT detail::jsonb FROM assent.event WHERE act = 'define'
	ORDER BY id DESC LIMIT 1
$$;
UPDATE assent.purpose SET validity = '1 year' WHERE slug = 'news'
	AND brand_id = (SELECT id FROM assent.brand WHERE slug = 'tap');
SELECT is(pg_temp.last() #>> '{before,validity}', NULL, 'a validity before');
SELECT is(pg_temp.last() #>> '{after,validity}', '1 year', 'and after');
SELECT is((SELECT purpose_id FROM assent.event WHERE act = 'define'
	ORDER BY id DESC LIMIT 1), pg_temp.purpose('news'), 'of which purpose');
SELECT pg_temp.events() AS events
\gset
UPDATE assent.purpose SET validity = validity WHERE slug = 'news';
SELECT is(pg_temp.events(), :events::bigint, 'what changes nothing is no event');
SELECT assent.purpose_depend(pg_temp.purpose('news'), 'withdraws',
	pg_temp.purpose('offers'), false)
\g /dev/null
SELECT is(pg_temp.last() ->> 'table', 'dependency', 'a dependency');
SELECT assent.purpose_depend(pg_temp.purpose('news'), 'withdraws',
	pg_temp.purpose('offers'), true)
\g /dev/null
SELECT is(pg_temp.last() -> 'after', 'null', 'and its end');
SELECT assent.text_add(pg_temp.purpose('offers'), 'it', 'Offerte', 'Testo')
\g /dev/null
SELECT is(pg_temp.last() #>> '{after,body}', 'Testo', 'a text');
SELECT assent.brand_add('tap2', 'Second', 'tap')
\g /dev/null
SELECT is((SELECT count(*) FROM assent.event WHERE act = 'define'
	AND detail::jsonb #>> '{after,slug}' = 'tap2'), 1::bigint, 'a brand');
SELECT throws_ok(format($$INSERT INTO assent.event (at, act, source, commitment,
	leaf) VALUES (now(), %L, 's', sha256(''), sha256(''))$$, 'grant'), '23514',
	NULL, 'only a definition has no contact');

SELECT * FROM finish();
ROLLBACK;
