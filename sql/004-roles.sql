-- SPDX-License-Identifier: ISC
--
-- roles - one login role per program, with the least it needs
--
--   assent_milter    reads permits; changes nothing
--   assent_reader    the web's GET routes: likewise
--   assent_web       the web's POST routes: opts out
--   assent_operator  assentctl: changes consent through the rules, reads
--                    contacts and where they stand, never the ledger
--
-- They have no password: give them one, or let pg_hba.conf map system users.

DO $$
DECLARE
	role text;
BEGIN
	FOREACH role IN ARRAY ARRAY['assent_milter', 'assent_reader',
		'assent_web', 'assent_operator']
	LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
			EXECUTE format('CREATE ROLE %I LOGIN', role);
		END IF;
		EXECUTE format('GRANT USAGE ON SCHEMA assent TO %I', role);
	END LOOP;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
-- Of later migrations too. A default of one schema could only add to what
-- PUBLIC has everywhere.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

GRANT SELECT ON assent.migration, assent.brand, assent.purpose,
	assent.cache_epoch
	TO assent_milter, assent_reader, assent_web, assent_operator;
GRANT SELECT ON assent.permit
	TO assent_milter, assent_reader, assent_operator;
GRANT EXECUTE ON FUNCTION assent.move_epoch()
	TO assent_web, assent_operator;

GRANT SELECT ON assent.contact, assent.endpoint, assent.consent
	TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.channel_number, assent.channel_kind
	TO assent_operator;
