-- SPDX-License-Identifier: ISC
--
-- merkle - a ledger whose tampering shows
--
-- Each event has a leaf: the hash of all its facts.  A checkpoint numbers the
-- leaves that have none yet, hashes them into a Merkle tree (RFC 9162, 2.1)
-- and signs its root.  Numbers are given at the checkpoint and never again, so
-- a transaction that commits late gets a later number and changes no tree that
-- was signed.
--
-- Only complete subtrees are stored, each once and for ever: a checkpoint over
-- n new leaves writes n leaves and fewer than n nodes, and a proof reads one
-- node for each level of the tree, or two.

-- What the ledger itself gives rise to: nobody's consent, but about a person.
ALTER TYPE assent.act ADD VALUE IF NOT EXISTS 'access';
ALTER TYPE assent.act ADD VALUE IF NOT EXISTS 'erase';

ALTER TABLE assent.event
	ALTER COLUMN purpose_id DROP NOT NULL,
	ALTER COLUMN channel DROP NOT NULL,
	ADD COLUMN about bigint,
	ADD COLUMN leaf bytea,
	ADD CHECK ((purpose_id IS NULL) = (channel IS NULL));
COMMENT ON COLUMN assent.event.about IS 'Another event, which this one is about';
COMMENT ON COLUMN assent.event.leaf IS 'Hash of all the facts: event_leaf()';
CREATE INDEX event_about ON assent.event (about) WHERE about IS NOT NULL;

-- The leaf of an event: SHA-256 of a zero octet (RFC 9162: a leaf), the line
-- "assent event 1", and every fact that is not NULL, in this order, each as
-- its number (1 octet), its length in octets (4) and its value.  Integers have
-- 8 octets, times are microseconds since 2000-01-01 00:00 UTC, all in network
-- order; texts are UTF-8.  A fact added one day takes the next number, and old
-- leaves stay what they are.  policy/event.c says the same in C.
CREATE FUNCTION assent.event_leaf(e assent.event)
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
	act     bytea := convert_to(e.act::text, 'UTF8');
	channel bytea := convert_to(e.channel::text, 'UTF8');
	source  bytea := convert_to(e.source, 'UTF8');
	actor   bytea := convert_to(e.actor, 'UTF8');
BEGIN
	RETURN sha256('\x00617373656e74206576656e7420310a0100000008'::bytea
		|| int8send(e.id)
		|| '\x0200000008'::bytea || timestamptz_send(e.recorded_at)
		|| '\x0300000008'::bytea || timestamptz_send(e.at)
		|| '\x04'::bytea || int4send(octet_length(act)) || act
		|| '\x0500000008'::bytea || int8send(e.contact_id)
		|| coalesce('\x0600000008'::bytea || int8send(e.purpose_id), '')
		|| coalesce('\x07'::bytea || int4send(octet_length(channel))
			|| channel, '')
		|| coalesce('\x0800000008'::bytea
			|| timestamptz_send(e.expires_at), '')
		|| '\x09'::bytea || int4send(octet_length(source)) || source
		|| '\x0a'::bytea || int4send(octet_length(actor)) || actor
		|| '\x0b00000020'::bytea || e.commitment
		|| coalesce('\x0c00000008'::bytea || int8send(e.about), '')
		|| coalesce('\x0d00000008'::bytea || int8send(e.text_id), ''));
END $$;

-- What was recorded before there were leaves.
ALTER TABLE assent.event DISABLE TRIGGER append_only;
UPDATE assent.event AS e SET leaf = assent.event_leaf(e);
ALTER TABLE assent.event ENABLE TRIGGER append_only;
ALTER TABLE assent.event
	ALTER COLUMN leaf SET NOT NULL,
	ADD CHECK (octet_length(leaf) = 32);

-- Appends an event, of which the caller has set what was done to whom, and
-- its personal fields; returns its number.
CREATE FUNCTION assent.append(e assent.event, p_fields jsonb)
RETURNS bigint LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	salt   bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
	fields jsonb := coalesce(p_fields, '{}');
BEGIN
	-- Before the number: see checkpoint_begin().
	PERFORM pg_current_xact_id();
	e.id := nextval('event_id_seq');
	e.recorded_at := clock_timestamp();
	e.actor := session_user;
	e.commitment := sha256(salt || convert_to(fields::text, 'UTF8'));
	e.leaf := event_leaf(e);
	INSERT INTO event OVERRIDING SYSTEM VALUE SELECT e.*;
	INSERT INTO event_person VALUES (e.id, salt, fields);
	RETURN e.id;
END $$;

CREATE TABLE assent.leaf (
	number    bigint PRIMARY KEY CHECK (number >= 0),
	event_id  bigint NOT NULL UNIQUE,
	hash      bytea NOT NULL CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE assent.leaf IS 'The order of the events in the tree';

CREATE TABLE assent.merkle_node (
	level  smallint CHECK (level BETWEEN 1 AND 62),
	index  bigint CHECK (index >= 0),
	hash   bytea NOT NULL CHECK (octet_length(hash) = 32),
	PRIMARY KEY (level, index)
);
COMMENT ON TABLE assent.merkle_node IS
	'Root of the leaves from index * 2^level on, 2^level of them';

-- All of it is signed: policy/checkpoint.h.
CREATE TABLE assent.checkpoint (
	number     bigint PRIMARY KEY CHECK (number > 0),
	size       bigint NOT NULL UNIQUE CHECK (size > 0),
	root       bytea NOT NULL CHECK (octet_length(root) = 32),
	signed_at  timestamptz NOT NULL CHECK (isfinite(signed_at)),
	key_id     int NOT NULL,
	signature  bytea NOT NULL CHECK (octet_length(signature) = 64),
	last_id    bigint NOT NULL,
	horizon    bigint NOT NULL,
	settled    bigint NOT NULL
);
COMMENT ON COLUMN assent.checkpoint.last_id IS
	'The highest number given to an event when this was begun';
COMMENT ON COLUMN assent.checkpoint.horizon IS
	'Every transaction below this had those numbers';
COMMENT ON COLUMN assent.checkpoint.settled IS
	'Every event up to this number that will ever be has a leaf';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE
	ON assent.leaf FOR EACH STATEMENT EXECUTE FUNCTION assent.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE
	ON assent.merkle_node FOR EACH STATEMENT
	EXECUTE FUNCTION assent.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE
	ON assent.checkpoint FOR EACH STATEMENT
	EXECUTE FUNCTION assent.refuse_change();

-- Stores the nodes that the leaves from p_from on, up to p_to, complete.
CREATE FUNCTION assent.grow(p_from bigint, p_to bigint)
RETURNS void LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
BEGIN
	INSERT INTO merkle_node (level, index, hash)
	SELECT 1, number / 2, sha256('\x01'::bytea || hash || next)
	FROM (SELECT number, hash, lead(hash) OVER (ORDER BY number) AS next
		FROM leaf WHERE number >= (p_from >> 1) << 1
		AND number < (p_to >> 1) << 1) AS child
	WHERE number % 2 = 0;
	FOR l IN 2 .. 62 LOOP
		EXIT WHEN p_to >> l = 0;
		CONTINUE WHEN p_to >> l = p_from >> l;
		INSERT INTO merkle_node (level, index, hash)
		SELECT l, index / 2, sha256('\x01'::bytea || hash || next)
		FROM (SELECT index, hash, lead(hash) OVER (ORDER BY index) AS next
			FROM merkle_node WHERE level = l - 1
			AND index >= (p_from >> l) << 1
			AND index < (p_to >> l) << 1) AS child
		WHERE index % 2 = 0;
	END LOOP;
END $$;

-- Numbers the leaves that have no number, and stores what they complete of
-- the tree.  The same transaction must go on to checkpoint_sign(); until it
-- ends there is no other checkpoint.  No row: nothing is new.
--
-- An event's transaction has its own number before it takes the event's, so
-- whatever has an event number up to last_id belongs to a transaction below
-- horizon.  Once none of those is running, all that will ever be has been
-- seen: `settled` moves up to last_id, and the search need not go back there.
CREATE FUNCTION assent.checkpoint_begin()
RETURNS TABLE (number bigint, old_size bigint, size bigint, last_id bigint,
	horizon bigint, settled bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	last  checkpoint;
	known bigint;
	past  bigint;
	added bigint;
	o_last_id bigint;
	o_horizon bigint;
	o_settled bigint;
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION 'a checkpoint must see what commits while it is made';
	END IF;
	LOCK TABLE leaf IN SHARE ROW EXCLUSIVE MODE;
	SELECT * INTO last FROM checkpoint ORDER BY number DESC LIMIT 1;
	past := coalesce(last.settled, 0);
	SELECT coalesce(max(l.number) + 1, 0) INTO known FROM leaf AS l;
	-- In this order.
	SELECT last_value INTO o_last_id FROM event_id_seq;
	SELECT pg_snapshot_xmax(pg_current_snapshot())::text INTO o_horizon;
	SELECT c.last_id INTO o_settled FROM checkpoint AS c
		WHERE c.horizon <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
		ORDER BY c.number DESC LIMIT 1;
	INSERT INTO leaf (number, event_id, hash)
	SELECT known + row_number() OVER (ORDER BY e.id) - 1, e.id, e.leaf
	FROM event AS e WHERE e.id > past AND NOT EXISTS (
		SELECT FROM leaf AS l WHERE l.event_id = e.id AND l.event_id > past);
	GET DIAGNOSTICS added = ROW_COUNT;
	IF added = 0 THEN
		RETURN;
	END IF;
	PERFORM grow(known, known + added);
	RETURN QUERY SELECT coalesce(last.number, 0) + 1, known, known + added,
		o_last_id, o_horizon, greatest(past, o_settled);
END $$;

CREATE FUNCTION assent.checkpoint_sign(p_number bigint, p_size bigint,
	p_root bytea, p_signed_at timestamptz, p_key int, p_signature bytea,
	p_last_id bigint, p_horizon bigint, p_settled bigint)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	LOCK TABLE leaf IN SHARE ROW EXCLUSIVE MODE;
	IF p_number IS DISTINCT FROM
		(SELECT coalesce(max(number), 0) + 1 FROM checkpoint)
		OR p_size IS DISTINCT FROM (SELECT max(number) + 1 FROM leaf) THEN
		RAISE EXCEPTION 'checkpoint % of % leaves is out of turn',
			p_number, p_size;
	END IF;
	INSERT INTO checkpoint VALUES (p_number, p_size, p_root, p_signed_at,
		p_key, p_signature, p_last_id, p_horizon, p_settled);
END $$;

-- Personal fields may go only when the ledger says so.
CREATE FUNCTION assent.refuse_unrecorded() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT FROM event
		WHERE about = OLD.event_id AND act = 'erase') THEN
		RETURN OLD;
	END IF;
	RAISE EXCEPTION 'the ledger is append-only: % of % refused',
		TG_OP, TG_TABLE_NAME USING HINT = 'erase_person_fields() records it';
END $$;
DROP TRIGGER append_only ON assent.event_person;
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE
	ON assent.event_person FOR EACH STATEMENT
	EXECUTE FUNCTION assent.refuse_change();
CREATE TRIGGER recorded_erasure BEFORE DELETE ON assent.event_person
	FOR EACH ROW EXECUTE FUNCTION assent.refuse_unrecorded();

-- Erases the personal fields and the salts of events, and records it, event by
-- event; how many.  Nobody but the owner may.
CREATE FUNCTION assent.erase_person_fields(p_events bigint[], p_source text)
RETURNS bigint LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	old event;
	e   event;
	n   bigint := 0;
BEGIN
	FOR old IN SELECT v.* FROM event AS v
		JOIN event_person AS p ON p.event_id = v.id
		WHERE v.id = ANY (p_events) ORDER BY v.id FOR UPDATE OF p
	LOOP
		e.act := 'erase';
		e.contact_id := old.contact_id;
		e.purpose_id := old.purpose_id;
		e.channel := old.channel;
		e.at := now();
		e.source := p_source;
		e.about := old.id;
		PERFORM append(e, NULL);
		DELETE FROM event_person WHERE event_id = old.id;
		n := n + 1;
	END LOOP;
	RETURN n;
END $$;

-- What the personal fields that are there commit to: whoever checks the
-- ledger need not read them.
CREATE VIEW assent.opened AS
	SELECT event_id, sha256(salt || convert_to(fields::text, 'UTF8'))
		AS commitment
	FROM assent.event_person;
COMMENT ON VIEW assent.opened IS 'Commitments, from the personal fields';

--   assent_checkpointer  numbers and signs; reads no event
--   assent_auditor       checks the ledger; reads facts, no personal fields
--   assent_dpo           reads one person's ledger, which is recorded
DO $$
DECLARE
	role text;
BEGIN
	FOREACH role IN ARRAY ARRAY['assent_checkpointer', 'assent_auditor',
		'assent_dpo']
	LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
			EXECUTE format('CREATE ROLE %I LOGIN', role);
		END IF;
		EXECUTE format('GRANT USAGE ON SCHEMA assent TO %I', role);
	END LOOP;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;

GRANT SELECT ON assent.migration, assent.leaf, assent.merkle_node,
	assent.checkpoint
	TO assent_checkpointer, assent_auditor, assent_dpo;
GRANT EXECUTE ON FUNCTION assent.checkpoint_begin, assent.checkpoint_sign
	TO assent_checkpointer;
GRANT SELECT ON assent.event, assent.opened TO assent_auditor;
