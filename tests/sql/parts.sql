-- SPDX-License-Identifier: ISC
--
-- parts - a permit that is changed in a part of its table moves the epoch, too

\ir prelude.psql

SELECT no_plan();

SELECT pg_temp.act('grant', n, 'news') FROM generate_series(1, 20) AS n
\g /dev/null

CREATE TEMPORARY TABLE part AS
SELECT coalesce(inhrelid, 'assent.permit'::regclass)::regclass AS name
FROM (SELECT) AS one
LEFT JOIN pg_inherits ON inhparent = 'assent.permit'::regclass;

SELECT is(pg_temp.moves(format('UPDATE %s SET packed = packed', name)),
	1::bigint, 'UPDATE of ' || name) FROM part;
SELECT is(pg_temp.moves(format('DELETE FROM %s', name)),
	1::bigint, 'DELETE of ' || name) FROM part;
SELECT is(pg_temp.moves(format('TRUNCATE %s', name)),
	1::bigint, 'TRUNCATE of ' || name) FROM part;

SELECT * FROM finish();
ROLLBACK;
