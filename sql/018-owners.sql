-- SPDX-License-Identifier: ISC
--
-- owners - which Redis is believed about which keys
--
-- Of several Redis processes that take turns, or that each have a part of the
-- keys, one is the owner of each slot, by the word of PostgreSQL; nobody
-- believes another.  A slot's generation is a number that no other owner of it
-- and no other epoch has: entries of the cache are named by it.

-- Counts moves of the epoch and claims alike, so that later is greater.
ALTER TABLE assent.cache_epoch ADD version bigint NOT NULL DEFAULT 1;

-- A row for each claim, as far as no later one has taken its slots; so rows
-- never overlap.  A Redis that is not a cluster has one slot, 0.
CREATE TABLE assent.cache_owner (
	version     bigint PRIMARY KEY,
	owner       bytea NOT NULL CHECK (octet_length(owner) = 16),
	slots       int4multirange NOT NULL CHECK (slots <@ '{[0,16384)}'),
	claimed_at  timestamptz NOT NULL
);
COMMENT ON TABLE assent.cache_owner IS
	'The one Redis process, as long as it is master, that each slot has';

CREATE FUNCTION assent.cache_generation(p_slot int)
RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	RETURN (SELECT greatest(epoch, (SELECT version FROM cache_owner
			WHERE slots @> p_slot))
		FROM cache_epoch);
END $$;

CREATE FUNCTION assent.cache_unowned(p_owner bytea, p_slots int4multirange)
RETURNS int4multirange LANGUAGE sql VOLATILE
SET search_path = assent, pg_temp AS $$
	SELECT p_slots - coalesce(range_agg(slots), '{}')
	FROM cache_owner WHERE owner = p_owner
$$;

-- Makes a Redis the owner of slots that it serves.  Like moving the epoch it
-- never comes between a mark and its commit.  The first owner of a slot needs
-- no waiting out: nobody can have believed another.
CREATE FUNCTION assent.cache_claim(p_owner bytea, p_slots int4multirange)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	unowned int4multirange := cache_unowned(p_owner, p_slots);
	claimed timestamptz := to_timestamp(0);
BEGIN
	IF isempty(unowned) THEN
		RETURN;
	END IF;
	PERFORM pg_advisory_xact_lock(epoch_lock());
	-- Of many who find a new master, one comes first.
	unowned := cache_unowned(p_owner, p_slots);
	IF isempty(unowned) THEN
		RETURN;
	END IF;
	IF EXISTS (SELECT FROM cache_owner WHERE slots && unowned) THEN
		claimed := clock_timestamp();
	END IF;
	UPDATE cache_owner SET slots = slots - unowned WHERE slots && unowned;
	DELETE FROM cache_owner WHERE isempty(slots);
	UPDATE cache_epoch SET version = version + 1;
	INSERT INTO cache_owner
	SELECT version, p_owner, unowned, claimed FROM cache_epoch;
	NOTIFY assent_epoch;
END $$;

-- As assent.epoch(), for one slot: its generation and its owner, if it has one.
CREATE FUNCTION assent.trust(p_slot int, OUT number bigint, OUT timeline int,
	OUT age bigint, OUT owner bytea)
LANGUAGE sql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
	SELECT greatest(e.number, o.version), e.timeline, least(e.age,
		(extract(epoch FROM clock_timestamp() - o.claimed_at) * 1000)::bigint),
		o.owner
	FROM epoch() AS e LEFT JOIN cache_owner o ON o.slots @> p_slot
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
GRANT SELECT ON assent.cache_owner TO assent_milter;
GRANT EXECUTE ON FUNCTION assent.trust(int)
	TO assent_milter, assent_web, assent_operator;
GRANT EXECUTE ON FUNCTION assent.cache_claim(bytea, int4multirange)
	TO assent_milter, assent_web, assent_operator;
