-- SPDX-License-Identifier: ISC
--
-- partition-permits - split assent.permit into many tables, by hash
--
--	psql -v parts=64 -f partition-permits.sql OWNER_URL
--
-- For tens of millions of addresses and more: each part is vacuumed, and its
-- index rebuilt, by itself.  One transaction; nobody reads or changes a permit
-- meanwhile, so let it be done when nothing is sent.  What is cached stays
-- true, as no permit changes.  Run again, it splits anew.

\set ON_ERROR_STOP on

BEGIN;
LOCK TABLE assent.permit;
ALTER TABLE assent.permit RENAME TO permit_before;
ALTER TABLE assent.permit_before RENAME CONSTRAINT permit_pkey TO before_pkey;
CREATE TABLE assent.permit (LIKE assent.permit_before INCLUDING CONSTRAINTS,
	PRIMARY KEY (key)) PARTITION BY HASH (key);
SELECT obj_description('assent.permit_before'::regclass, 'pg_class') AS about
\gset
COMMENT ON TABLE assent.permit IS :'about';

SELECT format('CREATE TABLE assent.permit_new_%s PARTITION OF assent.permit '
	'FOR VALUES WITH (MODULUS %s, REMAINDER %s) WITH (fillfactor = 85)',
	n, :parts, n)
FROM generate_series(0, :parts - 1) AS n
\gexec
INSERT INTO assent.permit SELECT * FROM assent.permit_before;

-- On each part, too: a change made there by hand passes the whole table by.
SELECT regexp_replace(pg_get_triggerdef(g.oid),
	' ON assent\.permit_before ', format(' ON %s ', t.name))
FROM pg_trigger AS g, LATERAL (SELECT 'assent.permit'::regclass AS name
	UNION ALL SELECT inhrelid FROM pg_inherits
	WHERE inhparent = 'assent.permit'::regclass) AS t
WHERE g.tgrelid = 'assent.permit_before'::regclass AND NOT g.tgisinternal
\gexec
SELECT format('GRANT %s ON assent.permit TO %I', a.privilege_type,
	a.grantee::regrole)
FROM pg_class AS c, aclexplode(c.relacl) AS a
WHERE c.oid = 'assent.permit_before'::regclass AND a.grantee <> c.relowner
\gexec

DROP TABLE assent.permit_before CASCADE;
SELECT format('ALTER TABLE %s RENAME TO %I', inhrelid::regclass,
	replace(relname, 'permit_new_', 'permit_'))
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'assent.permit'::regclass
\gexec
COMMIT;
ANALYZE assent.permit;
