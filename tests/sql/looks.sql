-- SPDX-License-Identifier: ISC
--
-- looks - which colour, logo, words and template a page has

\ir prelude.psql

SELECT no_plan();

SELECT assent.brand_add('above', 'Above')
\g /dev/null
SELECT assent.brand_add('below', 'Below', 'above')
\g /dev/null
SELECT assent.brand_add('aside', 'Aside')
\g /dev/null
SELECT assent.purpose_add('below', 'news', 'News', '{email}')
\g /dev/null
SELECT assent.purpose_add('below', 'daily', 'Daily', '{email}', 'news')
\g /dev/null
CREATE TEMPORARY TABLE p AS SELECT p.id, b.slug || '/' || p.slug AS name
FROM assent.purpose p JOIN assent.brand b ON b.id = p.brand_id;
CREATE FUNCTION pg_temp.p(p_name text) RETURNS int LANGUAGE sql AS
	'SELECT id FROM p WHERE name = p_name';
CREATE FUNCTION pg_temp.look(p_name text, p_page text DEFAULT NULL,
	p_language text DEFAULT 'en') RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', brand, purpose, coalesce(colour, '-'),
		coalesce(left(logo, 15), '-'), coalesce(page, '-'),
		coalesce(title, '-'), lacks)
	FROM assent.page_look('opt-out', p_page, pg_temp.p(p_name), 'opt-out',
		p_language)
$$;

SELECT is(pg_temp.look('below/news'), 'Below News - - - - f',
	'nobody has chosen anything');
SELECT assent.brand_look_set('above', '#000001',
	'data:image/png;base64,AAAA')
\g /dev/null
SELECT is(pg_temp.look('below/news'),
	'Below News #000001 data:image/png; - - f', 'a brand looks like its company');
SELECT assent.brand_look_set('below', '#000002', NULL)
\g /dev/null
SELECT is(pg_temp.look('below/daily'),
	'Below Daily #000002 data:image/png; - - f',
	'the nearest holds, each for itself');
SELECT assent.brand_look_set('below', '', NULL)
\g /dev/null
SELECT is(pg_temp.look('below/news'),
	'Below News #000001 data:image/png; - - f', 'empty is none');
SELECT throws_ok(format('SELECT assent.brand_look_set(%L, %L, %L)', 'below',
	colour, logo), '23514', NULL, 'refused: ' || coalesce(colour, logo))
FROM (VALUES ('#00000g', NULL), ('#000000;', NULL), ('red', NULL),
	(NULL, 'https://example.com/x.png'), (NULL, 'data:text/html;base64,AAAA'),
	(NULL, 'data:image/svg+xml;base64,AAAA'),
	(NULL, 'data:image/png;base64,AA"A')) AS v (colour, logo);
SELECT throws_ok(format('SELECT assent.brand_look_set(%L, NULL, %L)', 'below',
	'data:image/png;base64,' || repeat('A', 43720)), '23514', NULL,
	'a logo too large');

-- Pages.
SELECT assent.page_add('opt-out', s, b) FROM (VALUES ('whole', 'above'),
	('part', 'below'), ('other', 'aside')) AS v (s, b)
\g /dev/null
SELECT throws_like($$SELECT assent.page_add('opt-out', 'part', 'above')$$,
	'%already', 'a name is used once for a kind');
SELECT lives_ok($$SELECT assent.page_add('preferences', 'part', 'below')$$,
	'and for each kind');
SELECT throws_ok($$SELECT assent.page_add('nix', 'x', 'below')$$, '23514', NULL,
	'a kind that is none');
SELECT assent.page_use_set(pg_temp.p('above/all'), 'opt-out', 'whole')
\g /dev/null
SELECT is(pg_temp.look('below/daily'),
	'Below Daily #000001 data:image/png; whole - f',
	'the company''s page, for all below');
SELECT assent.page_use_set(pg_temp.p('below/news'), 'opt-out', 'part')
\g /dev/null
SELECT is(pg_temp.look('below/daily'),
	'Below Daily #000001 data:image/png; part - f', 'the nearest page holds');
SELECT is(pg_temp.look('below/daily', 'whole'),
	'Below Daily #000001 data:image/png; whole - f', 'a link may name another');
SELECT is(pg_temp.look('below/daily', n),
	'Below Daily #000001 data:image/png; part - f',
	'but not another brand''s, and none that is not there')
FROM unnest(ARRAY['other', 'nix']) AS n;
SELECT throws_like(format('SELECT assent.page_use_set(%s, %L, %L)',
	pg_temp.p('below/news'), 'opt-out', 'other'), '%another brand''s',
	'a purpose opens pages of its brand');
SELECT throws_like(format('SELECT assent.page_use_set(%s, %L, %L)',
	pg_temp.p('below/news'), 'opt-out', 'nix'), 'there is no opt-out page%',
	'that are there');

-- Words.
SELECT assent.page_text_set('opt-out', 'part', 'opt-out', 'en', 'Bye', NULL,
	NULL)
\g /dev/null
SELECT is(pg_temp.look('below/news'),
	'Below News #000001 data:image/png; part Bye f', 'own words');
SELECT is(pg_temp.look('below/news', NULL, 'pl'),
	'Below News #000001 data:image/png; part - t', 'in one language only');
SELECT assent.page_text_set('opt-out', 'part', 'opt-out', 'en', NULL, 'Body',
	NULL)
\g /dev/null
SELECT results_eq($$SELECT title, body, button FROM assent.page_text$$,
	$$VALUES ('Bye', 'Body', NULL)$$, 'what is not given stays');
SELECT assent.page_text_set('opt-out', 'part', 'opt-out', 'en', '', '', NULL)
\g /dev/null
SELECT is_empty('SELECT FROM assent.page_text', 'words without words go');
SELECT throws_like($$SELECT assent.page_remove('opt-out', 'part')$$,
	'%below/news open this page', 'a page that is used stays');
SELECT assent.page_use_set(pg_temp.p('below/news'), 'opt-out', '')
\g /dev/null
SELECT assent.page_template_set('opt-out', 'part', 'opt-out', 'x')
\g /dev/null
SELECT assent.page_remove('opt-out', 'part')
\g /dev/null
SELECT is_empty($$SELECT FROM assent.page_template$$, 'all of it goes');

-- Forms.
SELECT assent.brand_edit('below', NULL, NULL, 'below@news.example.com')
\g /dev/null
SELECT assent.form_add('f', 'below', '{news}')
\g /dev/null
SELECT throws_like($$SELECT assent.page_remove('sign-up', 'f')$$, 'the ledger%',
	'a form is never removed');
SELECT is((SELECT brand FROM assent.page_look('sign-up', 'f', NULL, 'asked',
	'en')), 'Below', 'a form has its brand''s look');
SELECT is(array_agg(n || coalesce(sender, ' nobody') ORDER BY n), ARRAY[
	'above/all nobody', 'below/dailybelow@news.example.com'],
	'and its sender') FROM unnest('{above/all,below/daily}'::text[]) AS n,
	assent.page_look('why', NULL, pg_temp.p(n), 'why', 'en');
SELECT assent.brand_edit('below', NULL, NULL, ''),
	assent.brand_edit('above', NULL, NULL, 'above@news.example.com')
\g /dev/null
SELECT is((SELECT sender FROM assent.page_look('sign-up', 'f', NULL, 'asked',
	'en')), 'above@news.example.com', 'or the company''s');
SELECT is_empty($$SELECT FROM assent.page_look('sign-up', 'g', NULL, 'asked',
	'en')$$, 'what is not there has none');
SELECT isnt_empty($$SELECT FROM assent.event WHERE act = 'define'
	AND detail::jsonb ->> 'table' = 'page_use'$$, 'the ledger has it');

SELECT * FROM finish();
ROLLBACK;
