-- SPDX-License-Identifier: ISC
--
-- leaving - what a press takes, and what taking it back gives

\ir prelude.psql

SELECT no_plan();

SELECT pg_temp.purpose('news')
\g /dev/null
SELECT assent.purpose_add('tap', p, p, '{email}', above)
FROM (VALUES ('weekly', 'news'), ('daily', 'news'), ('offers', 'all'),
	('partner', 'all'), ('survey', 'all')) AS v (p, above)
\g /dev/null
SELECT assent.purpose_depend(pg_temp.purpose('partner'), 'requires',
	pg_temp.purpose('news'), false)
\g /dev/null
SELECT assent.purpose_depend(pg_temp.purpose('offers'), 'withdraws',
	pg_temp.purpose('survey'), false)
\g /dev/null

CREATE FUNCTION pg_temp.press(n int, p_purpose text, ref text DEFAULT 'ref')
RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_or(changed) FROM assent.opt_out_press('', pg_temp.key(n),
		pg_temp.purpose(p_purpose), 'email', ref::bytea, 'page', NULL)
$$;
CREATE FUNCTION pg_temp.undo(n int, p_purpose text, ref text DEFAULT 'ref')
RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_or(changed) FROM assent.opt_out_undo('', pg_temp.key(n),
		pg_temp.purpose(p_purpose), 'email', ref::bytea, 'page',
		'{"ip": "192.0.2.1"}')
$$;
CREATE FUNCTION pg_temp.page(n int, p_purpose text, ref text DEFAULT 'ref')
RETURNS TABLE (title text, has_left boolean, takes text, keeps text, took text,
	undo boolean) LANGUAGE sql AS $$
	SELECT title, has_left, takes, keeps, took, undo
	FROM assent.opt_out_show(pg_temp.key(n), pg_temp.purpose(p_purpose),
		'email', 'en', ref::bytea)
$$;
CREATE FUNCTION pg_temp.everything(n int) RETURNS text LANGUAGE sql AS $$
	SELECT jsonb_agg(to_jsonb(c) ORDER BY purpose_id)::text || pg_temp.packed(n)
	FROM assent.consent c WHERE contact_id = pg_temp.contact(n)
$$;

-- What the page says is what then happens, for every purpose.
SELECT pg_temp.act('grant', n, g, now() - interval '1 day')
FROM generate_series(1, 7) AS n, unnest('{news,offers,partner,survey}'::text[]) AS g
\g /dev/null
CREATE TEMPORARY TABLE said AS SELECT n, p.*
FROM unnest('{news,weekly,offers,partner,survey,daily,all}'::text[])
	WITH ORDINALITY AS u (slug, n), pg_temp.page(n::int, slug) AS p;
SELECT results_eq('SELECT title, takes, keeps FROM said ORDER BY n', $$VALUES
	('Test', '["daily", "weekly", "partner"]', '["offers", "survey"]'),
	('weekly', NULL, '["Test", "daily", "offers", "partner", "survey"]'),
	('offers', '["survey"]', '["Test", "daily", "weekly", "partner"]'),
	('partner', NULL, '["Test", "daily", "weekly", "offers", "survey"]'),
	('survey', NULL, '["Test", "daily", "weekly", "offers", "partner"]'),
	('daily', NULL, '["Test", "weekly", "offers", "partner", "survey"]'),
	(NULL, '["Test", "daily", "weekly", "offers", "partner", "survey"]',
		NULL)$$, 'titles in the order of the trees');
SELECT results_eq('SELECT has_left, took, undo FROM said',
	'SELECT false, NULL::text, false FROM said', 'and nothing is left yet');
CREATE TEMPORARY TABLE before AS SELECT n, pg_temp.everything(n) AS all_
FROM generate_series(1, 7) AS n;
SELECT is(pg_temp.press(n::int, slug, 'ref' || n), true, 'leaving ' || slug)
FROM unnest('{news,weekly,offers,partner,survey,daily,all}'::text[])
	WITH ORDINALITY AS u (slug, n);
SELECT results_eq($$SELECT p.has_left, p.took, p.keeps, p.undo
	FROM unnest('{news,weekly,offers,partner,survey,daily,all}'::text[])
	WITH ORDINALITY AS u (slug, n), pg_temp.page(n::int, slug, 'ref' || n) AS p
	ORDER BY n$$,
	'SELECT true, takes, keeps, true FROM said ORDER BY n',
	'takes what was said and leaves what was said');

-- And back: the record and the permit are what they were.
SELECT is(pg_temp.undo(n::int, slug, 'ref' || n), true, 'taking back ' || slug)
FROM unnest('{news,weekly,offers,partner,survey,daily,all}'::text[])
	WITH ORDINALITY AS u (slug, n);
SELECT is(pg_temp.everything(n), all_, 'all is as it was, ' || n) FROM before;
SELECT is(pg_temp.undo(1, 'news', 'ref1'), false, 'once');
SELECT results_eq($$SELECT v.act, v.source, w.act, p.fields
	FROM assent.event v JOIN assent.event w ON w.id = v.about
	JOIN assent.event_person p ON p.event_id = v.id
	WHERE v.act = 'undo' AND v.contact_id = pg_temp.contact(1)$$,
	$$VALUES ('undo'::assent.act, 'page', 'withdraw'::assent.act,
		'{"ip": "192.0.2.1"}'::jsonb)$$, 'the ledger has both');

-- A press twice is one; a second press by another page is another.
CREATE FUNCTION pg_temp.again(n int) RETURNS void LANGUAGE sql AS $$
	SELECT pg_temp.act('grant', n, 'news', now() - interval '1 day')
$$;
SELECT pg_temp.again(n) FROM generate_series(10, 30) AS n
\g /dev/null
SELECT is(pg_temp.press(10, 'news'), true, 'pressed');
SELECT is(pg_temp.press(10, 'news'), false, 'pressed twice');
SELECT is(pg_temp.undo(10, 'news'), true, 'is one press');

-- Nothing comes back but by the page that took it, and untouched since.
SELECT is(pg_temp.undo(11, 'news'), false, 'what was not left');
SELECT pg_temp.press(n, 'news', 'p' || n) FROM generate_series(12, 30) AS n
\g /dev/null
SELECT is(pg_temp.undo(12, 'news', 'p13'), false, 'by another''s page');
SELECT is(pg_temp.undo(12, 'offers', 'p12'), false, 'of another purpose');
SELECT is(pg_temp.undo(12, 'news', 'guess'), false, 'by a guess');
SELECT is(pg_temp.act('withdraw', 14, 'news', now() + interval '1 second'),
	false, 'said again elsewhere');
SELECT is(pg_temp.undo(14, 'news', 'p14'), false, 'counts');
SELECT is(pg_temp.press(13, 'news', 'other'), false, 'pressed elsewhere');
SELECT is(pg_temp.undo(13, 'news', 'other'), false, 'took nothing itself');
SELECT pg_temp.act(act::assent.act, n, 'news', now() + interval '1 second')
FROM (VALUES (15, 'object'),
	(16, 'restrict'), (17, 'suspend'), (18, 'grant')) AS v (n, act)
\g /dev/null
SELECT is(pg_temp.undo(n, 'news', 'p' || n), false, 'not after an act since, '
	|| n) FROM generate_series(15, 18) AS n;
UPDATE assent.departure SET at = now() - interval '61 minutes'
WHERE key = pg_temp.key(19);
SELECT is(pg_temp.undo(19, 'news', 'p19'), false, 'nor after an hour');
SELECT is((SELECT undo FROM pg_temp.page(19, 'news', 'p19')), false,
	'which the page knows');
SELECT pg_temp.act('withdraw', 20, 'all')
\g /dev/null
SELECT is(pg_temp.undo(20, 'news', 'p20'), true, 'what was left above since');
SELECT is(pg_temp.standing(20, 'news'), 3, 'stays left');
SELECT assent.forget('', pg_temp.key(21), 'test')
\g /dev/null
SELECT is(pg_temp.undo(21, 'news', 'p21'), NULL, 'nobody who was forgotten');
SELECT is((SELECT count(*) FROM assent.departure
	WHERE key = pg_temp.key(21)), 0::bigint, 'of whom nothing is kept');

-- What had run out, or was never granted, does not come back.
SELECT pg_temp.act('grant', 40, 'news', now() - interval '2 days',
	now() - interval '1 day')
\g /dev/null
SELECT pg_temp.act('pend', 41, 'news')
\g /dev/null
SELECT is(pg_temp.press(n, 'news'), true, 'left') FROM unnest('{40,41}'::int[])
	AS n;
SELECT is(pg_temp.undo(n, 'news'), false, 'and nothing was taken')
FROM unnest('{40,41}'::int[]) AS n;

-- An hour has three of them.
SELECT is(bool_and(pg_temp.press(42, 'news', 'r' || i)
	AND pg_temp.undo(42, 'news', 'r' || i)), true, 'three times')
FROM generate_series(1, 3) AS i, pg_temp.again(42) OFFSET 0;
SELECT is(pg_temp.press(42, 'news', 'r4'), true, 'and a fourth');
SELECT is(pg_temp.undo(42, 'news', 'r4'), false, 'is not taken back');

-- What saving would do is said, and nothing of it stays.
CREATE FUNCTION pg_temp.review(n int, p_leave text[], p_join text[])
RETURNS TABLE (stops text, starts text) LANGUAGE sql AS $$
	SELECT stops, starts FROM assent.preferences_review(pg_temp.key(n),
		pg_temp.purpose('news'), 'email',
		ARRAY(SELECT pg_temp.purpose(p) FROM unnest(p_leave) AS p),
		ARRAY(SELECT pg_temp.purpose(p) FROM unnest(p_join) AS p),
		ARRAY(SELECT 0 FROM unnest(p_join)), true, 'en')
$$;
CREATE TEMPORARY TABLE unreviewed AS SELECT pg_temp.everything(1) AS all_,
	pg_temp.events() AS events;
SELECT results_eq(format($$SELECT * FROM pg_temp.review(1, %L, %L)$$, l, j),
	format($$SELECT %L::text, %L::text WHERE %L IS NOT NULL$$, stops, NULL,
		stops), format('leaving %s with %s ticked', l, j))
FROM (VALUES ('{news}', '{offers}', '["daily", "weekly", "partner"]'),
	('{news,weekly,daily,partner}', '{offers,survey}', NULL),
	('{news,weekly,daily}', '{offers,partner}', '["partner"]'),
	('{news,daily,partner}', '{weekly}', NULL),
	('{offers}', '{news}', '["survey"]'),
	('{offers}', '{news,survey}', NULL),
	('{}', '{}', NULL)) AS v (l, j, stops);
SELECT is(pg_temp.everything(1), all_, 'and nothing was done') FROM unreviewed;
SELECT is(pg_temp.events(), events, 'nor recorded') FROM unreviewed;
SELECT pg_temp.act('withdraw', 60, 'all')
\g /dev/null
SELECT results_eq($$SELECT * FROM pg_temp.review(60, '{}', '{news}')$$,
	$$VALUES (NULL::text, '["daily", "weekly"]')$$, 'what begins with it');
SELECT results_eq($$SELECT * FROM pg_temp.review(60, '{}', '{partner}')$$,
	$$VALUES ('["partner"]', NULL::text)$$, 'what would not begin');
SELECT is_empty($$SELECT FROM pg_temp.review(98, '{news}', '{}')$$, 'nobody');

-- A key that nobody has is kept as for any click.
SELECT is(pg_temp.press(99, 'news'), NULL, 'nobody presses');
SELECT is((SELECT count(*) FROM assent.suppression
	WHERE key = pg_temp.key(99)), 1::bigint, 'which is kept');
SELECT is_empty($$SELECT FROM pg_temp.page(99, 'news')$$, 'and shows nothing');

-- Two steps: a press queues a mail and changes nothing, where one can be sent.
SELECT assent.purpose_edit(pg_temp.purpose('weekly'), NULL, NULL, NULL, NULL,
	NULL, NULL, 'double')
\g /dev/null
CREATE FUNCTION pg_temp.ask(n int, p_purpose text, ref text)
RETURNS boolean LANGUAGE sql AS $$
	SELECT assent.opt_out_ask(pg_temp.key(n), pg_temp.purpose(p_purpose),
		'email', ref::bytea, ('mail ' || ref)::bytea, 'pl',
		format('<%s@x.test>', ref), '{"ip": "192.0.2.1"}')
$$;
CREATE FUNCTION pg_temp.confirm(ref text) RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_or(changed) FROM assent.leave_request_confirm('',
		('mail ' || ref)::bytea, '{"ip": "192.0.2.9"}')
$$;
SELECT pg_temp.again(n) FROM generate_series(50, 54) AS n
\g /dev/null
SELECT is(pg_temp.ask(50, 'weekly', 'a'), false,
	'at once, while there is no address to send from');
SELECT assent.brand_edit('tap', NULL, NULL, 'shop@news.example.com')
\g /dev/null
SELECT is(pg_temp.ask(50, 'news', 'a'), false, 'at once, as the purpose says');
SELECT is(pg_temp.ask(50, 'weekly', 'b'), true, 'asked');
SELECT is(pg_temp.ask(50, 'weekly', 'b'), true, 'pressed twice');
SELECT results_eq($$SELECT message_id, recipient, language, data ->> 'purpose'
	FROM assent.mail WHERE key = pg_temp.key(50)$$,
	$$VALUES ('<b@x.test>', 'T50@example.com', 'pl', 'weekly')$$,
	'asks back once');
SELECT is(pg_temp.standing(50, 'weekly'), 2, 'and changes nothing');
SELECT is((SELECT double FROM assent.opt_out_show(pg_temp.key(50),
	pg_temp.purpose('weekly'), 'email', 'en', NULL)), true, 'the page knows');
SELECT is(bool_and(pg_temp.ask(50, 'weekly', 'b' || i)), true, 'asked often')
FROM generate_series(1, 9) AS i;
SELECT is((SELECT count(*) FROM assent.mail WHERE key = pg_temp.key(50)),
	3::bigint, 'three mails in a day');
SELECT is(pg_temp.confirm('nix'), NULL, 'what nobody asked');
SELECT is(pg_temp.confirm('b'), true, 'confirmed');
SELECT is(pg_temp.standing(50, 'weekly'), 3, 'is left');
SELECT is(pg_temp.confirm('b'), false, 'once');
SELECT is(pg_temp.ask(50, 'weekly', 'z'), false,
	'of what is left nobody is asked');
SELECT results_eq($$SELECT v.source, p.fields ->> 'ip',
	p.fields ->> 'confirmed_ip', p.fields ->> 'message_id',
	p.fields ? 'requested_at' AND p.fields ? 'confirmed_at'
	FROM assent.event v JOIN assent.event_person p ON p.event_id = v.id
	WHERE v.contact_id = pg_temp.contact(50) AND v.act = 'withdraw'$$,
	$$VALUES ('double-opt-out', '192.0.2.1', '192.0.2.9', '<b@x.test>',
		true)$$, 'with the proof');
SELECT pg_temp.ask(51, 'weekly', 'c')
\g /dev/null
UPDATE assent.leave_request SET expires_at = now() - interval '1 second'
WHERE key = pg_temp.key(51);
SELECT is_empty($$SELECT FROM assent.leave_request_show('mail c')$$, 'too late');
SELECT is(pg_temp.confirm('c'), NULL, 'changes nothing');
SELECT pg_temp.ask(52, 'weekly', 'd')
\g /dev/null
SELECT assent.forget('', pg_temp.key(52), 'test')
\g /dev/null
SELECT is((SELECT count(*) FROM assent.leave_request JOIN assent.mail
	USING (key) WHERE key = pg_temp.key(52)), 0::bigint,
	'who is forgotten asks nothing');

-- Reasons: personal fields of an event, once a press.
CREATE FUNCTION pg_temp.why(n int, p_reason text, p_words text)
RETURNS boolean LANGUAGE sql AS $$
	SELECT assent.opt_out_reason(pg_temp.key(n), pg_temp.purpose('news'),
		'email', format('p%s', n)::bytea, p_reason, p_words)
$$;
SELECT is(pg_temp.why(22, 'often', 'Enough <b>'), true, 'a reason');
SELECT is(pg_temp.why(22, 'often', 'Enough'), false, 'once');
SELECT is(pg_temp.why(11, 'often', 'Enough'), false, 'not without leaving');
SELECT is(pg_temp.why(23, w, 'Enough'), false, 'no other than is offered')
FROM (VALUES ('x'), (''), (NULL)) AS v (w);
SELECT results_eq($$SELECT p.fields, w.act FROM assent.event v
	JOIN assent.event_person p ON p.event_id = v.id
	JOIN assent.event w ON w.id = v.about WHERE v.act = 'reason'$$,
	$$VALUES ('{"reason": "often", "words": "Enough <b>"}'::jsonb,
		'withdraw'::assent.act)$$, 'it is kept beside the withdrawal');
SELECT is(pg_temp.undo(22, 'news', 'p22'), true,
	'who says why may still come back');
SELECT assent.forget('', pg_temp.key(22), 'test')
\g /dev/null
SELECT is_empty($$SELECT FROM assent.event_person WHERE fields ? 'words'$$,
	'and it is forgotten with the person');
SELECT is(pg_temp.why(23, 'other', repeat('x', 1001)), true, 'a novel');
SELECT is((SELECT p.fields ->> 'words' FROM assent.event v
	JOIN assent.event_person p ON p.event_id = v.id WHERE v.act = 'reason'
	AND p.fields ? 'words'), repeat('x', 1000), 'is cut');

SELECT * FROM finish();
ROLLBACK;
