-- SPDX-License-Identifier: ISC
--
-- profile - a link mailed on request, and what it opens and does

\ir prelude.psql

SELECT no_plan();

CREATE FUNCTION pg_temp.ref(n int) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
	SELECT decode(lpad(to_hex(n), 32, '0'), 'hex')
$$;

-- Asks for the profile of tN@example.com by a link of that number.
CREATE FUNCTION pg_temp.ask(p_ref int, n int, p_source inet DEFAULT '192.0.2.1',
	p_page text DEFAULT 'p', p_life interval DEFAULT '1 hour')
RETURNS text LANGUAGE sql AS $$
	SELECT assent.profile_ask(p_page, pg_temp.ref(p_ref), pg_temp.key(n),
		format('T%s@example.com', n), 'pl', format('<profile.%s@test>', p_ref),
		p_source, p_life)
$$;

CREATE FUNCTION pg_temp.opened(p_ref int) RETURNS json LANGUAGE sql AS $$
	SELECT data::json FROM assent.profile_open(pg_temp.ref(p_ref))
$$;

-- Whether it changed anything; NULL when the link opens nothing.
CREATE FUNCTION pg_temp.press(p_ref int, p_act text, p_detail jsonb DEFAULT '{}')
RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_or(changed) FROM assent.profile_act('', pg_temp.ref(p_ref),
		p_act, p_detail, '{"ip": "192.0.2.1"}')
$$;

CREATE FUNCTION pg_temp.pair(p_slug text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('purpose', pg_temp.purpose(p_slug),
		'channel', 'email')
$$;

-- Pages.
SELECT pg_temp.purpose('news'), pg_temp.purpose('ads')
\g /dev/null
SELECT throws_like($$SELECT assent.profile_page_add('p', 'tap', NULL, NULL,
	NULL)$$, '%no address to send mail from', 'a page needs a sender');
SELECT assent.brand_edit('tap', NULL, NULL, 'hello@tap.example')
\g /dev/null
SELECT throws_like($$SELECT assent.profile_page_add('p', 'tap', NULL,
	'{secrets}', NULL)$$, 'a profile cannot show "secrets"', 'what it shows');
SELECT throws_like($$SELECT assent.profile_page_add('p', 'tap', NULL, NULL,
	'{consents}')$$, 'a profile cannot edit "consents"', 'what it edits');
SELECT throws_like(format($$SELECT assent.profile_page_add(%L, 'tap', NULL,
	NULL, NULL)$$, repeat('p', 44)), '%at most 43 characters',
	'no page is named as a token is');
SELECT assent.profile_page_add('p', 'tap', NULL, NULL,
	'{language,addresses,attributes.name}'),
	assent.profile_page_add('few', 'tap', 'it',
	'{consents,attributes.city}', '{attributes.name}')
\g /dev/null
SELECT results_eq($$SELECT brand, language FROM assent.profile_page_show('')$$,
	$$VALUES ('Test', NULL)$$, 'without a name it is the first');
SELECT is((SELECT language FROM assent.profile_page_show('few')), 'it',
	'a page may have a language');

-- Asking: the same for who is known and who is not.
SELECT pg_temp.act('grant', 1, 'news', now() - interval '1 day')
\g /dev/null
SELECT is(pg_temp.ask(1, 1), 'asked', 'somebody known');
SELECT is(pg_temp.ask(2, 2), 'asked', 'nobody known');
SELECT is(pg_temp.ask(2, 2), 'asked', 'the same once more');
SELECT is(pg_temp.ask(3, 1, p_page => 'none'), 'none', 'no such page');
SELECT results_eq($$SELECT key::bytea, page::text, source, language::text
	FROM assent.profile_link ORDER BY reference IN (
	SELECT sha256(pg_temp.ref(2)))$$, $$VALUES
	(pg_temp.key(1), 'p', '192.0.2.1'::inet, 'pl'),
	(pg_temp.key(2), 'p', '192.0.2.1', 'pl')$$, 'both are kept, and alike');
SELECT set_eq($$SELECT kind, recipient FROM assent.mail_take()
	UNION ALL SELECT kind, recipient FROM assent.mail_take()$$, $$VALUES
	('profile', 'T1@example.com'), ('profile-none', 'T2@example.com')$$,
	'only the mail tells them apart');
SELECT is(pg_temp.ask(10 + n, 3), 'asked', 'asked often for one address')
FROM generate_series(1, 5) AS n;
SELECT is((SELECT count(*) FROM assent.mail WHERE key = pg_temp.key(3)),
	3::bigint, 'three mails for an address and day');
SELECT is(string_agg(DISTINCT pg_temp.ask(100 + n, 100 + n,
	p_source => ('2001:db8::' || n)::inet), ' '), 'asked', 'twenty from a network')
FROM generate_series(1, 20) AS n;
SELECT is(pg_temp.ask(121, 121, p_source => '2001:db8::ffff'), 'often',
	'and no more');

-- What it opens.
SELECT results_eq($$SELECT key, language, brand
	FROM assent.profile_show(pg_temp.ref(1))$$,
	$$VALUES (pg_temp.key(1), 'pl', 'Test')$$, 'a link before it is pressed');
SELECT is_empty($$SELECT FROM assent.profile_show(pg_temp.ref(2))$$,
	'none for who is not known');
SELECT is_empty($$SELECT FROM assent.profile_open(pg_temp.ref(99))$$,
	'none for a reference that is none');
SELECT is(pg_temp.opened(1) #>> '{addresses,0,address}', 'T1@example.com',
	'the person''s data');
SELECT is(pg_temp.opened(1) #>> '{profile_links,0,page}', 'p',
	'the request is held, too');
SELECT results_eq($$SELECT act::text, source, contact_id FROM assent.event
	WHERE contact_id = pg_temp.contact(1) ORDER BY id DESC LIMIT 1$$,
	$$VALUES ('access', 'profile', pg_temp.contact(1))$$,
	'reading is recorded');
UPDATE assent.profile_link SET presses = 200
WHERE reference = sha256(pg_temp.ref(1));
SELECT is_empty($$SELECT FROM assent.profile_open(pg_temp.ref(1))$$,
	'a link wears out');
UPDATE assent.profile_link SET presses = 199, expires_at = now()
WHERE reference = sha256(pg_temp.ref(1));
SELECT is(pg_temp.press(1, 'withdraw', pg_temp.pair('news')), NULL,
	'and ends');
UPDATE assent.profile_link SET presses = 0, expires_at = now() + interval '1 hour'
WHERE reference = sha256(pg_temp.ref(1));
SELECT assent.profile_page_edit('p', NULL, NULL, NULL, false)
\g /dev/null
SELECT is_empty($$SELECT FROM assent.profile_show(pg_temp.ref(1))$$,
	'with its page, too');
SELECT assent.profile_page_edit('p', '', '{}', NULL, true)
\g /dev/null

-- Acts.
SELECT is(pg_temp.press(1, 'withdraw', pg_temp.pair('news')), true, 'withdraw');
SELECT is(pg_temp.standing(1, 'news'), 3, 'and it is');
SELECT is(pg_temp.press(1, 'withdraw', pg_temp.pair('news')), false,
	'twice is once');
SELECT results_eq($$SELECT v.source, p.fields ->> 'ip' FROM assent.event v
	JOIN assent.event_person p ON event_id = v.id
	WHERE contact_id = pg_temp.contact(1) AND act = 'withdraw'$$,
	$$VALUES ('profile', '192.0.2.1')$$, 'with its door and proof');
SELECT is(pg_temp.press(1, 'object', '{}'), true, 'object to everything');
SELECT pg_temp.act('grant', 1, 'ads')
\g /dev/null
SELECT is(pg_temp.standing(1, 'ads'), 4, 'also what is agreed to later');
SELECT is(pg_temp.press(1, 'lift-objection', '{}'), true, 'take it back');
SELECT is(pg_temp.standing(1, 'ads'), 2, 'and what was agreed to counts');
SELECT is(pg_temp.press(1, 'restrict', pg_temp.pair('ads')), true, 'restrict');
SELECT is(pg_temp.standing(1, 'ads'), 5, 'and it is');
SELECT is(pg_temp.press(1, 'lift-restriction', pg_temp.pair('ads')), true,
	'and lift it');
SELECT is(pg_temp.standing(1, 'ads'), 2, 'and it counts again');
SELECT throws_like(format($$SELECT pg_temp.press(1, %L, pg_temp.pair('news'))$$,
	act), 'a profile cannot%', 'never by a profile: ' || act)
FROM unnest(ARRAY['grant', 'pend', 'suspend', 'unsuspend', 'x', '']) AS act;
SELECT is(pg_temp.press(2, 'withdraw', pg_temp.pair('news')), NULL,
	'nobody''s link does nothing');

-- Edits.
SELECT is(pg_temp.press(1, 'edit', '{"language": "pl",
	"attributes": {"name": "n", "city": "c"}}'), true, 'edit');
SELECT results_eq($$SELECT language::text, attributes FROM assent.contact
	WHERE id = pg_temp.contact(1)$$, $$VALUES ('pl', '{"name": "n"}'::jsonb)$$,
	'what the page lets be edited');
SELECT is(pg_temp.press(1, 'edit', '{"attributes": {"name": ""}}'), true,
	'empty');
SELECT is((SELECT attributes FROM assent.contact
	WHERE id = pg_temp.contact(1)), '{}'::jsonb, 'goes');
UPDATE assent.contact SET attributes = '{"name": {"a": 1}}'
WHERE id = pg_temp.contact(1);
SELECT is(pg_temp.press(1, 'edit', '{"attributes": {"name": "n"}}'), false,
	'what is no text is not typed over');
SELECT throws_like($$SELECT pg_temp.press(1, 'edit', jsonb_build_object(
	'attributes', jsonb_build_object('name', repeat('n', 1001))))$$,
	'%too long', 'nor a novel');

-- What a page discloses.
UPDATE assent.contact SET attributes = '{"name": "n", "city": "c", "x": "y"}'
WHERE id = pg_temp.contact(1);
SELECT pg_temp.ask(20, 1, p_page => 'few')
\g /dev/null
SELECT set_eq($$SELECT json_object_keys(pg_temp.opened(20))$$,
	$$VALUES ('since'), ('attributes'), ('consents')$$, 'a page shows its parts');
SELECT is(pg_temp.opened(20) ->> 'attributes', '{ "city" : "c", "name" : "n" }',
	'and attributes');
SELECT is((SELECT language FROM assent.profile_show(pg_temp.ref(20))), 'it',
	'in its language');
SELECT is(pg_temp.press(20, 'edit', '{"language": "de"}'), false,
	'and lets nothing else be edited');
SELECT is(assent.address_ask(pg_temp.ref(20), pg_temp.ref(21), pg_temp.key(50),
	't50@example.com', 't50@example.com', false, '<a@test>'), 'none',
	'nor an address be added');

-- Another address.
CREATE FUNCTION pg_temp.add(p_ref int, n int, p_replaces boolean DEFAULT false)
RETURNS text LANGUAGE sql AS $$
	SELECT assent.address_ask(pg_temp.ref(1), pg_temp.ref(p_ref),
		pg_temp.key(n), format('t%s@example.com', n),
		format('T%s@example.com', n), p_replaces, format('<a.%s@test>', p_ref))
$$;
CREATE FUNCTION pg_temp.confirm(p_ref int) RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_or(changed) FROM assent.address_confirm('', pg_temp.ref(p_ref))
$$;
SELECT is(pg_temp.add(30, 60), 'asked', 'another address');
SELECT is(pg_temp.contact(60), NULL, 'is nobody''s yet');
SELECT is((SELECT array_agg(kind || recipient) FROM assent.mail
	WHERE key = pg_temp.key(60)), ARRAY['addressT60@example.com'],
	'but is asked');
SELECT is(pg_temp.opened(1) #>> '{address_changes,0,address}',
	'T60@example.com', 'and held');
SELECT is(pg_temp.confirm(30), true, 'until it confirms');
SELECT is(pg_temp.contact(60), pg_temp.contact(1), 'then it is the contact''s');
SELECT is(pg_temp.standing(60, 'ads'), 2, 'with a permit');
SELECT is(pg_temp.confirm(30), false, 'once');
SELECT is(pg_temp.press(1, 'remove', '{"kind": "email",
	"address": "t60@example.com"}'), true, 'it can be removed');
SELECT is(pg_temp.contact(60), NULL, 'and is');
SELECT is(pg_temp.press(1, 'remove', '{"kind": "email",
	"address": "t1@example.com"}'), false, 'but not the link''s own');
SELECT pg_temp.act('grant', 70, 'news')
\g /dev/null
SELECT is(pg_temp.press(1, 'remove', '{"kind": "email",
	"address": "t70@example.com"}'), false, 'nor another person''s');
SELECT is(pg_temp.add(31, 70), 'asked', 'asked also of another''s address');
SELECT throws_like($$SELECT pg_temp.confirm(31)$$,
	'another contact has this address already', 'who does not give it away');
SELECT is(pg_temp.add(40 + n, 61), 'asked', 'asked often')
FROM generate_series(1, 4) AS n;
SELECT is((SELECT count(*) FROM assent.address_change
	WHERE key = pg_temp.key(61)), 3::bigint, 'three mails for an address');
SELECT is(pg_temp.add(50 + n, 100 + n), CASE WHEN n <= 5 THEN 'asked'
	ELSE 'often' END, 'ten for a person') FROM generate_series(1, 6) AS n;
UPDATE assent.address_change SET requested_at = now() - interval '25 hours'
WHERE reference = sha256(pg_temp.ref(41));
SELECT is(pg_temp.confirm(41), NULL, 'for a day');
DELETE FROM assent.address_change WHERE key <> pg_temp.key(61);
SELECT is(pg_temp.add(32, 62, true), 'asked', 'an address instead');
SELECT is(pg_temp.confirm(32), true, 'confirmed');
SELECT is(pg_temp.contact(1), NULL, 'takes the place of the old one');
SELECT is_empty($$SELECT FROM assent.profile_show(pg_temp.ref(1))$$,
	'whose link opens nothing then');
SELECT is(pg_temp.confirm(32), false, 'pressing again is as good');

-- Being forgotten.
SELECT pg_temp.ask(80, 62)
\g /dev/null
SELECT pg_temp.ask(81, 62)
\g /dev/null
SELECT assent.address_ask(pg_temp.ref(80), pg_temp.ref(82), pg_temp.key(63), 'a',
	'a', false, '<a.82@test>')
\g /dev/null
SELECT is(pg_temp.press(80, 'forget'), true, 'forget');
SELECT is(pg_temp.contact(62), NULL, 'and it is');
SELECT is_empty($$SELECT FROM assent.profile_link WHERE key = pg_temp.key(62)
	UNION ALL SELECT FROM assent.address_change
	WHERE reference = sha256(pg_temp.ref(82))
	UNION ALL SELECT FROM assent.mail
	WHERE key IN (pg_temp.key(62), pg_temp.key(63))$$,
	'with every link and mail');
SELECT is(pg_temp.press(81, 'withdraw', pg_temp.pair('news')), NULL,
	'so that another link does nothing');
SELECT is(pg_temp.ask(83, 62), 'asked', 'asking again is answered alike');

SELECT * FROM finish();
ROLLBACK;
