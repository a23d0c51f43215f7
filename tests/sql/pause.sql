-- SPDX-License-Identifier: ISC
--
-- pause - nothing before a day, and then all as before

\ir prelude.psql

SELECT no_plan();

SELECT pg_temp.purpose('news')
\g /dev/null
SELECT assent.brand_add('above', 'Above')
\g /dev/null
SELECT assent.brand_edit('tap', NULL, 'above')
\g /dev/null
SELECT assent.purpose_add('above', 'group', 'Group', '{email}')
\g /dev/null
SELECT assent.purpose_add('tap', p, p, '{email}', 'all', b::assent.legal_basis)
FROM (VALUES ('partner', 'consent'), ('bill', 'contract')) AS v (p, b)
\g /dev/null

CREATE FUNCTION pg_temp.pause(n int, days int, p_gives boolean DEFAULT true)
RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_or(changed) FROM assent.preferences_pause('', pg_temp.key(n),
		pg_temp.purpose('news'), 'email', now() + days * interval '1 day',
		p_gives, 'preferences', '{"ip": "192.0.2.1"}')
$$;
CREATE FUNCTION pg_temp.until(n int, p_purpose text) RETURNS bigint
LANGUAGE sql AS $$
	SELECT expires FROM pg_temp.unpack(pg_temp.packed(n))
	WHERE standing = 7 AND purpose = pg_temp.purpose(p_purpose)
$$;
CREATE FUNCTION pg_temp.day(days int) RETURNS bigint LANGUAGE sql AS $$
	SELECT ceil(extract(epoch FROM now() + days * interval '1 day'))::bigint
$$;

SELECT pg_temp.act('grant', n, 'news', now() - interval '1 day',
	now() + interval '30 days') FROM generate_series(1, 3) AS n
\g /dev/null
CREATE TEMPORARY TABLE before AS SELECT pg_temp.packed(1) AS packed;
SELECT is(pg_temp.pause(1, 7), true, 'a pause');
SELECT is(pg_temp.standing(1, 'news'), 7, 'is in the permit');
SELECT is(pg_temp.until(1, 'news'), pg_temp.day(7), 'until its day');
SELECT results_eq($$SELECT standing, expires FROM pg_temp.unpack(
	pg_temp.packed(1)) WHERE purpose = pg_temp.purpose('news')
	AND standing <> 7$$, $$VALUES (2, floor(extract(epoch FROM now()
	+ interval '30 days'))::bigint)$$, 'beside the consent and its end');
SELECT is(pg_temp.pause(1, 7), false, 'said twice');
SELECT is(pg_temp.standing(1, 'bill'), 2, 'a contract goes on');
SELECT results_eq($$SELECT v.act::text, v.expires_at, p.fields ->> 'ip'
	FROM assent.event v JOIN assent.event_person p ON p.event_id = v.id
	WHERE v.contact_id = pg_temp.contact(1) AND v.act = 'pause'$$,
	$$VALUES ('pause', now() + interval '7 days', '192.0.2.1')$$,
	'and one event');
SELECT is((SELECT paused FROM assent.preferences(pg_temp.key(1),
	pg_temp.purpose('news'), 'email', 'en') WHERE purpose =
	pg_temp.purpose('news')), to_char(now() + interval '7 days',
	'YYYY-MM-DD'), 'the page shows the day');

-- Who may only leave may pause, and longer; not less, and not end it.
SELECT is(pg_temp.pause(1, 3, false), false, 'not shorter');
SELECT is(pg_temp.pause(1, NULL, false), false, 'not at all');
SELECT is(pg_temp.until(1, 'news'), pg_temp.day(7), 'as it was');
SELECT is(pg_temp.pause(1, 9, false), true, 'but longer');
SELECT is(pg_temp.until(1, 'news'), pg_temp.day(9), 'by two days');
SELECT is(pg_temp.pause(1, 3), true, 'who may give may shorten it');
SELECT is(pg_temp.pause(1, NULL), true, 'and end it');
SELECT is(pg_temp.packed(1), packed, 'and all is as before') FROM before;
SELECT is(pg_temp.pause(1, NULL), false, 'once');
SELECT throws_like(format('SELECT pg_temp.pause(1, %s)', d),
	'a pause ends within a year%', d || ' days') FROM unnest('{-1,0,400}'::int[])
	AS d;
SELECT is(pg_temp.pause(77, 7), NULL, 'nobody');

-- One that is over is no part of a permit that is computed then.
UPDATE assent.consent SET paused_until = now() WHERE paused_until IS NOT NULL;
SELECT pg_temp.act('pause', 1, 'news', now(), now() - interval '1 second')
\g /dev/null
SELECT is(pg_temp.packed(1), packed, 'a pause that is over') FROM before;

-- What stands above, and what is required.
SELECT assent.purpose_depend(pg_temp.purpose('partner'), 'requires',
	pg_temp.purpose('news'), false)
\g /dev/null
SELECT pg_temp.act('grant', 2, 'partner')
\g /dev/null
SELECT pg_temp.act('pause', 2, 'news', now(), now() + interval '2 days')
\g /dev/null
SELECT is(pg_temp.until(2, 'partner'), pg_temp.day(2),
	'what requires it waits as well');
SELECT pg_temp.act('pause', 2, 'all', now(), now() + interval '5 days')
\g /dev/null
SELECT is(pg_temp.until(2, p), pg_temp.day(5), p || ': the longest counts')
FROM unnest('{news,partner}'::text[]) AS p;

-- Nothing else is hidden by it.
SELECT pg_temp.act(act::assent.act, 2, 'news') FROM unnest('{suspend,object}'::text[])
	AS act
\g /dev/null
SELECT is(pg_temp.standing(2, 'news'), 4, 'an objection says more');
SELECT pg_temp.act('withdraw', 3, 'news')
\g /dev/null
SELECT pg_temp.pause(3, 7)
\g /dev/null
SELECT is(pg_temp.standing(3, 'news'), 3, 'and so does a withdrawal');
SELECT pg_temp.act('grant', 3, 'news', now() + interval '1 second')
\g /dev/null
SELECT is(pg_temp.standing(3, 'news'), 7, 'what is agreed to since waits');

-- The company''s: what the page shows in force, not all that the company says.
SELECT assent.change('', 'grant', pg_temp.key(4), 'email', 't4@example.com',
	't4@example.com', p.id, 'email', NULL, NULL, 'test', NULL)
FROM assent.purpose p JOIN assent.brand b ON b.id = p.brand_id
WHERE b.slug = 'above'
\g /dev/null
SELECT pg_temp.pause(4, 7)
\g /dev/null
SELECT results_eq($$SELECT assent.purpose_name(purpose_id) FROM assent.consent
	WHERE contact_id = pg_temp.contact(4) AND paused_until IS NOT NULL
	ORDER BY 1$$, $$VALUES ('above/group'), ('tap/all')$$, 'what was shown');
SELECT pg_temp.pause(4, NULL)
\g /dev/null
SELECT is((SELECT count(*) FROM assent.consent WHERE contact_id
	= pg_temp.contact(4) AND paused_until IS NOT NULL), 0::bigint, 'and ended');

-- With more dates than an octet counts a pause gets no shorter.
SELECT pg_temp.purpose('m' || i) FROM generate_series(1, 300) AS i
\g /dev/null
SELECT pg_temp.person(5)
\g /dev/null
INSERT INTO assent.consent (contact_id, purpose_id, channel, state, since,
	expires_at, paused_until, event_id)
SELECT pg_temp.contact(5), pg_temp.purpose('m' || i), 'email', 'granted', now(),
	now() + (i * 4 + 2) * interval '1 hour',
	now() + (i * 4) * interval '1 hour', 0
FROM generate_series(1, 300) AS i;
SELECT is_empty($$SELECT FROM assent.consent c
	LEFT JOIN pg_temp.unpack(pg_temp.packed(5)) AS u
		ON u.purpose = c.purpose_id AND u.standing = 7
	WHERE c.contact_id = pg_temp.contact(5) AND (u.standing IS NULL
		OR u.expires < extract(epoch FROM c.paused_until))$$,
	'none ends too early');
SELECT cmp_ok(count(*), '<', 4::bigint, 'and all but the last few end')
FROM pg_temp.unpack(pg_temp.packed(5)) WHERE standing = 7 AND expires IS NULL;

-- Many at once come to what each comes to alone.
SELECT pg_temp.act('grant', n, 'news', now() - interval '1 day')
FROM generate_series(100, 120) AS n
\g /dev/null
SELECT pg_temp.act('pause', n, 'news', now(), now() + n % 3 * interval '1 day')
FROM generate_series(105, 120) AS n
\g /dev/null
SELECT is_empty($$SELECT FROM assent.pack(ARRAY(SELECT pg_temp.contact(n)
	FROM generate_series(100, 120) AS n), 'email') AS p
	WHERE p.packed <> pg_temp.pack(p.contact, 'email')$$, 'together and alone');

-- Taking a press back gives the pause back, too.
SELECT assent.opt_out_press('', pg_temp.key(110), pg_temp.purpose('news'),
	'email', 'ref', 'page', NULL)
\g /dev/null
SELECT assent.opt_out_undo('', pg_temp.key(110), pg_temp.purpose('news'),
	'email', 'ref', 'page', NULL)
\g /dev/null
SELECT is(pg_temp.until(110, 'news'), pg_temp.day(2), 'the pause is back');

SELECT * FROM finish();
ROLLBACK;
