-- SPDX-License-Identifier: ISC
--
-- partition-ledger - make the ledger's largest tables, tables of parts
--
--	psql -f partition-ledger.sql OWNER_URL
--
-- Events are numbered in their order, so that a range of numbers is a range of
-- time.  What assent.event and assent.event_person hold becomes their first
-- part as it is: no row is written or read, so this takes a moment, of one
-- event as of a billion.  It is one transaction.  That part has no end;
-- next-ledger-part.sql ends it, and opens another.
--
-- Leaves stay in one table: that an event has but one can only be known by an
-- index over all of them.

\set ON_ERROR_STOP on

BEGIN;
-- Whatever is named below is named with its schema.
SET LOCAL search_path = pg_catalog;
LOCK TABLE assent.event, assent.event_person;

CREATE TEMPORARY TABLE whole ON COMMIT DROP AS
SELECT oid::regclass AS rel, reltype, relname, relowner, relacl
FROM pg_class
WHERE oid IN ('assent.event'::regclass, 'assent.event_person'::regclass)
	AND relkind = 'r';
SELECT count(*) <> 2 AS done FROM whole
\gset
\if :done
DO $$ BEGIN RAISE 'the ledger has parts already: next-ledger-part.sql opens another'; END $$;
\endif

-- What has them in its type, with who may call it; a row type goes with its
-- table, not with the name.
CREATE TEMPORARY TABLE typed ON COMMIT DROP AS
SELECT oid::regprocedure::text AS name, pg_get_functiondef(oid) AS made,
	proowner, proacl
FROM pg_proc WHERE EXISTS (SELECT FROM whole
	WHERE reltype = ANY (proargtypes) OR reltype = prorettype);

-- All else that they are, to be made again under their names.
CREATE TEMPORARY TABLE again ON COMMIT DROP AS
SELECT 1 AS turn, format('ALTER TABLE %s ADD CONSTRAINT %I %s', rel,
	conname, pg_get_constraintdef(oid)) AS sql
FROM whole JOIN pg_constraint ON conrelid = rel AND contype = 'p'
UNION ALL
SELECT 1, pg_get_indexdef(indexrelid)
FROM whole JOIN pg_index ON indrelid = rel AND NOT indisprimary
UNION ALL
SELECT 1, pg_get_triggerdef(oid)
FROM whole JOIN pg_trigger ON tgrelid = rel AND NOT tgisinternal
UNION ALL
SELECT 1, format('ALTER TABLE %s ALTER %I SET STATISTICS %s', rel, attname,
	attstattarget)
FROM whole JOIN pg_attribute ON attrelid = rel
WHERE attnum > 0 AND NOT attisdropped AND attstattarget >= 0
UNION ALL
SELECT 1, format('GRANT %s ON %s TO %s', privilege_type, rel, grantee::regrole)
FROM whole, aclexplode(relacl) WHERE grantee <> relowner
UNION ALL
SELECT 2, format('CREATE OR REPLACE VIEW %s AS %s', r.ev_class::regclass,
	pg_get_viewdef(r.ev_class))
FROM pg_rewrite AS r WHERE EXISTS (SELECT FROM pg_depend AS d
	JOIN whole ON d.refobjid = rel
	WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid)
UNION ALL
SELECT 2, made FROM typed
UNION ALL
SELECT 3, format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', name) FROM typed
UNION ALL
SELECT 4, format('GRANT EXECUTE ON FUNCTION %s TO %s', name,
	grantee::regrole)
FROM typed, aclexplode(proacl) WHERE grantee <> proowner;

-- The first part takes what is there out of the way.
SELECT last_value AS given, is_called FROM assent.event_id_seq
\gset
SELECT format('DROP FUNCTION %s', name) FROM typed
\gexec
ALTER TABLE assent.event ALTER id DROP IDENTITY;
-- A table's parts have its triggers of rows from the table.
SELECT format('DROP TRIGGER %I ON %s', tgname, rel)
FROM whole JOIN pg_trigger ON tgrelid = rel AND NOT tgisinternal
WHERE tgtype & 1 = 1
\gexec
SELECT format('REVOKE ALL ON %s FROM %s', rel, grantee::regrole)
FROM whole, aclexplode(relacl) WHERE grantee <> relowner
\gexec
SELECT format('ALTER INDEX %s RENAME TO %I', indexrelid::regclass,
	whole.relname || '_1' || substr(i.relname, length(whole.relname) + 1))
FROM whole JOIN pg_index ON indrelid = rel
JOIN pg_class AS i ON i.oid = indexrelid
\gexec
ALTER TABLE assent.event RENAME TO event_1;
ALTER TABLE assent.event_person RENAME TO event_person_1;

CREATE TABLE assent.event (LIKE assent.event_1
	INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE (id);
CREATE TABLE assent.event_person (LIKE assent.event_person_1
	INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE (event_id);
ALTER TABLE assent.event ALTER id ADD GENERATED ALWAYS AS IDENTITY
	(SEQUENCE NAME assent.event_id_seq);
SELECT setval('assent.event_id_seq', :given, :'is_called')
\g /dev/null
SELECT sql FROM again ORDER BY turn
\gexec
ALTER TABLE assent.event ATTACH PARTITION assent.event_1
	FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
ALTER TABLE assent.event_person ATTACH PARTITION assent.event_person_1
	FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
COMMIT;
ANALYZE assent.event, assent.event_person;
