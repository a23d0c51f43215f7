-- SPDX-License-Identifier: ISC
--
-- footers - which footer a message gets, and why it is sent

\ir prelude.psql

SELECT no_plan();

SELECT pg_temp.purpose('top')
\g /dev/null
SELECT assent.purpose_add('tap', 'part', 'Part', '{email,sms}', 'top')
\g /dev/null
CREATE FUNCTION pg_temp.said(p_purpose text, p_language text) RETURNS text
LANGUAGE sql AS $$
	SELECT split_part(text, ' ', 1) FROM assent.footers(pg_temp.purpose(p_purpose))
	WHERE language = p_language
$$;
CREATE FUNCTION pg_temp.footer(p_purpose text, p_language text, p_word text)
RETURNS void LANGUAGE sql AS $$
	SELECT assent.footer_set(pg_temp.purpose(p_purpose), p_language,
		p_word || ' {{unsubscribe_url}}', p_word || ' {{unsubscribe_url}}')
$$;

SELECT bag_eq(format('SELECT language FROM assent.footers(%s)',
	pg_temp.purpose('part')), $$VALUES ('en'), ('it'), ('pl')$$,
	'three come with the program');
SELECT pg_temp.footer('all', 'pl', 'brand')
\g /dev/null
SELECT is(pg_temp.said('part', 'pl'), 'brand', 'the brand''s is nearer');
SELECT pg_temp.footer('top', 'pl', 'top')
\g /dev/null
SELECT is(pg_temp.said('part', 'pl'), 'top', 'a parent''s nearer still');
SELECT is(pg_temp.said('all', 'pl'), 'brand', 'but not for what is above it');
SELECT is(pg_temp.said('part', 'it'), 'Questo', 'each language for itself');
SELECT pg_temp.footer('part', 'pl', 'own'), pg_temp.footer('part', 'pl', 'own2')
\g /dev/null
SELECT is(pg_temp.said('part', 'pl'), 'own2', 'set again, it is replaced');
SELECT is(assent.footer_remove(pg_temp.purpose('part'), 'pl'), true, 'removed');
SELECT is(assent.footer_remove(pg_temp.purpose('part'), 'pl'), false, 'once');
SELECT is(pg_temp.said('part', 'pl'), 'top', 'what is above holds again');
SELECT throws_ok($$SELECT assent.footer_set(NULL, 'en', 'no link', 'no link')$$,
	'23514', NULL, 'a footer has a link');
SELECT assent.footer_remove(NULL, language) FROM (VALUES ('pl'), ('it'))
	AS v (language)
\g /dev/null
SELECT throws_like($$SELECT assent.footer_remove(NULL, 'en')$$,
	'this is the last footer%', 'one for everybody stays');
SELECT assent.text_add(pg_temp.purpose('part'), 'pl', 'Część', 'Treść')
\g /dev/null
SELECT is((SELECT title FROM assent.footers(pg_temp.purpose('part'))
	WHERE language = 'pl'), 'Część', 'the title in its language');

-- Why.
CREATE FUNCTION pg_temp.why(n int, OUT said text, OUT standing int)
LANGUAGE sql AS $$
	SELECT concat_ws('|', address, brand, title, covered_by, door, source,
		source_name, text_version, text_body), standing
	FROM assent.why(pg_temp.key(n), pg_temp.purpose('part'), 'email')
$$;
SELECT assent.change('', 'grant', pg_temp.key(1), 'email', 't1@example.com',
	'T1@example.com', pg_temp.purpose('part'), 'email', now() - interval '1 day',
	NULL, 'form', NULL, (SELECT id FROM assent.purpose_text
		WHERE body = 'Treść'))
\g /dev/null
SELECT assent.contact_edit(pg_temp.key(1), 'operator', NULL, NULL, NULL,
	'the fair', NULL, NULL)
\g /dev/null
SELECT results_eq('SELECT * FROM pg_temp.why(1)', $$VALUES
	('t***@e***.com|Test|Part|form|form|the fair|1|Treść', 2)$$,
	'who asked, when, where and to which text');
SELECT is((SELECT since FROM assent.why(pg_temp.key(1), pg_temp.purpose('part'),
	'email')), now() - interval '1 day', 'and on which day');
SELECT pg_temp.act('grant', 2, 'top')
\g /dev/null
SELECT results_eq('SELECT * FROM pg_temp.why(2)', $$VALUES
	('t***@e***.com|Test|Part|Test|test', 2)$$, 'covered by what is above');
SELECT pg_temp.act('withdraw', 2, 'top')
\g /dev/null
SELECT is((SELECT standing FROM pg_temp.why(2)), 3, 'left');
SELECT pg_temp.act('grant', 3, 'part', p_expires => now() + interval '1 hour',
	p_at => now() - interval '1 day')
\g /dev/null
UPDATE assent.consent SET expires_at = now() - interval '1 hour'
WHERE contact_id = pg_temp.contact(3);
SELECT is((SELECT standing FROM pg_temp.why(3)), 0, 'run out');
SELECT is_empty($$SELECT FROM assent.why(pg_temp.key(99), 1, 'email')$$,
	'nobody has no reason');
SELECT is(assent.masked(kind::assent.endpoint_kind, address), shown, shown)
FROM (VALUES ('email', 'a@b.example', 'a***@b***.example'),
	('phone', '+48600100200', '+48***00'), ('postal', 'x street', 'x***'))
	AS v (kind, address, shown);

SELECT * FROM finish();
ROLLBACK;
