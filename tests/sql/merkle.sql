-- SPDX-License-Identifier: ISC
--
-- merkle - leaves, the tree over them, and what may be done to it

\ir prelude.psql

SELECT no_plan();

SELECT pg_temp.act('grant', n, 'news', p_fields => '{"ip": "192.0.2.1"}')
FROM generate_series(1, 21) AS n
\g /dev/null

-- The leaf, written out by hand.
CREATE FUNCTION pg_temp.tlv(tag int, value bytea) RETURNS bytea
LANGUAGE sql AS $$
	SELECT set_byte('\x00', 0, tag) || int4send(octet_length(value)) || value
$$;
SELECT is((SELECT count(*) FROM assent.event AS e WHERE leaf IS DISTINCT FROM
	sha256('\x00'::bytea || convert_to(E'assent event 1\n', 'UTF8')
	|| pg_temp.tlv(1, int8send(id)) || pg_temp.tlv(2, timestamptz_send(recorded_at))
	|| pg_temp.tlv(3, timestamptz_send(at)) || pg_temp.tlv(4, act::text::bytea)
	|| coalesce(pg_temp.tlv(5, int8send(contact_id)), '')
	|| coalesce(pg_temp.tlv(6, int8send(purpose_id)), '')
	|| coalesce(pg_temp.tlv(7, channel::text::bytea), '')
	|| coalesce(pg_temp.tlv(8, timestamptz_send(expires_at)), '')
	|| pg_temp.tlv(9, convert_to(source, 'UTF8'))
	|| pg_temp.tlv(10, convert_to(actor, 'UTF8')) || pg_temp.tlv(11, commitment)
	|| coalesce(pg_temp.tlv(12, int8send(about)), '')
	|| coalesce(pg_temp.tlv(13, int8send(text_id)), '')
	|| coalesce(pg_temp.tlv(14, convert_to(detail, 'UTF8')), ''))), 0::bigint,
	'every leaf is the hash of its facts');
SELECT is((SELECT count(DISTINCT leaf) FROM assent.event),
	(SELECT count(*) FROM assent.event), 'and no other event''s');

-- Checkpoints.
CREATE TEMPORARY TABLE made AS SELECT * FROM assent.checkpoint_begin();
SELECT is((SELECT count(*) FROM assent.leaf), (SELECT count(*) FROM assent.event),
	'a checkpoint numbers every event');
SELECT results_eq('SELECT event_id FROM assent.leaf ORDER BY number',
	'SELECT id FROM assent.event ORDER BY id', 'in their order');
SELECT is_empty('SELECT FROM assent.leaf l JOIN assent.event e ON e.id = event_id
	WHERE l.hash <> e.leaf', 'with their hashes');
SELECT results_eq('SELECT number FROM assent.leaf ORDER BY number',
	'SELECT generate_series(0, size - 1) FROM made', 'and leaves no gap');
SELECT is_empty('SELECT * FROM assent.checkpoint_begin()', 'then nothing is new');

-- The tree grown in one step is that grown in many.
CREATE FUNCTION pg_temp.node(l int, i bigint) RETURNS bytea LANGUAGE sql AS $$
	SELECT CASE WHEN l = 0 THEN (SELECT hash FROM assent.leaf WHERE number = i)
		ELSE sha256('\x01'::bytea || pg_temp.node(l - 1, 2 * i)
			|| pg_temp.node(l - 1, 2 * i + 1)) END
$$;
SELECT is_empty('SELECT FROM assent.merkle_node
	WHERE hash IS DISTINCT FROM pg_temp.node(level, index)',
	'every node is the hash of what is below');
SELECT is((SELECT count(*) FROM assent.merkle_node),
	(SELECT sum(size >> l)::bigint FROM made, generate_series(1, 62) AS l),
	'and every complete one is there');
SELECT pg_temp.act('withdraw', n, 'news') FROM generate_series(1, 2) AS n
\g /dev/null
SELECT assent.checkpoint_begin()
\g /dev/null
SELECT pg_temp.act('withdraw', n, 'news') FROM generate_series(3, 15) AS n
\g /dev/null
SELECT assent.checkpoint_begin()
\g /dev/null
SELECT is_empty('SELECT FROM assent.merkle_node
	WHERE hash IS DISTINCT FROM pg_temp.node(level, index)',
	'a tree that grew in steps is no other');
SELECT is((SELECT count(*) FROM assent.merkle_node),
	(SELECT sum(size >> l)::bigint FROM generate_series(1, 62) AS l,
		(SELECT count(*) AS size FROM assent.leaf) AS s),
	'and lacks nothing');
SELECT throws_like(format($$SELECT assent.checkpoint_sign(%L, %L, sha256(''),
	now(), 0, sha512(''), 1, 1, 0)$$, n, s), '%out of turn', format('checkpoint %s of %s', n, s))
FROM (SELECT max(number) + 1 AS size FROM assent.leaf) AS l,
	(SELECT coalesce(max(number), 0) + 1 AS next FROM assent.checkpoint) AS c,
	LATERAL (VALUES (next, size + 1), (next, size - 1), (next + 1, size),
		(next - 1, size), (NULL, size), (next, NULL)) AS v (n, s);
SELECT lives_ok($$SELECT assent.checkpoint_sign((SELECT coalesce(max(number), 0)
	+ 1 FROM assent.checkpoint), (SELECT max(number) + 1 FROM assent.leaf),
	sha256(''), now(), 0, sha512(''), 1, 1, 0)$$, 'the next one in turn');

-- Append-only, for the owner too.
SELECT throws_like(sql, 'the ledger is append-only: %', sql || ' is refused')
FROM unnest('{leaf,merkle_node,checkpoint}'::text[]) AS t, LATERAL unnest(ARRAY[
	'UPDATE assent.' || t || ' SET hash = hash WHERE false',
	'DELETE FROM assent.' || t, 'DELETE FROM assent.' || t || ' WHERE false',
	'TRUNCATE assent.' || t]) AS sql
WHERE sql NOT LIKE '%checkpoint SET%';
SELECT throws_like('UPDATE assent.checkpoint SET size = size',
	'the ledger is append-only: %', 'nor is a checkpoint changed');

-- Erasing is recorded, and nothing else erases.
CREATE TEMPORARY TABLE mine AS SELECT id FROM assent.event
	WHERE contact_id = pg_temp.contact(1);
SELECT is(assent.erase_person_fields(ARRAY(SELECT id FROM mine), 'request'),
	2::bigint, 'two events lose their personal fields');
SELECT is_empty('SELECT FROM assent.event_person JOIN mine ON id = event_id',
	'which are gone');
SELECT results_eq($$SELECT about FROM assent.event WHERE act = 'erase'
	AND source = 'request' AND contact_id = pg_temp.contact(1) ORDER BY id$$,
	'SELECT id FROM mine ORDER BY id', 'each erasure is an event');
SELECT is(assent.erase_person_fields(ARRAY(SELECT id FROM mine), 'request'),
	0::bigint, 'what is erased is not erased again');
SELECT throws_like('DELETE FROM assent.event_person',
	'the ledger is append-only: %', 'nothing goes without a record');
SELECT throws_like($$SELECT pg_temp.act('erase', 1, 'news')$$, 'case not found',
	'an erasure is no act of consent');
SELECT throws_like($$SELECT pg_temp.act('access', 1, 'news')$$, 'case not found',
	'nor is an access');

-- A person's ledger.
CREATE TEMPORARY TABLE read AS
	SELECT * FROM assent.person_ledger(pg_temp.key(2), 'test');
SELECT results_eq('SELECT id, act FROM read ORDER BY id',
	$$SELECT id, act::text FROM assent.event WHERE act <> 'access'
	AND contact_id = pg_temp.contact(2) ORDER BY id$$, 'all of it, in order');
SELECT is((SELECT count(*) FROM read WHERE commitment = sha256(salt
	|| convert_to(fields, 'UTF8'))), 2::bigint, 'with what is personal');
SELECT is((SELECT count(*) FROM assent.event WHERE act = 'access'
	AND contact_id = pg_temp.contact(2) AND source = 'test'
	AND actor = session_user AND purpose_id IS NULL), 1::bigint,
	'reading it is an event');
SELECT is_empty($$SELECT FROM assent.person_ledger(pg_temp.key(99), 'test')$$,
	'of nobody there is nothing');
SELECT is_empty('SELECT FROM assent.event e WHERE leaf <> assent.event_leaf(e)',
	'these events have leaves, too');

SELECT * FROM finish();
ROLLBACK;
