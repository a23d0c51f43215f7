-- SPDX-License-Identifier: ISC
--
-- import - many consents at once, under the rules that hold for one
--
-- A program copies a part of a file into the table `staged` of its session and
-- has it applied, part by part, each a transaction together with how far the
-- file has come.  An import may always take away; it gives to who was never
-- refused, and to who was only with a newer proof of its own.

CREATE TABLE assent.import (
	id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	identity   bytea CHECK (octet_length(identity) = 32),
	name       text NOT NULL,
	actor      text NOT NULL DEFAULT session_user,
	begun_at   timestamptz NOT NULL DEFAULT now(),
	ended_at   timestamptz,
	octets     bigint NOT NULL DEFAULT 0,
	line       bigint NOT NULL DEFAULT 1,
	rejects    bigint NOT NULL DEFAULT 0,
	records    bigint NOT NULL DEFAULT 0,
	changed    bigint NOT NULL DEFAULT 0,
	unchanged  bigint NOT NULL DEFAULT 0,
	rejected   bigint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX import_open ON assent.import (identity)
	WHERE ended_at IS NULL;
COMMENT ON TABLE assent.import IS 'What was imported, and how far it has come';
COMMENT ON COLUMN assent.import.identity IS
	'Hash of the file and of how it is read; NULL: nothing to go on with';
COMMENT ON COLUMN assent.import.octets IS 'How much of the file is done';
COMMENT ON COLUMN assent.import.rejects IS 'And how long its rejects are';

-- What these point to is never deleted, so that only what is added needs a
-- look, and all at once: one by one it takes longer than to add it.
ALTER TABLE assent.event DROP CONSTRAINT event_text_id_fkey;
ALTER TABLE assent.event_person DROP CONSTRAINT event_person_event_id_fkey;
ALTER TABLE assent.consent DROP CONSTRAINT consent_purpose_id_fkey;
CREATE FUNCTION assent.text_known() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT FROM added a WHERE a.text_id IS NOT NULL AND NOT EXISTS (
		SELECT FROM purpose_text t WHERE t.id = a.text_id)) THEN
		RAISE foreign_key_violation USING MESSAGE = 'there is no such text';
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER text_known AFTER INSERT ON assent.event
	REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION assent.text_known();
CREATE FUNCTION assent.event_known() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	-- Each is looked up (OFFSET 0), whatever the planner may not do where
	-- they are added: it would read the whole ledger.
	IF EXISTS (SELECT FROM added a WHERE NOT EXISTS (
		SELECT FROM event e WHERE e.id = a.event_id OFFSET 0)) THEN
		RAISE foreign_key_violation USING MESSAGE = 'there is no such event';
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER event_known AFTER INSERT ON assent.event_person
	REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION assent.event_known();
CREATE FUNCTION assent.purpose_known() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	IF TG_LEVEL = 'ROW' THEN
		PERFORM FROM purpose p WHERE p.id = NEW.purpose_id
		HAVING count(*) = 0;
	ELSE
		PERFORM FROM added a WHERE NOT EXISTS (
			SELECT FROM purpose p WHERE p.id = a.purpose_id) LIMIT 1;
	END IF;
	IF FOUND THEN
		RAISE foreign_key_violation
			USING MESSAGE = 'there is no such purpose';
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER known AFTER INSERT ON assent.consent
	REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION assent.purpose_known();
CREATE TRIGGER known_still AFTER UPDATE ON assent.consent
	FOR EACH ROW WHEN (OLD.purpose_id <> NEW.purpose_id)
	EXECUTE FUNCTION assent.purpose_known();
CREATE TRIGGER kept BEFORE TRUNCATE ON assent.purpose_text
	FOR EACH STATEMENT EXECUTE FUNCTION assent.refuse_change();
CREATE TRIGGER kept BEFORE DELETE OR TRUNCATE OR UPDATE OF id ON assent.purpose
	FOR EACH STATEMENT EXECUTE FUNCTION assent.refuse_change();

-- Begins an import, or goes on with the one of that identity that was
-- interrupted.  Waits for a transaction of it that is still under way.
CREATE FUNCTION assent.import_begin(p_identity bytea, p_name text)
RETURNS assent.import LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	i import;
BEGIN
	SELECT * INTO i FROM import
	WHERE identity = p_identity AND ended_at IS NULL FOR UPDATE;
	IF NOT FOUND THEN
		INSERT INTO import (identity, name) VALUES (p_identity, p_name)
		RETURNING * INTO i;
	END IF;
	RETURN i;
END $$;

-- What has come to be done, in the transaction that did it.
CREATE FUNCTION assent.import_done(p_id bigint, p_from bigint, p_octets bigint,
	p_line bigint, p_rejects bigint, p_records bigint, p_changed bigint,
	p_unchanged bigint, p_rejected bigint, p_ended boolean)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	UPDATE import SET octets = p_octets, line = p_line, rejects = p_rejects,
		records = p_records, changed = p_changed, unchanged = p_unchanged,
		rejected = p_rejected,
		ended_at = CASE WHEN p_ended THEN clock_timestamp() END
	WHERE id = p_id AND octets = p_from AND ended_at IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'another process is importing this file';
	END IF;
END $$;

-- Makes the table that rows are copied into.  It is the owner's, so that
-- nobody can put anything else in its place.
CREATE FUNCTION assent.import_stage()
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	CREATE TEMPORARY TABLE staged (
		number      bigint NOT NULL,
		key         address_key NOT NULL,
		kind        endpoint_kind NOT NULL,
		canonical   text NOT NULL,
		original    text NOT NULL,
		purpose     int NOT NULL,
		channel     channel NOT NULL,
		act         act NOT NULL CHECK (act IN ('grant', 'pend',
			'withdraw', 'object', 'restrict', 'suspend')),
		at          timestamptz CHECK (isfinite(at)),
		expires     timestamptz CHECK (isfinite(expires)),
		source      text NOT NULL,
		language    language,
		version     int,
		fields      jsonb,
		attributes  jsonb,
		contact     bigint,
		turn        int,
		text_id     int,
		reason      text
	) ON COMMIT DELETE ROWS;
	CREATE TEMPORARY TABLE newcomer (
		key        address_key NOT NULL,
		kind       endpoint_kind NOT NULL,
		canonical  text NOT NULL,
		original   text NOT NULL,
		language   language,
		contact    bigint NOT NULL
	) ON COMMIT DELETE ROWS;
	-- As in 012-erasure: no address may stand in the planner's statistics.
	ALTER TABLE staged ALTER canonical SET STATISTICS 0,
		ALTER original SET STATISTICS 0, ALTER fields SET STATISTICS 0,
		ALTER attributes SET STATISTICS 0, ALTER source SET STATISTICS 0;
	EXECUTE format('GRANT INSERT, SELECT ON staged TO %I', session_user);
END $$;

-- Finds each row's contact, or makes one, and says which rows can be applied
-- together: `turn`.  One contact's rows follow each other by their dates if
-- any of them takes something away, else only those of one pair do.  Of those
-- of one date, what takes away is last.
CREATE FUNCTION assent.import_contacts(p_name text)
RETURNS void LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	wanted  bigint;
	made    bigint;
BEGIN
	INSERT INTO newcomer SELECT key, kind, canonical, original, language,
		nextval('contact_id_seq') AS contact
	FROM (SELECT DISTINCT ON (key) key, kind, canonical, original, language
		FROM staged s WHERE reason IS NULL AND NOT EXISTS (
			SELECT FROM endpoint e WHERE e.key = s.key)
		ORDER BY key, number) AS s;
	GET DIAGNOSTICS wanted = ROW_COUNT;
	INSERT INTO contact (id, source, source_name, language)
	OVERRIDING SYSTEM VALUE
	SELECT contact, 'import', p_name, language FROM newcomer ORDER BY 1;
	INSERT INTO endpoint (key, contact_id, kind, canonical, original)
	SELECT key, contact, kind, canonical, original FROM newcomer
	ORDER BY key ON CONFLICT (key) DO NOTHING;
	GET DIAGNOSTICS made = ROW_COUNT;
	IF made < wanted THEN
		-- Somebody else made them meanwhile: theirs must be locked.
		DELETE FROM contact WHERE id IN (SELECT contact FROM newcomer)
			AND NOT EXISTS (SELECT FROM endpoint WHERE contact_id = id);
		DELETE FROM newcomer n WHERE NOT EXISTS (
			SELECT FROM contact WHERE id = n.contact);
	END IF;
	-- Who opted out while nobody had the address has that on record now.
	DELETE FROM newcomer n WHERE EXISTS (
		SELECT FROM consent c WHERE c.contact_id = n.contact);
	PERFORM FROM contact WHERE id IN (SELECT contact_id FROM endpoint
			WHERE key IN (SELECT key FROM staged EXCEPT
				SELECT key FROM newcomer))
		ORDER BY id FOR UPDATE;
	UPDATE staged s SET contact = n.contact_id, turn = n.turn
	FROM (SELECT at_row, contact_id, row_number() OVER (
			PARTITION BY contact_id,
				CASE WHEN NOT takes THEN purpose END,
				CASE WHEN NOT takes THEN channel END
			ORDER BY at, act IN ('grant', 'pend') DESC, number, purpose)
			AS turn
		FROM (SELECT s.ctid AS at_row, e.contact_id, s.purpose, s.channel,
				s.act, s.number, coalesce(s.at, now()) AS at,
				bool_or(s.act NOT IN ('grant', 'pend'))
				OVER (PARTITION BY e.contact_id) AS takes
			FROM staged s JOIN endpoint e ON e.key = s.key
			WHERE s.reason IS NULL) AS found) AS n
	WHERE s.ctid = n.at_row;
END $$;

-- What the rows say about contacts themselves; of each attribute, the last.
CREATE FUNCTION assent.import_attributes()
RETURNS void LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	old   contact;
	new   contact;
	said  record;
BEGIN
	FOR said IN SELECT s.contact, jsonb_object_agg(a.key, a.value
			ORDER BY s.number) AS attributes,
			s.contact IN (SELECT contact FROM newcomer) AS fresh
		FROM staged s CROSS JOIN LATERAL jsonb_each(s.attributes) AS a
		WHERE s.reason IS NULL GROUP BY s.contact
	LOOP
		SELECT * INTO old FROM contact WHERE id = said.contact;
		new := old;
		new.attributes := old.attributes || said.attributes;
		CONTINUE WHEN new IS NOT DISTINCT FROM old;
		IF octet_length(new.attributes::text) > 65536 THEN
			UPDATE staged SET reason = 'the contact''s attributes would be too long'
			WHERE contact = said.contact;
			CONTINUE;
		END IF;
		UPDATE contact SET attributes = new.attributes
		WHERE id = said.contact;
		CONTINUE WHEN said.fresh;
		PERFORM edited(said.contact, 'import',
			to_jsonb(old) - 'id' - 'created_at',
			to_jsonb(new) - 'id' - 'created_at');
	END LOOP;
END $$;

-- What refuses a row that gives: the date of the latest refusal of its pair
-- that a newer proof could overcome, or what no proof for this pair can.  A
-- refusal is one of the pair itself, of what is above it, or, if it is a
-- withdrawal, of what it is left with.  A withdrawal that the person has taken
-- back since is none.
CREATE FUNCTION assent.import_refusals(p_turn int, p_contacts bigint[])
RETURNS TABLE (at_row tid, refused_at timestamptz, word text, above boolean)
LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp
SET jit = off SET enable_nestloop = off
SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH had AS MATERIALIZED (
		SELECT * FROM consent WHERE contact_id = ANY (p_contacts)
	), refusal AS MATERIALIZED (
		SELECT c.contact_id, c.purpose_id, c.channel, f.*
		FROM had c CROSS JOIN LATERAL (VALUES
			('withdrawn', greatest(c.withdrawn_at, CASE c.state
				WHEN 'withdrawn' THEN c.since END)),
			('objected', c.objected_at), ('restricted', c.restricted_at),
			('suspended', c.suspended_at)) AS f (word, at)
		WHERE f.at IS NOT NULL
	), bears AS (
		SELECT s.ctid AS at_row, s.contact, s.purpose, s.channel, r.word, r.at,
			r.word <> 'withdrawn' AND l.distance > 0 AS above
		FROM refusal r JOIN lineage l ON l.ancestor_id = r.purpose_id
		JOIN staged s ON s.contact = r.contact_id
			AND s.purpose = l.purpose_id AND s.channel = r.channel
		WHERE s.turn = p_turn AND s.reason IS NULL
		UNION ALL
		SELECT s.ctid, s.contact, s.purpose, s.channel, r.word, r.at, false
		FROM refusal r JOIN left_with w ON w.left_id = r.purpose_id
		JOIN staged s ON s.contact = r.contact_id
			AND s.purpose = w.purpose_id AND s.channel = r.channel
		WHERE s.turn = p_turn AND s.reason IS NULL
			AND r.word = 'withdrawn'
	)
	SELECT DISTINCT ON (b.at_row) b.at_row, b.at, b.word, b.above
	FROM bears b LEFT JOIN had c ON c.contact_id = b.contact
		AND c.purpose_id = b.purpose AND c.channel = b.channel
	WHERE b.word <> 'withdrawn'
		OR (c.state = 'granted' AND c.since > b.at) IS NOT TRUE
	ORDER BY b.at_row, b.above DESC, b.at DESC;
END $$;

-- Applies the rows of one turn, of which no two are of one pair; how many
-- changed something.
CREATE FUNCTION assent.import_turn(p_turn int)
RETURNS bigint LANGUAGE plpgsql SET search_path = assent, pg_temp
SET jit = off SET enable_nestloop = off
SET enable_mergejoin = off AS $$
DECLARE
	-- Whoever of them may have anything on record.
	who    bigint[] := ARRAY(SELECT contact FROM staged WHERE turn = p_turn
		EXCEPT SELECT contact FROM newcomer WHERE p_turn = 1);
	-- Nobody keeps it: the salts made of it tell nothing of each other.
	secret bytea := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
		|| uuid_send(gen_random_uuid());
	n      bigint;
BEGIN
	UPDATE staged s SET reason = format(CASE WHEN r.above
			THEN '%s on %s, for more than this purpose: that must be lifted first'
			WHEN s.act = 'pend' AND r.word <> 'withdrawn'
			THEN '%s on %s: lifting that takes a consent, not a request'
			ELSE '%s on %s: giving it again takes a newer date, and evidence'
		END, r.word, to_char(r.refused_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'))
	FROM import_refusals(p_turn, who) AS r
	WHERE s.ctid = r.at_row AND s.act IN ('grant', 'pend')
		AND (r.above OR s.fields IS NULL OR s.at IS NULL
			OR s.at <= r.refused_at
			OR (s.act = 'pend' AND r.word <> 'withdrawn'));
	WITH had AS MATERIALIZED (
		SELECT c.contact_id, c.purpose_id, c.channel, c AS old
		FROM consent c WHERE c.contact_id = ANY (who)
	), row AS MATERIALIZED (
		SELECT s.ctid AS at_row, s.act, s.at IS NOT NULL AS dated,
			coalesce(s.at, now()) AS at, s.expires, s.source, s.text_id,
			s.fields, s.act = 'grant' AS grants,
			coalesce(c.old, unrecorded(s.contact, s.purpose, s.channel))
				AS old
		FROM staged s LEFT JOIN had c ON c.contact_id = s.contact
			AND c.purpose_id = s.purpose AND c.channel = s.channel
		WHERE s.turn = p_turn AND s.reason IS NULL
	), base AS (
		-- A newer proof, and only that has come so far, lifts the flags; a
		-- request none: below them may be a consent of before.
		SELECT r.*, CASE WHEN r.grants AND num_nonnulls((old).objected_at,
				(old).restricted_at, (old).suspended_at) > 0
			THEN after(after(after(old, 'unsuspend', r.at, NULL),
				'lift-restriction', r.at, NULL),
				'lift-objection', r.at, NULL)
			ELSE old END AS bare
		FROM row r
		-- What is on record already; without a date, the state is all.
		WHERE NOT CASE r.act
			WHEN 'grant' THEN (old).state = 'granted'
				AND (NOT r.dated OR r.at <= (old).since)
			WHEN 'withdraw' THEN CASE WHEN r.dated
				THEN r.at <= greatest((old).withdrawn_at,
					CASE (old).state WHEN 'withdrawn'
					THEN (old).since END) IS TRUE
				ELSE (old).state = 'withdrawn' END
			ELSE false END
	), moved AS MATERIALIZED (
		SELECT b.*, after(b.bare, b.act, b.at, b.expires) AS new FROM base b
	), done AS (
		SELECT m.at_row, k.place, k.act, m.at, m.expires, m.source, m.text_id,
			m.fields, (old).contact_id, (old).purpose_id, (old).channel
		FROM moved m CROSS JOIN LATERAL (VALUES
			(1, 'unsuspend'::act, m.grants AND (old).suspended_at IS NOT NULL),
			(2, 'lift-restriction', m.grants AND (old).restricted_at IS NOT NULL),
			(3, 'lift-objection', m.grants AND (old).objected_at IS NOT NULL),
			(4, m.act, m.new IS DISTINCT FROM m.bare)) AS k (place, act, holds)
		WHERE k.holds ORDER BY m.at_row, k.place
	), fact AS MATERIALIZED (
		SELECT d.at_row, d.place, nextval('event_id_seq') AS id,
			clock_timestamp() AS recorded_at, d.at, d.act, d.contact_id,
			d.purpose_id, d.channel, d.expires AS expires_at, d.source,
			d.text_id, coalesce(d.fields, '{}') AS fields,
			sha256(secret || int4send(row_number() OVER ()::int)) AS salt
		FROM done d
	), sealed AS MATERIALIZED (
		SELECT f.*, sha256(f.salt || convert_to(f.fields::text, 'UTF8'))
			AS commitment FROM fact f
	), told AS (
		INSERT INTO event (id, recorded_at, at, act, contact_id, purpose_id,
			channel, expires_at, source, actor, commitment, text_id, leaf)
		OVERRIDING SYSTEM VALUE
		SELECT s.id, s.recorded_at, s.at, s.act, s.contact_id, s.purpose_id,
			s.channel, s.expires_at, s.source, session_user, s.commitment,
			s.text_id, event_leaf(ROW(s.id, s.recorded_at, s.at, s.act,
				s.contact_id, s.purpose_id, s.channel, s.expires_at,
				s.source, session_user, s.commitment, s.text_id, NULL,
				NULL, NULL)::event)
		FROM sealed s
	), kept AS (
		INSERT INTO event_person (event_id, salt, fields)
		SELECT id, salt, fields FROM sealed
	), proof AS (
		SELECT at_row, max(id) FILTER (WHERE act IN ('grant', 'pend',
				'withdraw')) AS state,
			max(id) FILTER (WHERE act IN ('object', 'lift-objection'))
				AS objected,
			max(id) FILTER (WHERE act IN ('restrict', 'lift-restriction'))
				AS restricted,
			max(id) FILTER (WHERE act IN ('suspend', 'unsuspend'))
				AS suspended, max(id) AS last
		FROM fact GROUP BY 1
	)
	INSERT INTO consent AS c (contact_id, purpose_id, channel, state, since,
		expires_at, event_id, withdrawn_at, objected_at, objected_by,
		restricted_at, restricted_by, suspended_at, suspended_by)
	SELECT (new).contact_id, (new).purpose_id, (new).channel, (new).state,
		CASE WHEN isfinite((new).since) THEN (new).since ELSE at END,
		(new).expires_at, coalesce(p.state, (old).event_id, p.last),
		(new).withdrawn_at,
		(new).objected_at, coalesce(p.objected, (old).objected_by),
		(new).restricted_at, coalesce(p.restricted, (old).restricted_by),
		(new).suspended_at, coalesce(p.suspended, (old).suspended_by)
	FROM moved JOIN proof p USING (at_row)
	ORDER BY 1, 2, 3
	ON CONFLICT (contact_id, purpose_id, channel) DO UPDATE SET
		state = excluded.state, since = excluded.since,
		expires_at = excluded.expires_at, event_id = excluded.event_id,
		withdrawn_at = excluded.withdrawn_at,
		objected_at = excluded.objected_at,
		objected_by = excluded.objected_by,
		restricted_at = excluded.restricted_at,
		restricted_by = excluded.restricted_by,
		suspended_at = excluded.suspended_at,
		suspended_by = excluded.suspended_by;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END $$;

-- Applies what is staged.  What was not applied has its reason in `reason`.
CREATE FUNCTION assent.import_apply(p_name text, OUT changed bigint,
	OUT unchanged bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp
SET jit = off AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_class c JOIN pg_roles r
		ON r.oid = c.relowner WHERE c.oid = to_regclass('pg_temp.staged')
			AND c.relkind = 'r' AND r.rolname = current_user) THEN
		RAISE EXCEPTION 'nothing is staged';
	END IF;
	PERFORM set_config('assent.marked', '', true);
	-- Before the events' numbers: see checkpoint_begin().
	PERFORM pg_current_xact_id();
	UPDATE staged s SET text_id = (SELECT t.id FROM lineage l
		JOIN purpose_text t ON t.purpose_id = l.ancestor_id
		WHERE l.purpose_id = s.purpose AND t.language = s.language
			AND t.version = s.version ORDER BY l.distance LIMIT 1)
	WHERE version IS NOT NULL;
	UPDATE staged s SET reason = CASE
		WHEN s.version IS NOT NULL AND s.text_id IS NULL
		THEN format('the purpose has no text of version %s in %s',
			s.version, s.language)
		WHEN s.at > now() + interval '1 minute' THEN 'at is in the future'
		ELSE 'the purpose does not use this channel' END
	FROM purpose p WHERE p.id = s.purpose
		AND ((s.version IS NOT NULL AND s.text_id IS NULL)
		OR s.at > now() + interval '1 minute'
		OR (s.act IN ('grant', 'pend') AND s.channel <> ALL (p.channels)));
	UPDATE staged s SET reason = format('forgotten on %s: %s', to_char(
		e.erased_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), CASE
		WHEN e.lifted_at IS NULL THEN 'an import brings nobody back'
		ELSE 'a newer consent is needed' END)
	FROM erasure e WHERE e.key = s.key AND (e.lifted_at IS NULL
		OR (s.act IN ('grant', 'pend')
		AND (s.at IS NULL OR s.at < e.erased_at)));
	ANALYZE staged;
	PERFORM import_contacts(p_name);
	UPDATE staged SET reason = 'the address was taken from its contact while this was imported'
	WHERE contact IS NULL AND reason IS NULL;
	ANALYZE staged;
	PERFORM import_attributes();
	changed := 0;
	FOR t IN 1 .. coalesce((SELECT max(turn) FROM staged), 0) LOOP
		changed := changed + import_turn(t);
	END LOOP;
	SELECT count(*) - changed INTO unchanged FROM staged
	WHERE reason IS NULL;
	-- Of a newcomer of whom nothing was applied nothing is kept.
	WITH gone AS (
		DELETE FROM endpoint e USING newcomer n WHERE e.key = n.key
		AND NOT EXISTS (SELECT FROM permit m WHERE m.key = n.key)
		RETURNING e.contact_id
	)
	DELETE FROM contact WHERE id IN (SELECT contact_id FROM gone);
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assent.import_begin, assent.import_stage,
	assent.import_apply, assent.import_done TO assent_operator;
