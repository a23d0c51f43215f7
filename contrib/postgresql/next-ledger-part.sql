-- SPDX-License-Identifier: ISC
--
-- next-ledger-part - end the last part of the ledger, and open another
--
--	psql -f next-ledger-part.sql OWNER_URL
--
-- For cron, once a month, say, on a ledger that partition-ledger.sql has split.
-- The last part ends some numbers ahead, so that events go on into it while it
-- is read to prove that it has none beyond; nobody waits for that.  Then it
-- changes its place for one with an end, and what comes after it gets a part
-- without: tables are locked for a moment, or, if that cannot be had within
-- five seconds, not at all.
--
-- Run again, it goes on where it was interrupted.  That must be before the end
-- is reached: a million events ahead, or as many as a tenth of the part's own,
-- which takes many times as long as to read it.  Of a part that has been ended
-- and is not reached yet, a second run opens none.

\set ON_ERROR_STOP on

SET lock_timeout = '5s';
SET search_path = pg_catalog;

-- The parts without an end, and from where they go; the first from anywhere.
CREATE TEMPORARY TABLE last AS
SELECT i.inhparent::regclass AS whole, c.oid::regclass AS part, key,
	nullif(substring(pg_get_expr(c.relpartbound, c.oid)
		FROM 'FROM \(''?(.+?)''?\) TO \(MAXVALUE\)'), 'MINVALUE')::bigint
		AS low,
	substring(c.relname FROM '\d+$')::int + 1 AS next
FROM (VALUES ('assent.event'::regclass, 'id'),
	('assent.event_person', 'event_id')) AS t (whole, key)
JOIN pg_inherits AS i ON i.inhparent = t.whole
JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE pg_get_expr(c.relpartbound, c.oid) LIKE '%TO (MAXVALUE)';

SELECT count(*) <> 2 AS whole, coalesce(bool_or(given < low), false) AS empty,
	coalesce(max(substring(pg_get_constraintdef(k.oid)
		FROM '< ''?(\d+)')::bigint), max(given + greatest(1000000,
		(given - coalesce(low, 0)) / 10))) AS high
FROM (SELECT last_value AS given FROM assent.event_id_seq) AS s, last
LEFT JOIN pg_constraint AS k ON k.conrelid = part AND k.conname = 'ended'
\gset
\if :whole
DO $$ BEGIN RAISE 'the ledger has no parts: partition-ledger.sql makes them'; END $$;
\endif
\if :empty
	\quit
\endif

BEGIN;
SELECT format('ALTER TABLE %s ADD CONSTRAINT ended CHECK (%s%I < %s) NOT VALID',
	part, format('%I >= ', key) || low || ' AND ', key, :high)
FROM last WHERE NOT EXISTS (SELECT FROM pg_constraint
	WHERE conrelid = part AND conname = 'ended')
\gexec
COMMIT;
SELECT format('ALTER TABLE %s VALIDATE CONSTRAINT ended', part) FROM last
\gexec

BEGIN;
LOCK TABLE assent.event, assent.event_person;
SELECT format('ALTER TABLE %s DETACH PARTITION %s', whole, part),
	format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)',
		whole, part, coalesce(low::text, 'MINVALUE'), :high),
	format('ALTER TABLE %s DROP CONSTRAINT ended', part),
	format('CREATE TABLE %s_%s PARTITION OF %1$s '
		'FOR VALUES FROM (%3$s) TO (MAXVALUE)', whole, next, :high)
FROM last
\gexec
-- What a part does not have from its table.
SELECT replace(pg_get_triggerdef(g.oid), format(' ON %s ', whole),
	format(' ON %s_%s ', whole, next))
FROM last JOIN pg_trigger AS g ON tgrelid = whole AND tgtype & 1 = 0
\gexec
SELECT format('ALTER TABLE %s_%s ALTER %I SET STATISTICS %s', whole, next,
	attname, attstattarget)
FROM last JOIN pg_attribute ON attrelid = whole AND attnum > 0
	AND NOT attisdropped AND attstattarget >= 0
\gexec
COMMIT;
ANALYZE assent.event, assent.event_person;
