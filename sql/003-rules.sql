-- SPDX-License-Identifier: ISC
--
-- rules - how consent changes, and what it comes to
--
-- Every door goes through assent.change or assent.opt_out: state, ledger and
-- permit change in one transaction.  Errors of class P0 are answers to the
-- person who asked; their texts say what to do.

-- Where a pair stands after precedence: the numbers of policy/permit.h.
-- Expiry is left to the reader, who knows what time it is.
CREATE FUNCTION assent.standing(p_state assent.state, p_objected boolean,
	p_restricted boolean)
RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE
		WHEN p_objected THEN 4
		WHEN p_restricted THEN 5
		ELSE CASE p_state
			WHEN 'withdrawn' THEN 3
			WHEN 'pending' THEN 1
			WHEN 'granted' THEN 2
			ELSE 0 END
		END
$$;

CREATE FUNCTION assent.channel_number(p_channel assent.channel)
RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT array_position(enum_range(NULL::assent.channel), p_channel) - 1
$$;

CREATE FUNCTION assent.channel_kind(p_channel assent.channel)
RETURNS assent.endpoint_kind LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT (CASE p_channel
		WHEN 'email' THEN 'email'
		WHEN 'paper' THEN 'postal'
		WHEN 'push' THEN 'device'
		WHEN 'im' THEN 'im'
		ELSE 'phone' END)::assent.endpoint_kind
$$;

-- The permit of a contact's endpoints of one kind (policy/permit.h).
CREATE FUNCTION assent.pack(p_contact bigint, p_kind assent.endpoint_kind)
RETURNS bytea LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	WITH pair AS (
		SELECT purpose_id AS purpose, channel_number(channel) AS channel,
			standing(state, objected, restricted) AS standing,
			-- 32 bits of seconds; rounded down, least permissive.
			CASE WHEN expires_at IS NOT NULL THEN
				least(greatest(floor(extract(epoch FROM expires_at)),
				1), 4294967295)::bigint END AS expires
		FROM consent
		WHERE contact_id = p_contact AND channel_kind(channel) = p_kind
	), expiry AS (
		-- An octet numbers them. Of more than 255, neighbours share the
		-- earlier one: least permissive.
		SELECT expires, ntile(255) OVER (ORDER BY expires) AS number
		FROM (SELECT DISTINCT expires FROM pair
			WHERE standing = 2 AND expires IS NOT NULL) AS e
	), written AS (
		SELECT number, min(expires) AS expires FROM expiry GROUP BY number
	)
	SELECT '\x0100'::bytea
		|| substring(int4send((SELECT count(*)::int FROM written)) FROM 4)
		|| coalesce((SELECT string_agg(substring(int8send(expires) FROM 5),
			'' ORDER BY number) FROM written), '')
		|| coalesce((SELECT string_agg(
			substring(int4send(purpose) FROM 3)
			|| substring(int4send(channel << 4 | standing) FROM 4)
			|| substring(int4send(coalesce(number, 0)::int) FROM 4),
			'' ORDER BY purpose, channel)
			FROM pair LEFT JOIN expiry ON standing = 2
				AND expiry.expires = pair.expires
			WHERE standing <> 0), '')
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
	UPDATE cache_epoch SET epoch = epoch + 1, moved_at = clock_timestamp();
	DELETE FROM cache_move WHERE xact = NEW.xact;
	NOTIFY assent_epoch;
	RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER move_epoch AFTER INSERT ON assent.cache_move
	DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION assent.move_epoch_now();

-- A permit that changes without its key having been marked in the cache, in
-- the epoch that holds (by hand, in bulk, or because Redis did not answer),
-- makes the whole cache untrusted.  The programs say what they marked in
-- assent.marked, as "EPOCH:KEY".
CREATE FUNCTION assent.permit_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
DECLARE
	marked text := coalesce(current_setting('assent.marked', true), '');
	marked_in text := split_part(marked, ':', 1);
BEGIN
	IF NOT EXISTS (SELECT FROM changed) THEN
		RETURN NULL;
	END IF;
	IF NOT EXISTS (SELECT FROM changed
			WHERE position(encode(key, 'hex') IN marked) = 0)
		AND marked_in = (SELECT epoch::text FROM cache_epoch) THEN
		PERFORM pg_advisory_xact_lock_shared(epoch_lock());
		-- It may have moved while we waited.
		IF marked_in = (SELECT epoch::text FROM cache_epoch) THEN
			RETURN NULL;
		END IF;
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

-- Computes a contact's permits anew.  The contact must be locked: what another
-- transaction is about to commit would otherwise be missing from them.
CREATE FUNCTION assent.repack(p_contact bigint)
RETURNS void LANGUAGE sql SET search_path = assent, pg_temp AS $$
	INSERT INTO permit (key, packed)
	SELECT key, pack(contact_id, kind) FROM endpoint
	WHERE contact_id = p_contact
	ON CONFLICT (key) DO UPDATE SET packed = excluded.packed
	WHERE permit.packed <> excluded.packed
$$;

-- A consent changed by hand is computed and distrusted like any other.
CREATE FUNCTION assent.repack_all(p_contacts bigint[])
RETURNS void LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM FROM contact WHERE id = ANY (p_contacts) ORDER BY id FOR UPDATE;
	PERFORM repack(id) FROM unnest(p_contacts) AS id;
END $$;

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
	PERFORM repack_all(array_agg(contact_id)) FROM (
		SELECT contact_id FROM before UNION SELECT contact_id FROM changed
	) AS c;
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

-- The contact who has an address, locked until the end of the transaction;
-- made if there is none.  The lock on the key keeps two transactions from
-- making two.
CREATE FUNCTION assent.contact_of(p_key assent.address_key,
	p_kind assent.endpoint_kind, p_canonical text, p_original text)
RETURNS bigint LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	who bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended(encode(p_key, 'hex'), 0));
	SELECT contact_id INTO who FROM endpoint WHERE key = p_key;
	IF who IS NULL THEN
		INSERT INTO contact DEFAULT VALUES RETURNING id INTO who;
		INSERT INTO endpoint (key, contact_id, kind, canonical, original)
		VALUES (p_key, who, p_kind, p_canonical, p_original);
	ELSE
		PERFORM FROM contact WHERE id = who FOR UPDATE;
	END IF;
	RETURN who;
END $$;

-- A consent row after an act; the pure heart of the rules.
CREATE FUNCTION assent.after(c assent.consent, p_act assent.act,
	p_at timestamptz, p_expires timestamptz)
RETURNS assent.consent LANGUAGE plpgsql IMMUTABLE
SET search_path = assent, pg_temp AS $$
DECLARE
	-- Of a state set by hand, since is all there is.
	withdrawn_at timestamptz := coalesce(c.withdrawn_at,
		CASE WHEN c.state = 'withdrawn' THEN c.since END);
BEGIN
	IF p_act IN ('pend', 'grant') AND p_at < withdrawn_at THEN
		RAISE EXCEPTION 'withdrawn on %, after this consent of %',
			withdrawn_at, p_at
			USING HINT = 'a newer consent is needed';
	END IF;
	CASE p_act
	WHEN 'pend' THEN
		-- Asking again takes nothing away from who has agreed.
		IF c.state NOT IN ('granted', 'pending') THEN
			c.state := 'pending';
			c.since := p_at;
		END IF;
	WHEN 'grant' THEN
		-- An older proof changes nothing; a newer one renews.
		IF c.state <> 'granted' OR p_at > c.since THEN
			c.state := 'granted';
			c.since := p_at;
			c.expires_at := p_expires;
		END IF;
	WHEN 'withdraw' THEN
		-- Saying it again counts from the last time.
		IF withdrawn_at IS NULL OR p_at > withdrawn_at THEN
			c.withdrawn_at := p_at;
		END IF;
		IF c.state <> 'withdrawn' THEN
			c.state := 'withdrawn';
			c.since := p_at;
			c.expires_at := NULL;
		END IF;
	WHEN 'object' THEN
		c.objected := true;
	WHEN 'lift-objection' THEN
		c.objected := false;
	WHEN 'restrict' THEN
		c.restricted := true;
	WHEN 'lift-restriction' THEN
		c.restricted := false;
	END CASE;
	RETURN c;
END $$;

-- Applies an act to one pair. Whether it changed anything.
CREATE FUNCTION assent.apply(p_contact bigint, p_purpose int,
	p_channel assent.channel, p_act assent.act, p_at timestamptz,
	p_expires timestamptz, p_source text, p_fields jsonb)
RETURNS boolean LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	old consent;
	new consent;
BEGIN
	SELECT * INTO old FROM consent WHERE contact_id = p_contact
		AND purpose_id = p_purpose AND channel = p_channel;
	IF NOT FOUND THEN
		old := (p_contact, p_purpose, p_channel, 'none', false, false,
			'-infinity', NULL, 0, NULL);
	END IF;
	new := after(old, p_act, p_at, p_expires);
	IF new IS NOT DISTINCT FROM old THEN
		RETURN false;
	END IF;
	-- A link may be clicked any number of times: once a day is recorded.
	IF p_act = 'withdraw' AND old.state = 'withdrawn' AND EXISTS (
		SELECT FROM event WHERE id = old.event_id
			AND act = 'withdraw' AND at > p_at - interval '1 day') THEN
		UPDATE consent SET withdrawn_at = new.withdrawn_at
		WHERE contact_id = p_contact AND purpose_id = p_purpose
			AND consent.channel = p_channel;
		RETURN false;
	END IF;
	new.event_id := record(p_act, p_contact, p_purpose, p_channel, p_at,
		p_expires, p_source, p_fields);
	-- A flag on a pair that never had a state dates from its act.
	IF new.since = '-infinity' THEN
		new.since := p_at;
	END IF;
	INSERT INTO consent SELECT new.*
	ON CONFLICT (contact_id, purpose_id, channel) DO UPDATE SET
		state = excluded.state, objected = excluded.objected,
		restricted = excluded.restricted, since = excluded.since,
		expires_at = excluded.expires_at, event_id = excluded.event_id,
		withdrawn_at = excluded.withdrawn_at;
	RETURN true;
END $$;

-- Applies an act to one pair of one address, or (p_purpose NULL) to all pairs
-- the contact has.  Returns the permits that the cache must now hold, and
-- whether anything changed.
CREATE FUNCTION assent.change(p_marked text, p_act assent.act,
	p_key bytea, p_kind assent.endpoint_kind, p_canonical text,
	p_original text, p_purpose int, p_channel assent.channel,
	p_at timestamptz, p_expires timestamptz, p_source text, p_fields jsonb)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	who bigint;
	did boolean := false;
	pair record;
BEGIN
	PERFORM set_config('assent.marked', coalesce(p_marked, ''), true);
	-- Only giving needs the channel: whatever is, may be taken away.
	IF p_act IN ('pend', 'grant') AND p_purpose IS NOT NULL AND NOT EXISTS (
		SELECT FROM purpose
		WHERE id = p_purpose AND p_channel = ANY (channels)) THEN
		RAISE EXCEPTION 'this purpose does not use the channel %', p_channel;
	END IF;
	p_at := coalesce(p_at, now());
	IF p_at > now() + interval '1 minute' THEN
		RAISE EXCEPTION 'the act''s date, %, is in the future', p_at;
	END IF;
	who := contact_of(p_key, p_kind, p_canonical, p_original);
	FOR pair IN
		SELECT p_purpose AS purpose, p_channel AS channel
		WHERE p_purpose IS NOT NULL
		UNION ALL
		SELECT purpose_id, channel FROM consent
		WHERE p_purpose IS NULL AND contact_id = who
		ORDER BY 1, 2
	LOOP
		did := apply(who, pair.purpose, pair.channel, p_act, p_at,
			p_expires, p_source, p_fields) OR did;
	END LOOP;
	-- What changed was packed by consent's trigger; a new address was not.
	IF NOT did THEN
		PERFORM repack(who);
	END IF;
	RETURN QUERY SELECT e.key::bytea, p.packed, did
		FROM endpoint e JOIN permit p ON p.key = e.key
		WHERE e.contact_id = who;
END $$;

-- Withdraws one pair of whoever has the address of `p_key`, which is all that
-- a link knows.  Nobody has it: no rows.
CREATE FUNCTION assent.opt_out(p_marked text, p_key bytea, p_purpose int,
	p_channel assent.channel, p_source text, p_fields jsonb)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT c.* FROM endpoint e, purpose u, LATERAL
		change(p_marked, 'withdraw', e.key, e.kind, e.canonical, e.original,
			u.id, p_channel, NULL, NULL, p_source, p_fields) AS c
		WHERE e.key = p_key AND u.id = p_purpose;
END $$;

CREATE FUNCTION assent.brand_add(p_slug text, p_name text)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	brand int;
BEGIN
	INSERT INTO brand (slug, name) VALUES (p_slug, p_name)
	ON CONFLICT (slug) DO NOTHING RETURNING id INTO brand;
	IF brand IS NULL THEN
		RAISE EXCEPTION 'there is a brand "%" already', p_slug;
	END IF;
	RETURN brand;
END $$;

CREATE FUNCTION assent.purpose_add(p_brand text, p_slug text, p_title text,
	p_channels assent.channel[])
RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	brand int;
	purpose int;
BEGIN
	SELECT id INTO brand FROM brand WHERE slug = p_brand;
	IF brand IS NULL THEN
		RAISE EXCEPTION 'there is no brand "%"', p_brand
			USING HINT = 'assentctl brand add makes it';
	END IF;
	INSERT INTO purpose (brand_id, slug, title, channels)
	VALUES (brand, p_slug, p_title, p_channels)
	ON CONFLICT (brand_id, slug) DO NOTHING RETURNING id INTO purpose;
	IF purpose IS NULL THEN
		RAISE EXCEPTION 'brand "%" has a purpose "%" already', p_brand, p_slug;
	END IF;
	RETURN purpose;
END $$;
