-- SPDX-License-Identifier: ISC
--
-- erasure - a person is forgotten, and stays so
--
-- What remains of an address is its keyed hash, which refuses every message
-- and every door by which the person could come back.  Only the person's own
-- new double opt-in, assent.confirm, lifts that.
--
-- What is recorded about a key that nobody has must not pass by somebody who
-- is being given that key at the same time: see nobody_lock().

CREATE TABLE assent.erasure (
	key        assent.address_key PRIMARY KEY,
	erased_at  timestamptz NOT NULL CHECK (isfinite(erased_at)),
	lifted_at  timestamptz CHECK (isfinite(lifted_at)),
	event_id   bigint NOT NULL,
	CHECK (lifted_at >= erased_at)
);
COMMENT ON TABLE assent.erasure IS
	'Who was forgotten: no consent from before erased_at counts any more, none at all before lifted_at';
COMMENT ON COLUMN assent.erasure.event_id IS 'The proof of the last change';

-- Tokens carry a MAC, so there are no more keys here than mail was sent to.
CREATE TABLE assent.suppression (
	key         assent.address_key,
	purpose_id  int REFERENCES assent.purpose,
	channel     assent.channel,
	at          timestamptz NOT NULL,
	source      text NOT NULL,
	PRIMARY KEY (key, purpose_id, channel)
);
COMMENT ON TABLE assent.suppression IS
	'Who opted out while nobody had the address, or by one that was removed; a withdrawal once somebody has it';

-- The permit of an erased key outlives its endpoint.
ALTER TABLE assent.permit DROP CONSTRAINT permit_key_fkey;

-- No address may stand in the planner's statistics, which no erasure reaches.
ALTER TABLE assent.endpoint
	ALTER canonical SET STATISTICS 0, ALTER original SET STATISTICS 0;
ALTER TABLE assent.contact
	ALTER attributes SET STATISTICS 0, ALTER source_name SET STATISTICS 0;
ALTER TABLE assent.event_person ALTER fields SET STATISTICS 0;

-- Held shared by whoever gives somebody an address, exclusively by who records
-- something about an address that nobody has.
CREATE FUNCTION assent.nobody_lock() RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 4703210782';

-- Refuses an erased key, and with `p_at` also what dates from before a lifted
-- erasure.  The text names nobody: it ends up in the server's log.
CREATE FUNCTION assent.refuse_erased(p_key bytea, p_at timestamptz)
RETURNS void LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp AS $$
DECLARE
	was erasure;
BEGIN
	SELECT * INTO was FROM erasure WHERE key = p_key;
	IF was.key IS NOT NULL AND was.lifted_at IS NULL THEN
		RAISE EXCEPTION 'this person was forgotten on %', was.erased_at
			USING HINT = 'only their own new double opt-in brings them back';
	ELSIF p_at < was.erased_at THEN
		RAISE EXCEPTION 'this person was forgotten on %, after this consent of %',
			was.erased_at, p_at USING HINT = 'a newer consent is needed';
	END IF;
END $$;

CREATE FUNCTION assent.endpoint_coming() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock_shared(nobody_lock());
	RETURN NULL;
END $$;
CREATE TRIGGER coming BEFORE INSERT ON assent.endpoint
	FOR EACH STATEMENT EXECUTE FUNCTION assent.endpoint_coming();

-- The guard of every door, also of those that are made by hand.
CREATE FUNCTION assent.endpoint_came() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
DECLARE
	gone record;
BEGIN
	PERFORM refuse_erased(e.key, NULL) FROM came JOIN erasure e USING (key)
	WHERE e.lifted_at IS NULL;
	FOR gone IN DELETE FROM suppression s USING came c WHERE s.key = c.key
		RETURNING c.contact_id, s.purpose_id, s.channel, s.at, s.source
	LOOP
		PERFORM apply(gone.contact_id, gone.purpose_id, gone.channel,
			'withdraw', gone.at, NULL, gone.source, NULL, NULL);
	END LOOP;
	RETURN NULL;
END $$;
CREATE TRIGGER came AFTER INSERT ON assent.endpoint
	REFERENCING NEW TABLE AS came
	FOR EACH STATEMENT EXECUTE FUNCTION assent.endpoint_came();

CREATE FUNCTION assent.endpoint_fixed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'an address keeps its key';
END $$;
CREATE TRIGGER fixed BEFORE UPDATE ON assent.endpoint
	FOR EACH ROW WHEN (OLD.key <> NEW.key)
	EXECUTE FUNCTION assent.endpoint_fixed();

-- A permit goes with its endpoint, but for one that says "erased".
CREATE FUNCTION assent.endpoint_went() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	DELETE FROM permit AS p USING went w WHERE p.key = w.key
	AND NOT EXISTS (SELECT FROM erasure e
		WHERE e.key = p.key AND e.lifted_at IS NULL);
	RETURN NULL;
END $$;
CREATE TRIGGER went AFTER DELETE ON assent.endpoint
	REFERENCING OLD TABLE AS went
	FOR EACH STATEMENT EXECUTE FUNCTION assent.endpoint_went();

CREATE FUNCTION assent.endpoint_truncated() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	DELETE FROM permit WHERE key NOT IN (
		SELECT key FROM erasure WHERE lifted_at IS NULL);
	RETURN NULL;
END $$;
CREATE TRIGGER truncated AFTER TRUNCATE ON assent.endpoint
	FOR EACH STATEMENT EXECUTE FUNCTION assent.endpoint_truncated();

-- Keeps an opt-out for whoever one day has the key: nobody has, unless
-- somebody got it meanwhile.  One who was forgotten is refused anyway.
CREATE FUNCTION assent.suppress(p_key bytea, p_purpose int,
	p_channel assent.channel, p_source text)
RETURNS void LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
BEGIN
	IF octet_length(p_key) <> 13 OR EXISTS (SELECT FROM erasure
		WHERE key = p_key AND lifted_at IS NULL) THEN
		RETURN;
	END IF;
	PERFORM pg_advisory_xact_lock(nobody_lock());
	INSERT INTO suppression
	SELECT p_key, id, p_channel, now(), p_source FROM purpose
	WHERE id = p_purpose
	AND NOT EXISTS (SELECT FROM endpoint WHERE key = p_key)
	ON CONFLICT (key, purpose_id, channel)
		DO UPDATE SET at = excluded.at, source = excluded.source;
END $$;

-- Takes an address from its contact, who keeps another.  Nobody has it then:
-- its own row says so, with no permit; what the contact refused by it refuses
-- whoever has it next.
CREATE OR REPLACE FUNCTION assent.endpoint_remove(p_marked text, p_key bytea, p_door text)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	who  bigint;
	old  endpoint;
BEGIN
	PERFORM set_config('assent.marked', coalesce(p_marked, ''), true);
	-- As in contact_of(): whoever waits there must not go on to a contact
	-- who no longer has it.
	PERFORM pg_advisory_xact_lock(hashtextextended(encode(p_key, 'hex'), 0));
	who := contact_with(p_key);
	IF (SELECT count(*) FROM endpoint WHERE contact_id = who) = 1 THEN
		RAISE EXCEPTION 'this is the contact''s only address'
			USING HINT = 'forget erases the contact';
	END IF;
	DELETE FROM endpoint WHERE key = p_key RETURNING * INTO old;
	INSERT INTO suppression
	SELECT p_key, c.purpose_id, c.channel, greatest(c.withdrawn_at,
		CASE c.state WHEN 'withdrawn' THEN c.since END, c.objected_at,
		c.restricted_at, c.suspended_at), p_door
	FROM consent c WHERE c.contact_id = who
		AND c.channel = ANY (kind_channels(old.kind))
		AND (c.state = 'withdrawn' OR num_nonnulls(c.objected_at,
			c.restricted_at, c.suspended_at) > 0);
	PERFORM edited(who, p_door, jsonb_build_object('kind', old.kind,
		'address', old.original), NULL);
	RETURN QUERY SELECT p_key, NULL::bytea, true;
END $$;

-- Erases the personal fields and the salts of events, and records it, event by
-- event; how many.  As append() does it, but for many at once.
CREATE OR REPLACE FUNCTION assent.erase_person_fields(p_events bigint[],
	p_source text)
RETURNS bigint LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	n bigint;
BEGIN
	-- Before the numbers: see checkpoint_begin().
	PERFORM pg_current_xact_id();
	WITH old AS MATERIALIZED (
		SELECT v.* FROM event AS v
		JOIN event_person AS p ON p.event_id = v.id
		WHERE v.id = ANY (p_events) ORDER BY v.id FOR UPDATE OF p
	), numbered AS MATERIALIZED (
		SELECT nextval('event_id_seq') AS id, old.id AS about, contact_id,
			purpose_id, channel, clock_timestamp() AS recorded_at,
			uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
			AS salt
		FROM old
	), salted AS (
		INSERT INTO event_person SELECT id, salt, '{}' FROM numbered
	), made AS (
		SELECT (id, recorded_at, now(), 'erase', contact_id, purpose_id,
			channel, NULL, p_source, session_user,
			sha256(salt || convert_to('{}', 'UTF8')), NULL, about, NULL,
			NULL)::event AS e FROM numbered
	)
	INSERT INTO event (id, recorded_at, at, act, contact_id, purpose_id,
		channel, source, actor, commitment, about, leaf)
	OVERRIDING SYSTEM VALUE
	SELECT (e).id, (e).recorded_at, (e).at, (e).act, (e).contact_id,
		(e).purpose_id, (e).channel, (e).source, (e).actor,
		(e).commitment, (e).about, event_leaf(e) FROM made;
	DELETE FROM event_person WHERE event_id = ANY (p_events);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- Records what became of a key: nobody's number stands beside it.
CREATE FUNCTION assent.record_key(p_act assent.act, p_key bytea,
	p_at timestamptz, p_source text)
RETURNS bigint LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	e event;
BEGIN
	e.act := p_act;
	e.at := p_at;
	e.source := p_source;
	e.detail := jsonb_build_object('key', encode(p_key, 'hex'));
	RETURN append(e, NULL);
END $$;

-- The contact who has a key, locked; NULL when nobody has it, and then nobody
-- gets it before the end of the transaction.
CREATE FUNCTION assent.holder(p_key bytea)
RETURNS bigint LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM endpoint WHERE key = p_key) THEN
		PERFORM pg_advisory_xact_lock(nobody_lock());
	END IF;
	IF NOT EXISTS (SELECT FROM endpoint WHERE key = p_key) THEN
		RETURN NULL;
	END IF;
	RETURN contact_with(p_key);
END $$;

-- Lifts the erasure of a key; whether there was one.
CREATE FUNCTION assent.lift(p_key bytea, p_at timestamptz, p_source text)
RETURNS boolean LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM FROM erasure WHERE key = p_key AND lifted_at IS NULL FOR UPDATE;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	UPDATE erasure SET lifted_at = p_at,
		event_id = record_key('lift-erasure', p_key, p_at, p_source)
	WHERE key = p_key;
	DELETE FROM permit WHERE key = p_key;
	RETURN true;
END $$;

-- Forgets whoever has an address, and the address if nobody has it.  Returns
-- the permits that the cache must now hold, as assent.change does, and how
-- much was erased.
CREATE FUNCTION assent.forget(p_marked text, p_key bytea, p_source text)
RETURNS TABLE (key bytea, packed bytea, changed boolean, addresses int,
	consents int, fields bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	was  boolean;
	done record;
BEGIN
	PERFORM set_config('assent.marked', coalesce(p_marked, ''), true);
	PERFORM pg_advisory_xact_lock(hashtextextended(encode(p_key, 'hex'), 0));
	was := EXISTS (SELECT FROM erasure AS e
		WHERE e.key = p_key AND e.lifted_at IS NULL);
	SELECT * INTO done FROM erase(p_key, now(), p_source);
	RETURN QUERY SELECT p.key::bytea, p.packed, NOT was, done.addresses,
		done.consents, done.fields
		FROM permit p WHERE p.key = ANY (done.keys);
END $$;

-- A double opt-in that the person has just confirmed: lifts an erasure, makes
-- the contact if need be, and grants.  `p_fields` are the proof: requested_at,
-- confirmed_at, message_id, and what else there is.
CREATE FUNCTION assent.confirm(p_marked text, p_key bytea, p_canonical text,
	p_original text, p_purpose int, p_channel assent.channel, p_text int,
	p_fields jsonb)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	requested timestamptz := p_fields ->> 'requested_at';
	confirmed timestamptz := p_fields ->> 'confirmed_at';
BEGIN
	PERFORM set_config('assent.marked', coalesce(p_marked, ''), true);
	IF (requested <= confirmed AND p_fields ->> 'message_id' <> '')
		IS NOT TRUE THEN
		RAISE EXCEPTION 'this double opt-in lacks its message, or its dates';
	END IF;
	IF confirmed > now() + interval '1 minute' THEN
		RAISE EXCEPTION 'the confirmation''s date, %, is in the future',
			confirmed;
	END IF;
	-- As in contact_of().
	PERFORM pg_advisory_xact_lock(hashtextextended(encode(p_key, 'hex'), 0));
	IF requested < (SELECT erased_at FROM erasure AS e WHERE e.key = p_key) THEN
		RAISE EXCEPTION 'this was asked for before the person was forgotten';
	END IF;
	PERFORM lift(p_key, now(), 'double-opt-in');
	RETURN QUERY SELECT c.* FROM change(p_marked, 'grant', p_key,
		channel_kind(p_channel), p_canonical, p_original, p_purpose,
		p_channel, confirmed, NULL, 'double-opt-in', p_fields, p_text) AS c;
END $$;

-- Applies one erasure of a list made before a backup was restored; whether it
-- was not known.  What is known better stays.  Who was forgotten is erased,
-- whenever they came; but of a lifted erasure not who came after it.
CREATE FUNCTION assent.erasure_apply(p_key bytea, p_erased timestamptz,
	p_lifted timestamptz)
RETURNS boolean LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	source constant text := 'erasures apply';
	was  erasure;
	came timestamptz;
BEGIN
	PERFORM holder(p_key);
	SELECT * INTO was FROM erasure WHERE key = p_key;
	SELECT created_at INTO came FROM endpoint WHERE key = p_key;
	IF was.erased_at > p_erased OR (was.erased_at = p_erased
		AND (p_lifted IS NULL OR was.lifted_at IS NOT NULL)) THEN
		RETURN false;
	END IF;
	IF p_lifted IS NOT NULL AND came > p_erased THEN
		INSERT INTO erasure VALUES (p_key, p_erased, p_lifted,
			record_key('lift-erasure', p_key, p_lifted, source))
		ON CONFLICT (key) DO UPDATE SET erased_at = excluded.erased_at,
			lifted_at = excluded.lifted_at, event_id = excluded.event_id;
		RETURN true;
	END IF;
	PERFORM erase(p_key, p_erased, source);
	UPDATE erasure SET erased_at = p_erased,
		event_id = record_key('forget', p_key, p_erased, source)
	WHERE key = p_key AND erased_at < p_erased;
	IF p_lifted IS NOT NULL THEN
		PERFORM lift(p_key, p_lifted, source);
	END IF;
	RETURN true;
END $$;

-- Applies a part of such a list, an array of objects; how many were not known.
-- Only the owner may: a lift is believed here.
CREATE FUNCTION assent.erasures_apply(p_lines jsonb)
RETURNS bigint LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	line record;
	n    bigint := 0;
BEGIN
	PERFORM set_config('assent.marked', '', true);
	FOR line IN SELECT decode(l.key, 'hex') AS key, l.erased_at, l.lifted_at
		FROM jsonb_to_recordset(p_lines) AS l (key text,
			erased_at timestamptz, lifted_at timestamptz)
		WHERE NOT EXISTS (SELECT FROM erasure e
			WHERE e.key = decode(l.key, 'hex')
			AND e.erased_at = l.erased_at
			AND e.lifted_at IS NOT DISTINCT FROM l.lifted_at)
		ORDER BY l.erased_at, l.lifted_at NULLS FIRST, l.key
	LOOP
		n := n + erasure_apply(line.key, line.erased_at,
			line.lifted_at)::int;
	END LOOP;
	RETURN n;
END $$;

-- Records that somebody is given the addresses of all who may be contacted.
CREATE FUNCTION assent.audience(p_purpose int, p_channel assent.channel,
	p_source text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	e event;
BEGIN
	e.act := 'audience';
	e.purpose_id := p_purpose;
	e.channel := p_channel;
	e.at := now();
	e.source := p_source;
	RETURN append(e, NULL);
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
GRANT SELECT ON assent.erasure TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.endpoint_remove, assent.forget,
	assent.audience TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.confirm TO assent_web;
