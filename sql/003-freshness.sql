-- SPDX-License-Identifier: ISC
--
-- freshness - how a change of a permit makes the cache forget the old one
--
-- Whoever changes a permit says which entries of the cache were marked for
-- it; what was not marked moves the cache's epoch on: see policy/cache.h.  A
-- consent that changes, by whatever hand, is packed anew in the same
-- transaction.  The rules of consent are in 008-rules.sql: a function lives in
-- the last migration that changes it.

CREATE FUNCTION assent.channel_number(p_channel assent.channel)
RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT array_position('{email,sms,voice,phone,paper,push,im}'::assent.channel[],
		p_channel) - 1
$$;

CREATE FUNCTION assent.channel_kind(p_channel assent.channel)
RETURNS assent.endpoint_kind LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE p_channel
		WHEN 'email' THEN 'email'::assent.endpoint_kind
		WHEN 'paper' THEN 'postal'
		WHEN 'push' THEN 'device'
		WHEN 'im' THEN 'im'
		ELSE 'phone' END
$$;

-- Held shared by transactions that rely on marks in the epoch, exclusively by
-- one that moves it: the epoch never moves between a mark and its commit.
CREATE FUNCTION assent.epoch_lock() RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 4703210781';

-- Moves the cache's epoch on at the end of this transaction, so that no entry
-- written before it is trusted after it.
CREATE FUNCTION assent.move_epoch()
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
	INSERT INTO cache_move VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING
$$;

-- Deferred to the commit: the row lock is held for as short as can be, and
-- moved_at is the time of the commit but for the moment it takes.
CREATE FUNCTION assent.move_epoch_now() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(assent.epoch_lock());
	UPDATE cache_epoch SET version = version + 1, epoch = version + 1,
		moved_at = clock_timestamp();
	DELETE FROM cache_move WHERE xact = NEW.xact;
	NOTIFY assent_epoch;
	RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER move_epoch AFTER INSERT ON assent.cache_move
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION assent.move_epoch_now();

-- A permit that changes without its key having been marked in the cache, in
-- the generation that holds (by hand, in bulk, or because Redis did not
-- answer), makes the whole cache untrusted.  The programs say what they marked
-- in assent.marked, as "GENERATION:SLOT:KEY"; 018-owners.sql knows the rest.
CREATE FUNCTION assent.permit_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
DECLARE
	marked text := coalesce(current_setting('assent.marked', true), '');
	slot int := nullif(split_part(marked, ':', 2), '');
BEGIN
	IF NOT EXISTS (SELECT FROM changed) THEN
		RETURN NULL;
	END IF;
	IF NOT EXISTS (SELECT FROM changed
			WHERE position(encode(key, 'hex') IN marked) = 0) THEN
		BEGIN
			PERFORM pg_advisory_xact_lock_shared(epoch_lock());
			IF split_part(marked, ':', 1)
				= cache_generation(slot)::text THEN
				RETURN NULL;
			END IF;
			-- Two who kept the lock could not move it, either.
			RAISE SQLSTATE 'AS001';
		EXCEPTION WHEN SQLSTATE 'AS001' THEN
			NULL;
		END;
	END IF;
	PERFORM move_epoch();
	RETURN NULL;
END $$;

CREATE TRIGGER inserted AFTER INSERT ON assent.permit
	REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION assent.permit_changed();
CREATE TRIGGER updated AFTER UPDATE ON assent.permit
	REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION assent.permit_changed();
CREATE TRIGGER deleted AFTER DELETE ON assent.permit
	REFERENCING OLD TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION assent.permit_changed();
CREATE FUNCTION assent.permit_truncated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM move_epoch();
	RETURN NULL;
END $$;
CREATE TRIGGER truncated AFTER TRUNCATE ON assent.permit
	FOR EACH STATEMENT EXECUTE FUNCTION assent.permit_truncated();

CREATE FUNCTION assent.consent_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM repack_all(array_agg(DISTINCT contact_id)) FROM changed;
	RETURN NULL;
END $$;
CREATE TRIGGER inserted AFTER INSERT ON assent.consent
	REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION assent.consent_changed();
CREATE TRIGGER deleted AFTER DELETE ON assent.consent
	REFERENCING OLD TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION assent.consent_changed();

CREATE FUNCTION assent.consent_updated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	-- A row may have gone from one contact to another.
	PERFORM repack_all(array_agg(DISTINCT contact_id)) FROM (
		SELECT contact_id FROM before UNION ALL
		SELECT contact_id FROM changed) AS c;
	RETURN NULL;
END $$;
CREATE TRIGGER updated AFTER UPDATE ON assent.consent
	REFERENCING OLD TABLE AS before NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION assent.consent_updated();

CREATE FUNCTION assent.consent_truncated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM repack_all(array_agg(id)) FROM contact;
	RETURN NULL;
END $$;
CREATE TRIGGER truncated AFTER TRUNCATE ON assent.consent
	FOR EACH STATEMENT EXECUTE FUNCTION assent.consent_truncated();

