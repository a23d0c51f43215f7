-- SPDX-License-Identifier: ISC
--
-- epoch - whatever changes a permit behind the cache's back moves the epoch

\ir prelude.psql

SELECT no_plan();

SELECT pg_temp.act('grant', n, 'news') FROM generate_series(1, 9) AS n
\g /dev/null

-- Acts whose keys were marked in the cache, and acts whose were not.
SELECT is(pg_temp.moves(format(
	'SELECT pg_temp.act(%L, 1, %L, p_marked => %L)', 'withdraw', 'news',
	pg_temp.hex(1))), 0::bigint, 'a change of a marked key moves nothing');
SELECT is(pg_temp.standing(1, 'news'), 3, 'and is made');
SELECT is(pg_temp.moves($$SELECT pg_temp.act('withdraw', 2, 'news')$$),
	1::bigint, 'a change of an unmarked key moves the epoch');
SELECT is(pg_temp.moves(format(
	'SELECT pg_temp.act(%L, 3, %L, p_marked => %L)', 'withdraw', 'news',
	pg_temp.hex(4))), 1::bigint, 'another key''s mark does not count');
SELECT is(pg_temp.moves(format(
	'SELECT pg_temp.act(%L, 4, %L, p_marked => %L)', 'withdraw', 'news',
	pg_temp.hex(3) || ',' || pg_temp.hex(4))), 0::bigint,
	'several marks count each');
SELECT is(pg_temp.moves(format(
	'SELECT pg_temp.act(%L, 5, %L, p_marked => %L)', 'withdraw', 'news',
	left(pg_temp.hex(5), 25))), 1::bigint, 'half a mark is none');
SELECT is(pg_temp.moves(
	$$SELECT pg_temp.act('withdraw', 5, 'news', p_marked => NULL)$$), 0::bigint,
	'what changes nothing moves nothing');
SELECT is(pg_temp.moves(format(
	'SELECT pg_temp.act(%L, 100, %L, p_marked => %L)', 'grant', 'news',
	pg_temp.hex(100))), 0::bigint, 'a new address that was marked');
SELECT is(pg_temp.moves($$SELECT pg_temp.act('grant', 101, 'news')$$),
	1::bigint, 'a new address that was not: "unknown" may be cached');
SELECT is(pg_temp.moves(
	$$SELECT pg_temp.act('lift-objection', 102, 'news')$$), 1::bigint,
	'also when all it gets is an empty permit');
INSERT INTO assent.endpoint VALUES (pg_temp.key(103), pg_temp.contact(6),
	'email', 't103@example.com', 't103@example.com');
SELECT is(pg_temp.moves(format(
	'SELECT pg_temp.act(%L, 6, %L, p_marked => %L)', 'withdraw', 'news',
	pg_temp.hex(6))), 1::bigint,
	'the contact''s other address, unmarked, moves it');

-- Links.
SELECT is(pg_temp.moves($$SELECT assent.opt_out('', pg_temp.key(7),
	pg_temp.purpose('news'), 'email', 'one-click', NULL)$$), 1::bigint,
	'an unmarked opt-out moves the epoch');
SELECT is(pg_temp.moves($$SELECT assent.opt_out(pg_temp.marks(pg_temp.hex(8)),
	pg_temp.key(8),
	pg_temp.purpose('news'), 'email', 'one-click', NULL)$$), 0::bigint,
	'a marked one does not');
SELECT is(pg_temp.moves($$SELECT assent.opt_out('1' || pg_temp.marks(
	pg_temp.hex(7)), pg_temp.key(7), pg_temp.purpose('offers'), 'email',
	'one-click', NULL)$$), 1::bigint, 'one marked in another epoch does');
SELECT is(pg_temp.moves($$SELECT assent.opt_out('', pg_temp.key(99),
	pg_temp.purpose('news'), 'email', 'one-click', NULL)$$), 0::bigint,
	'one of a key that nobody has does not');

-- Consent changed by hand is packed anew.
SELECT pg_temp.act('grant', n, p) FROM generate_series(20, 29) AS n,
	unnest('{news,offers}'::text[]) AS p
\g /dev/null
SELECT is(pg_temp.moves(format($$UPDATE assent.consent SET state = 'withdrawn'
	WHERE contact_id = %s$$, pg_temp.contact(20))), 1::bigint,
	'UPDATE of consent by hand moves the epoch');
SELECT is(pg_temp.standing(20, 'news'), 3, 'and repacks');
SELECT is(pg_temp.moves(format($$UPDATE assent.consent SET objected_at = now()
	WHERE contact_id IN (%s, %s)$$, pg_temp.contact(21), pg_temp.contact(22))),
	1::bigint, 'of several contacts: once');
SELECT is(pg_temp.standing(21, 'news') + pg_temp.standing(22, 'offers'), 8,
	'and repacks all');
SELECT is(pg_temp.moves(format('DELETE FROM assent.consent
	WHERE contact_id = %s', pg_temp.contact(23))), 1::bigint,
	'DELETE of consent by hand moves the epoch');
SELECT is(pg_temp.packed(23), '\x010000'::bytea, 'and repacks');
SELECT is(pg_temp.moves(format($$INSERT INTO assent.consent (contact_id,
	purpose_id, channel, state, since, event_id)
	VALUES (%s, %s, 'email', 'granted', now(), 0)$$,
	pg_temp.contact(23), pg_temp.purpose('news'))), 1::bigint,
	'INSERT of consent by hand moves the epoch');
SELECT is(pg_temp.standing(23, 'news'), 2, 'and repacks');
SELECT is(pg_temp.moves(format('UPDATE assent.consent SET since = since
	WHERE contact_id = %s', pg_temp.contact(23))), 0::bigint,
	'a touch that changes no permit moves nothing');
SELECT is(pg_temp.moves(format('UPDATE assent.consent SET contact_id = %s
	WHERE contact_id = %s AND purpose_id = %s', pg_temp.contact(23),
	pg_temp.contact(24), pg_temp.purpose('offers'))), 1::bigint,
	'moving a consent to another contact moves the epoch');
SELECT is(pg_temp.standing(23, 'offers'), 2, 'the one has it');
SELECT is(pg_temp.standing(24, 'offers'), 0, 'the other no longer');

-- Permits changed by hand.
SELECT is(pg_temp.moves(format($$UPDATE assent.permit SET packed = '\x010000'
	WHERE key = %L$$, pg_temp.key(25))), 1::bigint,
	'UPDATE of a permit by hand moves the epoch');
SELECT is(pg_temp.moves(format($$DELETE FROM assent.permit
	WHERE key = %L$$, pg_temp.key(25))), 1::bigint,
	'DELETE of a permit by hand moves the epoch');
SELECT is(pg_temp.moves(format($$INSERT INTO assent.permit
	VALUES (%L, '\x010000')$$, pg_temp.key(25))), 1::bigint,
	'INSERT of a permit by hand moves the epoch');
SELECT is(pg_temp.moves($$DELETE FROM assent.permit WHERE false$$), 0::bigint,
	'a statement that hits nothing moves nothing');
SELECT throws_ok(format($$UPDATE assent.permit SET packed = %L WHERE key = %L$$,
	packed, pg_temp.key(26)), '23514', NULL, octet_length(packed)
	|| ' octets are no permit')
FROM unnest(ARRAY['\x'::bytea, '\x0100', decode(repeat('00', 4097), 'hex')])
	AS packed;

-- In bulk: once a transaction.
SELECT is(pg_temp.moves($$DO '
	BEGIN
		FOR n IN 200..220 LOOP
			PERFORM pg_temp.act(''grant'', n, ''news'');
			UPDATE assent.permit SET packed = packed WHERE key = pg_temp.key(n);
		END LOOP;
		PERFORM assent.move_epoch();
	END'$$), 1::bigint, 'twenty changes move the epoch once');
SELECT is(pg_temp.moves('SELECT assent.move_epoch()'), 1::bigint,
	'it can be moved by hand');
SELECT is((SELECT count(*) FROM assent.cache_move), 0::bigint,
	'nothing of this is left behind');
SELECT is((SELECT moved_at BETWEEN now() AND clock_timestamp()
	FROM assent.cache_epoch), true, 'the time of the move is noted');
SELECT throws_ok(sql, NULL, NULL, sql || ' is refused')
FROM unnest(ARRAY[
	'INSERT INTO assent.cache_epoch VALUES (true, 1, now())',
	'INSERT INTO assent.cache_epoch VALUES (false, 1, now())']) AS sql;

-- TRUNCATE comes last: it leaves nothing to try.
SELECT is(pg_temp.moves('TRUNCATE assent.permit'), 1::bigint,
	'TRUNCATE of permits moves the epoch');
SELECT pg_temp.act('grant', 300, 'news')
\g /dev/null
SELECT is(pg_temp.moves('TRUNCATE assent.consent'), 1::bigint,
	'TRUNCATE of consent moves the epoch');
SELECT is(pg_temp.standing(300, 'news'), 0, 'and repacks');

SELECT * FROM finish();
ROLLBACK;
