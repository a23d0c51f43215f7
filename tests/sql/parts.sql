-- SPDX-License-Identifier: ISC
--
-- parts - what holds for a table holds for each of its parts
--
-- The names of a table's parts, or its own where it has none.

\ir prelude.psql

SELECT no_plan();

SELECT pg_temp.act('grant', n, 'news') FROM generate_series(1, 20) AS n
\g /dev/null

CREATE TEMPORARY TABLE part AS
SELECT t.whole, coalesce(inhrelid, t.whole)::regclass AS name
FROM unnest('{assent.permit,assent.event,assent.event_person}'::regclass[])
	AS t (whole)
LEFT JOIN pg_inherits ON inhparent = t.whole;

-- A permit that is changed in a part moves the epoch, too.
SELECT is(pg_temp.moves(format('UPDATE %s SET packed = packed', name)),
	1::bigint, 'UPDATE of ' || name)
FROM part WHERE whole = 'assent.permit'::regclass;
SELECT is(pg_temp.moves(format('DELETE FROM %s', name)),
	1::bigint, 'DELETE of ' || name)
FROM part WHERE whole = 'assent.permit'::regclass;
SELECT is(pg_temp.moves(format('TRUNCATE %s', name)),
	1::bigint, 'TRUNCATE of ' || name)
FROM part WHERE whole = 'assent.permit'::regclass;

-- Each part of the ledger has events, and nothing goes from it.
SELECT isnt_empty(format('SELECT FROM %s', name), name || ' is in use')
FROM part WHERE whole <> 'assent.permit'::regclass;
SELECT throws_like(sql, 'the ledger is append-only: %', sql)
FROM part, LATERAL (SELECT format(what, name, CASE whole
		WHEN 'assent.event'::regclass THEN 'leaf' ELSE 'salt' END) AS sql
	FROM unnest('{UPDATE %s SET %2$I = %2$I WHERE false,DELETE FROM %1$s,
		TRUNCATE %1$s}'::text[]) AS what) AS refused
WHERE whole <> 'assent.permit'::regclass;

-- No personal field stands in the planner's statistics.
SELECT is((SELECT attstattarget FROM pg_attribute
	WHERE attrelid = name AND attname = 'fields'), 0,
	'no statistics of the fields of ' || name)
FROM part WHERE whole = 'assent.event_person'::regclass;

-- What a query of the ledger looks at, by its plan: tables, and how.
CREATE FUNCTION pg_temp.scans(query text) RETURNS TABLE (name text, how text)
LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN QUERY SELECT n ->> 'Relation Name', n ->> 'Node Type'
	FROM jsonb_path_query(plan::jsonb, 'lax $.** ? (@."Relation Name" != null)')
		AS n GROUP BY n;
END $$;
SET LOCAL enable_seqscan = off;
SELECT is((SELECT count(*) FROM pg_temp.scans(format('SELECT FROM assent.event
	JOIN assent.event_person ON event_id = id
	WHERE id BETWEEN %s - 5 AND %1$s AND event_id BETWEEN %1$s - 5 AND %1$s',
	max(id)))), 2::bigint, 'a range of numbers is in one part')
FROM assent.event;
SELECT results_eq(
	'SELECT name COLLATE "C", how LIKE ''%Index%'' OR how = ''Bitmap Heap Scan''
		FROM pg_temp.scans(''SELECT FROM assent.event
		WHERE contact_id = 1'') WHERE name IS NOT NULL ORDER BY 1',
	'SELECT relname::text COLLATE "C", true FROM part
		JOIN pg_class ON pg_class.oid = part.name
		WHERE whole = ''assent.event''::regclass ORDER BY 1',
	'a contact''s events are looked up in each');

SELECT * FROM finish();
ROLLBACK;
