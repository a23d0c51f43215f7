-- SPDX-License-Identifier: ISC
--
-- changes - what a change writes, what it does not, and what it refuses

\ir prelude.psql

SELECT no_plan();

-- The first act of an address makes its contact; the second finds it.
SELECT pg_temp.purpose('news'), pg_temp.purpose('offers')
\g /dev/null
SELECT is(pg_temp.act('grant', 1, 'news'), true, 'a first grant changes');
SELECT is((SELECT count(*) FROM assent.endpoint WHERE key = pg_temp.key(1)
	AND canonical = 't1@example.com' AND original = 'T1@example.com'
	AND kind = 'email'), 1::bigint, 'the address is kept as given');
SELECT pg_temp.act('grant', 1, 'offers')
\g /dev/null
SELECT is((SELECT count(*) FROM assent.consent
	WHERE contact_id = pg_temp.contact(1)), 2::bigint,
	'a second purpose is the same contact''s');

-- What change() returns is what the cache must hold.
CREATE TEMPORARY TABLE returned AS SELECT * FROM assent.change('', 'withdraw',
	pg_temp.key(1), 'email', 't1@example.com', 't1@example.com',
	pg_temp.purpose('news'), 'email', NULL, NULL, 'test', NULL);
SELECT results_eq('SELECT key, packed, changed FROM returned',
	$$SELECT key::bytea, packed, true FROM assent.permit
		WHERE key = pg_temp.key(1)$$,
	'a change returns the permit as stored');
SELECT is(pg_temp.standing(1, 'news'), 3, 'withdrawn at once');
SELECT is(pg_temp.standing(1, 'offers'), 2, 'the other purpose stays');

-- Idempotence: no event, no other permit, no other date.
CREATE TEMPORARY TABLE again (n int, act assent.act);
INSERT INTO again VALUES (10, 'pend'), (11, 'grant'), (12, 'withdraw'),
	(13, 'object'), (14, 'restrict'), (15, 'lift-objection'),
	(16, 'lift-restriction'), (17, 'suspend'), (18, 'unsuspend');
SELECT pg_temp.act(act, n, 'news', now() - interval '1 hour') FROM again
\g /dev/null
CREATE TEMPORARY TABLE before AS SELECT pg_temp.events() AS events,
	(SELECT array_agg(p ORDER BY p.key) FROM assent.permit p) AS permits,
	(SELECT array_agg(c ORDER BY c.contact_id, c.purpose_id)
		FROM assent.consent c) AS consents;
SELECT is(pg_temp.act(act, n, 'news', now() - interval '1 hour'), false,
	act || ' twice changes nothing') FROM again;
SELECT is(pg_temp.act(act, n, 'news', now() - interval '2 hours'), false,
	act || ' of an older date changes nothing') FROM again;
SELECT is(pg_temp.events(), events, 'no event was recorded') FROM before;
SELECT is((SELECT array_agg(p ORDER BY p.key) FROM assent.permit p), permits,
	'no permit changed') FROM before;
SELECT is((SELECT array_agg(c ORDER BY c.contact_id, c.purpose_id)
	FROM assent.consent c), consents, 'no consent changed') FROM before;

-- An address that nobody knew is known afterwards, also if nothing was done.
SELECT is(pg_temp.packed(15), '\x010000'::bytea,
	'lifting what never was leaves an empty permit');

-- Time.
SELECT pg_temp.act('withdraw', 20, 'news', now() - interval '2 days')
\g /dev/null
SELECT throws_like(
	$$SELECT pg_temp.act('grant', 20, 'news', now() - interval '3 days')$$,
	'withdrawn on %', 'a consent from before a withdrawal is refused');
SELECT throws_like(
	$$SELECT pg_temp.act('pend', 20, 'news', now() - interval '3 days')$$,
	'withdrawn on %', 'so is a request from before it');
SELECT throws_like(
	$$SELECT pg_temp.act('grant', 20, 'news', now() - interval '2 days')$$,
	'withdrawn on %', 'and a consent of the same instant');
SELECT throws_ok(
	$$SELECT pg_temp.act('grant', 20, 'news', now() - interval '3 days')$$,
	'P0001', NULL, 'as an answer to the one who asked');
SELECT is(pg_temp.standing(20, 'news'), 3, 'and stays withdrawn');
SELECT is(pg_temp.act('grant', 20, 'news', now() - interval '1 day'), true,
	'a newer consent is taken');
SELECT is((SELECT since FROM assent.consent
	WHERE contact_id = pg_temp.contact(20)), now() - interval '1 day',
	'and dates from when the person acted');
SELECT throws_like(
	format($$SELECT pg_temp.act('%s', 21, 'news',
		now() + interval '2 minutes')$$, act),
	'%in the future', act || ' in the future is refused')
FROM unnest(enum_range(NULL, 'unsuspend'::assent.act)) AS act;
SELECT lives_ok(
	$$SELECT pg_temp.act('grant', 21, 'news', now() + interval '30 seconds')$$,
	'clocks may differ by a little');
SELECT throws_ok(
	$$SELECT pg_temp.act('grant', 22, 'news', '-infinity')$$, NULL, NULL,
	'an act has a date');

-- Also one that was made by hand.
SELECT pg_temp.act('pend', 24, 'news', now() - interval '9 days')
\g /dev/null
UPDATE assent.consent SET state = 'withdrawn', since = now() - interval '2 days'
	WHERE contact_id = pg_temp.contact(24);
SELECT is(pg_temp.act('pend', 24, 'news', now() - interval '1 day'), true,
	'who left by hand may be asked again');
SELECT throws_like(
	$$SELECT pg_temp.act('grant', 24, 'news', now() - interval '3 days')$$,
	'withdrawn on %', 'but not be granted what they left');

-- Renewal: newer dates and expiries, by newer grants only.
SELECT pg_temp.act('grant', 23, 'news', now() - interval '3 days',
	now() + interval '1 day')
\g /dev/null
SELECT is(pg_temp.act('grant', 23, 'news', now() - interval '4 days',
	now() + interval '9 days'), false, 'an older grant prolongs nothing');
SELECT is(pg_temp.act('grant', 23, 'news', now() - interval '2 days',
	now() + interval '5 days'), true, 'a newer one does');
SELECT is((SELECT expires_at FROM assent.consent
	WHERE contact_id = pg_temp.contact(23)), now() + interval '5 days',
	'to the new date');
SELECT pg_temp.act('withdraw', 23, 'news')
\g /dev/null
SELECT is((SELECT expires_at FROM assent.consent
	WHERE contact_id = pg_temp.contact(23)), NULL,
	'what is withdrawn does not expire');

-- Channels and purposes.
CREATE TEMPORARY TABLE size AS SELECT pg_temp.events() AS events,
	(SELECT count(*) FROM assent.contact) AS contacts;
SELECT throws_like(
	format($$SELECT pg_temp.act('%s', 30, 'news', p_channel => 'push')$$, act),
	'%does not use the channel push',
	act || ' on a channel the purpose does not use is refused')
FROM unnest('{pend,grant}'::assent.act[]) AS act;
SELECT throws_ok(
	format($$SELECT assent.change('', '%s', pg_temp.key(30), 'email', 't', 't',
		%s, 'email', NULL, NULL, 'test', NULL)$$, act, purpose), NULL, NULL,
	format('%s for purpose %s is refused', act, purpose))
FROM unnest(enum_range(NULL, 'unsuspend'::assent.act)) AS act,
	unnest('{0,65535,-1}'::int[]) AS purpose
WHERE act NOT IN ('lift-objection', 'lift-restriction', 'unsuspend');
SELECT is(pg_temp.events(), events, 'nothing of this is in the ledger')
	FROM size;
SELECT is((SELECT count(*) FROM assent.contact), contacts,
	'and no contact was made') FROM size;
SELECT throws_ok($$SELECT assent.change('', 'grant', '\x00', 'email', 't', 't',
	pg_temp.purpose('news'), 'email', NULL, NULL, 'test', NULL)$$, NULL, NULL,
	'a key has 13 octets');

-- Every purpose at once.
SELECT pg_temp.act('grant', 40, p) FROM unnest('{news,offers,third}'::text[])
	AS p
\g /dev/null
SELECT pg_temp.act('grant', 40, 'news', p_channel => 'sms')
\g /dev/null
SELECT is((SELECT bool_and(changed) FROM assent.change('', 'withdraw',
	pg_temp.key(40), 'email', 't', 't', NULL, NULL, NULL, NULL, 'test', NULL)),
	true, 'all purposes are withdrawn at once');
SELECT is((SELECT array_agg(state) FROM assent.consent
	WHERE contact_id = pg_temp.contact(40)),
	'{withdrawn,withdrawn,withdrawn,withdrawn}'::assent.state[],
	'on every channel');
SELECT is((SELECT bool_or(changed) FROM assent.change('', 'withdraw',
	pg_temp.key(40), 'email', 't', 't', NULL, NULL, NULL, NULL, 'test', NULL)),
	false, 'once');

-- Two addresses of one contact stand together.
SELECT pg_temp.act('grant', 50, 'news')
\g /dev/null
INSERT INTO assent.endpoint VALUES (pg_temp.key(51), pg_temp.contact(50),
	'email', 't51@example.com', 't51@example.com');
SELECT is((SELECT count(*) FROM assent.change('', 'withdraw', pg_temp.key(51),
	'email', 't', 't', pg_temp.purpose('news'), 'email', NULL, NULL, 'test',
	NULL)), 2::bigint, 'a change returns the permits of both');
SELECT is(pg_temp.standing(50, 'news'), 3, 'the first address is withdrawn');
SELECT is(pg_temp.standing(51, 'news'), 3, 'and so is the second');

-- Opting out by a link.
SELECT pg_temp.act('grant', 60, p) FROM unnest('{news,offers}'::text[]) AS p
\g /dev/null
SELECT is((SELECT bool_and(changed) FROM assent.opt_out('', pg_temp.key(60),
	pg_temp.purpose('news'), 'email', 'one-click', '{"ip":"192.0.2.1"}')), true,
	'a link withdraws');
SELECT is(pg_temp.standing(60, 'news'), 3, 'what it names');
SELECT is(pg_temp.standing(60, 'offers'), 2, 'and nothing else');
SELECT is((SELECT bool_or(changed) FROM assent.opt_out('', pg_temp.key(60),
	pg_temp.purpose('news'), 'email', 'one-click', NULL)), false, 'once');
SELECT is((SELECT source FROM assent.event ORDER BY id DESC LIMIT 1),
	'one-click', 'the ledger names the door');
SELECT is((SELECT bool_and(changed) FROM assent.opt_out('', pg_temp.key(60),
	pg_temp.purpose('third'), 'email', 'one-click', NULL)), true,
	'a purpose never granted can be left');
SELECT is((SELECT bool_and(changed) FROM assent.opt_out('', pg_temp.key(60),
	pg_temp.purpose('news'), 'push', 'one-click', NULL)), true,
	'so can a channel that the purpose uses no longer');
CREATE TEMPORARY TABLE quiet AS SELECT pg_temp.events() AS events,
	(SELECT count(*) FROM assent.contact) AS contacts,
	(SELECT count(*) FROM assent.endpoint) AS endpoints,
	(SELECT count(*) FROM assent.permit) AS permits;
SELECT is_empty($$SELECT * FROM assent.opt_out('', pg_temp.key(61),
	pg_temp.purpose('news'), 'email', 'one-click', NULL)$$,
	'a key that nobody has returns nothing');
SELECT is_empty(format($$SELECT * FROM assent.opt_out('', pg_temp.key(60), %s,
	'email', 'one-click', NULL)$$, p), 'nor does purpose ' || p)
FROM unnest('{0,-1,65535,70000}'::int[]) AS p;
SELECT is_empty($$SELECT * FROM assent.opt_out('', '\x00',
	pg_temp.purpose('news'), 'email', 'one-click', NULL)$$,
	'nor does a key of another length');
SELECT row_eq($$SELECT pg_temp.events(),
	(SELECT count(*) FROM assent.contact),
	(SELECT count(*) FROM assent.endpoint),
	(SELECT count(*) FROM assent.permit)$$, q, 'and nothing was written')
FROM quiet AS q;

-- Brands and purposes.
SELECT throws_like($$SELECT assent.brand_add('tap', 'x')$$,
	'there is a brand "tap" already', 'a brand is made once');
SELECT throws_like($$SELECT assent.purpose_add('tap', 'news', 'x', '{email}')$$,
	'brand "tap" has a purpose "news" already', 'a purpose is made once');
SELECT throws_like($$SELECT assent.purpose_add('none', 'x', 'x', '{email}')$$,
	'there is no brand "none"', 'a purpose needs its brand');
SELECT throws_ok(format($$SELECT assent.brand_add(%L, 'x')$$, slug), '23514',
	NULL, format('%L is no name', replace(slug, E'\n', '?')))
FROM unnest(ARRAY['', 'A', 'a b', '-a', 'a-', 'a/b', E'a\nb', 'ą',
	repeat('a', 64)]) AS slug;
SELECT throws_ok($$SELECT assent.purpose_add('tap', 'x', 'x', '{}')$$, '23514',
	NULL, 'a purpose has a channel');
SELECT throws_ok($$SELECT assent.purpose_add('tap', 'x', '', '{email}')$$,
	'23514', NULL, 'a purpose has a title');

SELECT * FROM finish();
ROLLBACK;
