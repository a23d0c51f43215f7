-- SPDX-License-Identifier: ISC
--
-- ledger - what happened is written once, and can be checked

\ir prelude.psql

SELECT no_plan();

SELECT pg_temp.act(act, 1, 'news', now() - interval '1 hour' * (8 - i),
	CASE WHEN act = 'grant' THEN to_timestamp(1900000000) END,
	p_fields => '{"ip": "192.0.2.1", "a": 1}')
FROM unnest('{pend,grant,withdraw,object,lift-objection,restrict,'
	'lift-restriction}'::assent.act[]) WITH ORDINALITY AS t (act, i) ORDER BY i
\g /dev/null
SELECT pg_temp.act('grant', 2, 'news')
\g /dev/null

-- Each event says what was done.
SELECT results_eq(
	$$SELECT act FROM assent.event WHERE contact_id = pg_temp.contact(1)
		ORDER BY id$$,
	$$SELECT unnest('{pend,grant,withdraw,object,lift-objection,restrict,
		lift-restriction}'::assent.act[])$$,
	'every act is recorded, in order');
SELECT results_eq(
	$$SELECT at FROM assent.event WHERE contact_id = pg_temp.contact(1)
		ORDER BY id$$,
	$$SELECT now() - interval '1 hour' * (8 - i)
		FROM generate_series(1, 7) AS i$$,
	'with the time at which the person acted');
SELECT is((SELECT count(*) FROM assent.event
	WHERE contact_id = pg_temp.contact(1)
	AND purpose_id = pg_temp.purpose('news') AND channel = 'email'
	AND source = 'test' AND actor = session_user
	AND recorded_at BETWEEN now() AND clock_timestamp()), 7::bigint,
	'for what, on which channel, by which door, by whom and when');
SELECT is((SELECT expires_at FROM assent.event
	WHERE contact_id = pg_temp.contact(1) AND act = 'grant'),
	to_timestamp(1900000000), 'until when');
SELECT results_eq(
	$$SELECT v.act FROM assent.consent c
		CROSS JOIN unnest(ARRAY[event_id, objected_by, restricted_by])
			WITH ORDINALITY AS p (event, place)
		JOIN assent.event v ON v.id = p.event
		WHERE c.contact_id = pg_temp.contact(1) ORDER BY place$$,
	$$SELECT unnest('{withdraw,lift-objection,lift-restriction}'
		::assent.act[])$$,
	'a consent names the proof of its state, and of each flag');

-- The actor is who connected, whatever role a function runs as.
SELECT is((SELECT DISTINCT actor FROM assent.event
	WHERE contact_id = pg_temp.contact(2)), session_user::text,
	'the actor is the one who logged in');

-- Commitments.
SELECT is((SELECT count(*) FROM assent.event e
	LEFT JOIN assent.event_person p ON p.event_id = e.id
	WHERE p.event_id IS NULL OR e.commitment IS DISTINCT FROM
		sha256(p.salt || convert_to(p.fields::text, 'UTF8'))), 0::bigint,
	'every commitment follows from its salt and fields');
SELECT is((SELECT count(*) FROM assent.event e
	JOIN assent.event_person p ON p.event_id = e.id
	WHERE e.commitment = sha256(p.salt || convert_to(
		(p.fields || '{"x":1}')::text, 'UTF8'))), 0::bigint,
	'and from no other fields');
SELECT is((SELECT count(DISTINCT salt) FROM assent.event_person),
	(SELECT count(*) FROM assent.event_person), 'no salt is used twice');
SELECT is((SELECT count(DISTINCT commitment) FROM assent.event),
	(SELECT count(*) FROM assent.event),
	'so equal fields have different commitments');
SELECT is((SELECT min(octet_length(salt)) FROM assent.event_person), 32,
	'a salt has 32 octets');
SELECT is((SELECT fields FROM assent.event_person p
	JOIN assent.event e ON e.id = p.event_id
	WHERE contact_id = pg_temp.contact(1) AND act = 'withdraw'),
	'{"ip": "192.0.2.1", "a": 1}'::jsonb, 'the fields are kept');
SELECT is((SELECT fields FROM assent.event_person p
	JOIN assent.event e ON e.id = p.event_id
	WHERE contact_id = pg_temp.contact(2)), '{}'::jsonb, 'none are none');
SELECT throws_ok($$INSERT INTO assent.event (at, act, contact_id, purpose_id,
	channel, source, commitment, leaf) VALUES (now(), 'grant', 1, 1, 'email',
	'x', '\x00', sha256(''))$$, '23514', NULL, 'a commitment has 32 octets');

-- Append-only, for the owner too.
CREATE TEMPORARY TABLE before AS
	SELECT (SELECT array_agg(e ORDER BY id) FROM assent.event e) AS events,
	(SELECT array_agg(p ORDER BY event_id) FROM assent.event_person p) AS people;
SELECT throws_like(sql, 'the ledger is append-only: %', sql || ' is refused')
FROM unnest(ARRAY[
	'UPDATE assent.event SET source = source',
	'UPDATE assent.event SET source = ''x'' WHERE false',
	'UPDATE assent.event SET at = now() WHERE id = 1',
	'DELETE FROM assent.event',
	'DELETE FROM assent.event WHERE false',
	'TRUNCATE assent.event, assent.event_person',
	'TRUNCATE assent.event CASCADE',
	'UPDATE assent.event_person SET fields = ''{}''',
	'UPDATE assent.event_person SET fields = ''{}'' WHERE false',
	'DELETE FROM assent.event_person',
	'TRUNCATE assent.event_person',
	'INSERT INTO assent.event_person SELECT * FROM assent.event_person '
		'ON CONFLICT (event_id) DO UPDATE SET fields = ''{}''']) AS sql;
SELECT throws_ok($$INSERT INTO assent.event_person SELECT event_id, salt, '{}'
	FROM assent.event_person LIMIT 1$$, '23505', NULL,
	'an event''s personal fields are written once');
SELECT throws_ok($$INSERT INTO assent.event (id, at, act, contact_id,
	purpose_id, channel, source, commitment) VALUES (1, now(), 'grant', 1, 1,
	'email', 'x', sha256(''))$$, '428C9', NULL,
	'nobody chooses an event''s number');
SELECT is((SELECT array_agg(e ORDER BY id) FROM assent.event e), events,
	'the events are as they were') FROM before;
SELECT is((SELECT array_agg(p ORDER BY event_id) FROM assent.event_person p),
	people, 'and so are their personal fields') FROM before;

SELECT * FROM finish();
ROLLBACK;
