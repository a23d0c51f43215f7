-- SPDX-License-Identifier: ISC
--
-- signup - what is asked in a form waits for its link, and is limited

\ir prelude.psql

SELECT no_plan();

SELECT pg_temp.purpose(p) FROM unnest(ARRAY['news', 'ads', 'other']) AS p
\g /dev/null
SELECT throws_like($$SELECT assent.form_add('f', 'tap', '{news}')$$,
	'%no address to send mail from', 'a form needs an address to send from');
SELECT assent.brand_add('below', 'Below', 'tap')
\g /dev/null
SELECT assent.brand_edit('tap', NULL, NULL, 'shop@news.example.com')
\g /dev/null
SELECT assent.form_add('f', 'tap', '{news,ads}')
\g /dev/null
SELECT is(assent.sender_of(id), 'shop@news.example.com',
	'a brand sends from its company''s address')
FROM assent.brand WHERE slug = 'below';
SELECT throws_like($$SELECT assent.form_add('f', 'tap', '{news}')$$,
	'%already', 'a slug is used once');
SELECT throws_like($$SELECT assent.form_add('g', 'tap', '{nix}')$$,
	'%no purpose "nix"%', 'purposes are the brand''s');
SELECT assent.purpose_add('tap', 'bill', 'Bills', '{email}',
	p_basis => 'contract')
\g /dev/null
SELECT throws_like($$SELECT assent.form_add('g', 'tap', '{bill}')$$,
	'nobody can sign up for%', 'what is owed cannot be asked for');

-- Texts: the reader's language, else English, else none.
SELECT assent.text_add(pg_temp.purpose('news'), l, 'News ' || l, 'Body ' || l)
FROM unnest(ARRAY['en', 'pl', 'pl']) AS l
\g /dev/null
SELECT results_eq($$SELECT title, body, version
	FROM assent.form_show('f', 'pl')$$,
	$$VALUES ('News pl', 'Body pl', 2), ('Test', NULL, NULL)$$,
	'the newest text in the language');
SELECT is((SELECT title FROM assent.form_show('f', 'de') LIMIT 1), 'News en',
	'else in English');

CREATE FUNCTION pg_temp.ask(ref int, n int, p_purposes int[] DEFAULT NULL,
	p_texts int[] DEFAULT NULL, p_source inet DEFAULT '192.0.2.1',
	p_form text DEFAULT 'f')
RETURNS text LANGUAGE sql AS $$
	SELECT assent.sign_up(p_form, sha256(ref::text::bytea), pg_temp.key(n),
		format('t%s@example.com', n), format('T%s@example.com', n),
		coalesce(p_purposes, ARRAY[pg_temp.purpose('news')]),
		coalesce(p_texts, ARRAY[0]), 'pl', format('<%s@x.test>', ref),
		p_source, '{"ip": "192.0.2.1"}')
$$;
CREATE FUNCTION pg_temp.confirm(ref int) RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_or(changed) FROM assent.sign_up_confirm('',
		sha256(ref::text::bytea), '{"ip": "192.0.2.9"}')
$$;

SELECT is(pg_temp.ask(1, 1, ARRAY[pg_temp.purpose('other')]), 'none',
	'what the form does not offer');
SELECT is(pg_temp.ask(1, 1, '{}', '{}'), 'none', 'nothing at all');
SELECT is(pg_temp.ask(1, 1, p_form => 'nix'), 'none', 'no such form');
SELECT id AS text FROM assent.purpose_text
WHERE purpose_id = pg_temp.purpose('news') AND language = 'pl' AND version = 1
\gset
SELECT is(pg_temp.ask(1, 1, ARRAY[pg_temp.purpose('news'),
	pg_temp.purpose('ads')], ARRAY[:text, :text]), 'asked', 'asked');
SELECT is(pg_temp.ask(1, 1), 'asked', 'said twice');
SELECT is((SELECT count(*) FROM assent.mail), 1::bigint, 'asks back once');
SELECT is((SELECT texts FROM assent.sign_up), ARRAY[:text, NULL],
	'a text of another purpose does not count');
SELECT is(pg_temp.standing(1, 'news'), 0, 'and grants nothing');
SELECT is((SELECT count(*) FROM assent.endpoint
	WHERE key = pg_temp.key(1)), 0::bigint, 'nor is anybody made of it');

-- The mail: taken once, and again when it failed; nobody's when sent.
SELECT results_eq($$SELECT recipient, language, data ->> 'sender',
	data -> 'purposes' FROM assent.mail_take()$$,
	$$VALUES ('T1@example.com', 'pl', 'shop@news.example.com',
		'["News pl", "Test"]'::jsonb)$$, 'the mail');
SELECT is_empty('SELECT FROM assent.mail_take()', 'is taken by one');
SELECT assent.mail_failed(id) FROM assent.mail
\g /dev/null
SELECT is((SELECT next_try - now() FROM assent.mail), interval '4 seconds',
	'tried again soon');
UPDATE assent.mail SET tries = 40;
SELECT assent.mail_failed(id) FROM assent.mail
\g /dev/null
SELECT is((SELECT next_try - now() FROM assent.mail), interval '1 hour',
	'and then every hour');
SELECT assent.mail_sent(id) FROM assent.mail
\g /dev/null
SELECT results_eq('SELECT sent_at = now(), num_nonnulls(key, recipient,
	language, data) FROM assent.mail', 'VALUES (true, 0)',
	'what was sent says no more to whom');
UPDATE assent.mail SET next_try = now() - interval '1 hour';
SELECT is_empty('SELECT FROM assent.mail_take()', 'and is not sent again');

-- Confirming.
SELECT is(pg_temp.confirm(77), NULL, 'what nobody asked for');
SELECT is(pg_temp.confirm(1), true, 'confirmed');
SELECT is(pg_temp.standing(1, p), 2, p || ' is granted')
FROM unnest(ARRAY['news', 'ads']) AS p;
SELECT is(pg_temp.confirm(1), false, 'again changes nothing');
SELECT results_eq($$SELECT v.text_id, p.fields ->> 'form',
	p.fields ->> 'ip', p.fields ->> 'confirmed_ip',
	p.fields ->> 'language', p.fields ->> 'message_id',
	p.fields ? 'requested_at' AND p.fields ? 'confirmed_at'
	FROM assent.event v JOIN assent.event_person p ON event_id = id
	WHERE act = 'grant' AND contact_id = pg_temp.contact(1)
	ORDER BY id LIMIT 1$$, format($$VALUES (%s, 'f', '192.0.2.1',
	'192.0.2.9', 'pl', '<1@x.test>', true)$$, :text), 'the proof');
SELECT is((SELECT num_nonnulls(canonical, original, fields)
	FROM assent.sign_up), 0, 'which then stands in the ledger alone');
SELECT is((SELECT confirmed FROM assent.sign_up_show(sha256('1'))), true,
	'the page knows');

-- Too late.
SELECT pg_temp.ask(2, 2)
\g /dev/null
UPDATE assent.sign_up SET expires_at = now() - interval '1 second'
WHERE key = pg_temp.key(2);
UPDATE assent.mail SET expires_at = now() - interval '1 second'
WHERE key = pg_temp.key(2);
SELECT is_empty($$SELECT FROM assent.sign_up_show(sha256('2'))$$,
	'an old link shows nothing');
SELECT is(pg_temp.confirm(2), NULL, 'and does nothing');
SELECT is_empty('SELECT FROM assent.mail_take()', 'its mail is not sent');
SELECT is((SELECT count(*) FROM assent.sign_up WHERE key = pg_temp.key(2))
	+ (SELECT count(*) FROM assent.mail WHERE key = pg_temp.key(2)),
	0::bigint, 'and both are gone');

-- Limits.
SELECT is(pg_temp.ask(10 + n, 3, p_source => '192.0.2.2'), 'asked',
	'asked often for one address') FROM generate_series(1, 5) AS n;
SELECT is((SELECT count(*) FROM assent.mail WHERE key = pg_temp.key(3)),
	3::bigint, 'three mails for an address and day');
UPDATE assent.sign_up SET requested_at = now() - interval '25 hours'
WHERE key = pg_temp.key(3);
SELECT pg_temp.ask(19, 3, p_source => '192.0.2.2')
\g /dev/null
SELECT is((SELECT count(*) FROM assent.mail WHERE key = pg_temp.key(3)),
	4::bigint, 'another tomorrow');
SELECT is(string_agg(DISTINCT pg_temp.ask(100 + n, 100 + n,
	p_source => ('2001:db8::' || n)::inet), ' '), 'asked', 'twenty from a network')
FROM generate_series(1, 20) AS n;
SELECT is(pg_temp.ask(121, 121, p_source => '2001:db8::ffff'), 'often',
	'and no more');
SELECT is(pg_temp.ask(121, 121, p_source => '2001:db8:0:1::1'), 'asked',
	'but from another');
SELECT is(string_agg(DISTINCT pg_temp.ask(200 + n, 200 + n,
	p_source => NULL), ' '), 'asked often', 'nowhere is one source, too')
FROM generate_series(1, 21) AS n;

-- Forgotten meanwhile, and back by a sign-up of their own.
SELECT pg_temp.act('grant', 4, 'news')
\g /dev/null
SELECT pg_temp.ask(40, 4, p_source => '192.0.2.4')
\g /dev/null
SELECT count(*) FROM assent.forget('', pg_temp.key(4), 'test')
\g /dev/null
SELECT is((SELECT count(*) FROM assent.sign_up WHERE key = pg_temp.key(4))
	+ (SELECT count(*) FROM assent.mail WHERE key = pg_temp.key(4)),
	0::bigint, 'nothing asked for before outlives an erasure');
SELECT is(pg_temp.confirm(40), NULL, 'its link does nothing');
SELECT is(pg_temp.ask(41, 4, p_source => '192.0.2.4'), 'asked',
	'who was forgotten can ask again');
SELECT is(pg_temp.confirm(41), true, 'confirm');
SELECT is(pg_temp.standing(4, 'news'), 2, 'and is back');

-- A closed form.
SELECT assent.form_edit('f', NULL, false)
\g /dev/null
SELECT is_empty($$SELECT FROM assent.form_show('f', 'en')$$, 'closed: no page');
SELECT is(pg_temp.ask(50, 5, p_source => '192.0.2.5'), 'none', 'nor sign-up');
SELECT assent.form_edit('f', '{ads}', true)
\g /dev/null
SELECT is((SELECT array_agg(purpose) FROM assent.form_show('f', 'en')),
	ARRAY[pg_temp.purpose('ads')], 'open again, for something else');

SELECT * FROM finish();
ROLLBACK;
