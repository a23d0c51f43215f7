-- SPDX-License-Identifier: ISC
--
-- purposes - brands and purposes in trees, and what stands where
--
-- A grant covers what is below it, a withdrawal withdraws it, and two kinds
-- of dependency tie purposes of different branches together.  All of that is
-- computed here, in assent.effective, whenever something changes; a permit
-- holds the result.

CREATE TYPE assent.legal_basis AS ENUM
	('consent', 'soft-opt-in', 'contract', 'legitimate-interest');
CREATE TYPE assent.opt AS ENUM ('single', 'double');
CREATE TYPE assent.dependency_kind AS ENUM ('withdraws', 'requires');
ALTER TYPE assent.act ADD VALUE 'suspend';
ALTER TYPE assent.act ADD VALUE 'unsuspend';

ALTER TABLE assent.brand
	ADD parent_id int REFERENCES assent.brand CHECK (parent_id <> id);
COMMENT ON COLUMN assent.brand.parent_id IS 'The company above it';

ALTER TABLE assent.purpose
	ADD parent_id int REFERENCES assent.purpose CHECK (parent_id <> id),
	ADD legal_basis assent.legal_basis NOT NULL DEFAULT 'consent',
	ADD validity interval CHECK (validity > interval '0'),
	ADD opt_in assent.opt NOT NULL DEFAULT 'single',
	ADD opt_out assent.opt NOT NULL DEFAULT 'single';
COMMENT ON COLUMN assent.purpose.parent_id IS
	'What it is a part of; of a root, the root of the company above';
COMMENT ON COLUMN assent.purpose.validity IS
	'How long a grant holds that does not say it itself';

ALTER TABLE assent.consent
	ADD suspended_at timestamptz CHECK (isfinite(suspended_at)),
	ADD CHECK (isfinite(withdrawn_at));
COMMENT ON COLUMN assent.consent.suspended_at IS
	'Since when bounces or complaints stop it';

CREATE TABLE assent.dependency (
	purpose_id  int NOT NULL REFERENCES assent.purpose,
	kind        assent.dependency_kind NOT NULL,
	on_purpose  int NOT NULL REFERENCES assent.purpose
	            CHECK (on_purpose <> purpose_id),
	PRIMARY KEY (purpose_id, kind, on_purpose)
);
COMMENT ON TABLE assent.dependency IS
	'Leaving purpose_id leaves on_purpose too; or it counts only while on_purpose does';

CREATE TABLE assent.purpose_text (
	id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	purpose_id  int NOT NULL REFERENCES assent.purpose,
	language    text NOT NULL CHECK (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
	version     int NOT NULL CHECK (version > 0),
	title       text NOT NULL CHECK (title <> ''),
	body        text NOT NULL CHECK (body <> ''),
	created_at  timestamptz NOT NULL DEFAULT now(),
	UNIQUE (purpose_id, language, version)
);
COMMENT ON TABLE assent.purpose_text IS 'What people read when they agree';

ALTER TABLE assent.event ADD text_id int REFERENCES assent.purpose_text;
COMMENT ON COLUMN assent.event.text_id IS 'The text that was shown';
CREATE INDEX event_text ON assent.event (text_id) WHERE text_id IS NOT NULL;

-- The trees and dependencies followed to their ends, kept by triggers, so that
-- computing a permit follows nothing.
CREATE TABLE assent.lineage (
	purpose_id   int NOT NULL REFERENCES assent.purpose,
	distance     int NOT NULL,
	ancestor_id  int NOT NULL REFERENCES assent.purpose,
	PRIMARY KEY (purpose_id, distance)
);
CREATE INDEX lineage_below ON assent.lineage (ancestor_id);
COMMENT ON TABLE assent.lineage IS 'A purpose (distance 0) and all above it';

CREATE TABLE assent.left_with (
	purpose_id  int NOT NULL REFERENCES assent.purpose,
	left_id     int NOT NULL REFERENCES assent.purpose,
	PRIMARY KEY (left_id, purpose_id)
);
COMMENT ON TABLE assent.left_with IS
	'Leaving left_id, which is not above purpose_id, leaves purpose_id';

CREATE TABLE assent.needed (
	purpose_id  int NOT NULL REFERENCES assent.purpose,
	needed_id   int NOT NULL REFERENCES assent.purpose,
	PRIMARY KEY (purpose_id, needed_id)
);
COMMENT ON TABLE assent.needed IS
	'All that it, or what it is a part of, requires, at whatever remove';

-- One row while permits are not what the trees say: some may still grant what
-- the last change took away.
CREATE TABLE assent.outdated (
	single      boolean PRIMARY KEY DEFAULT true CHECK (single),
	generation  uuid NOT NULL DEFAULT gen_random_uuid(),
	since       timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION assent.purpose_name(p_purpose int)
RETURNS text LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	SELECT b.slug || '/' || p.slug FROM purpose p
	JOIN brand b ON b.id = p.brand_id WHERE p.id = p_purpose
$$;

-- Permits have to be computed anew.
CREATE FUNCTION assent.outdate()
RETURNS void LANGUAGE sql SET search_path = assent, pg_temp AS $$
	INSERT INTO outdated DEFAULT VALUES ON CONFLICT (single)
	DO UPDATE SET generation = excluded.generation
$$;

-- What bears on a purpose, one step each: what it is a part of, and what it
-- requires or is left with.
CREATE FUNCTION assent.steps(p_kind assent.dependency_kind)
RETURNS TABLE (purpose int, bears int)
LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp AS $$
BEGIN
	RETURN QUERY
	SELECT id, parent_id FROM purpose WHERE parent_id IS NOT NULL
	UNION
	SELECT purpose_id, on_purpose FROM dependency
	WHERE kind = 'requires' AND p_kind = 'requires'
	UNION
	SELECT on_purpose, purpose_id FROM dependency
	WHERE kind = 'withdraws' AND p_kind = 'withdraws';
END $$;

-- The same at any remove; every purpose bears on itself.
CREATE FUNCTION assent.reach(p_kind assent.dependency_kind)
RETURNS TABLE (purpose int, bears int)
LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	WITH RECURSIVE step AS MATERIALIZED (
		SELECT * FROM steps(p_kind)
	), reached AS (
		SELECT id AS purpose, id AS bears FROM purpose
		UNION
		SELECT r.purpose, s.bears FROM reached r
		JOIN step s ON s.purpose = r.bears
	)
	SELECT * FROM reached
$$;

-- Refuses a circle of purposes, and names those in it.
CREATE FUNCTION assent.refuse_circle(p_kind assent.dependency_kind)
RETURNS void LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	start  int;
	at     int;
	names  text;
BEGIN
	SELECT s.purpose, s.bears INTO start, at FROM steps(p_kind) s
	JOIN reach(p_kind) r ON r.purpose = s.bears AND r.bears = s.purpose
	ORDER BY 1, 2 LIMIT 1;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	names := purpose_name(start);
	WHILE at <> start LOOP
		names := names || ', ' || purpose_name(at);
		SELECT min(s.bears) INTO at FROM steps(p_kind) s
		JOIN reach(p_kind) r ON r.purpose = s.bears AND r.bears = start
		WHERE s.purpose = at;
	END LOOP;
	RAISE EXCEPTION 'this would go in a circle: %, %', names,
		purpose_name(start);
END $$;

-- A dependency on what does not use the channel could never be met.
CREATE FUNCTION assent.refuse_unmet()
RETURNS void LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	unmet record;
BEGIN
	SELECT purpose_name(p.id) AS purpose, purpose_name(q.id) AS needed,
		c.channel INTO unmet
	FROM needed n JOIN purpose p ON p.id = n.purpose_id
	JOIN purpose q ON q.id = n.needed_id
	CROSS JOIN LATERAL unnest(p.channels) AS c (channel)
	WHERE c.channel <> ALL (q.channels) LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION '% requires %, which does not use the channel %',
			unmet.purpose, unmet.needed, unmet.channel;
	END IF;
END $$;

-- Follows everything anew.  Two of these wait for each other.
CREATE FUNCTION assent.follow()
RETURNS void LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM refuse_circle('requires');
	PERFORM refuse_circle('withdraws');
	DELETE FROM lineage;
	DELETE FROM left_with;
	DELETE FROM needed;
	WITH RECURSIVE up AS (
		SELECT id AS purpose, 0 AS distance, id AS ancestor FROM purpose
		UNION ALL
		SELECT up.purpose, up.distance + 1, p.parent_id
		FROM up JOIN purpose p ON p.id = up.ancestor
		WHERE p.parent_id IS NOT NULL
	)
	INSERT INTO lineage SELECT * FROM up;
	INSERT INTO left_with SELECT purpose, bears FROM reach('withdraws')
	EXCEPT SELECT purpose_id, ancestor_id FROM lineage;
	INSERT INTO needed SELECT DISTINCT r.purpose, d.on_purpose
	FROM reach('requires') r JOIN dependency d ON d.purpose_id = r.bears
	WHERE d.kind = 'requires';
	PERFORM refuse_unmet();
END $$;

CREATE FUNCTION assent.structure_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('assent.purpose', 0));
	PERFORM follow();
	PERFORM outdate();
	RETURN NULL;
END $$;

CREATE FUNCTION assent.root_of(p_brand int)
RETURNS int LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	SELECT id FROM purpose WHERE brand_id = p_brand AND slug = 'all'
$$;

-- The place of a purpose: within its brand, below the root if nothing else is
-- said; a root is where its brand is.
CREATE FUNCTION assent.purpose_placed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND (NEW.id, NEW.brand_id, NEW.slug)
		IS DISTINCT FROM (OLD.id, OLD.brand_id, OLD.slug) THEN
		RAISE EXCEPTION 'purpose % keeps its number, brand and name',
			purpose_name(OLD.id);
	END IF;
	IF NEW.slug = 'all' THEN
		NEW.parent_id := root_of((SELECT parent_id FROM brand
			WHERE id = NEW.brand_id));
		RETURN NEW;
	END IF;
	NEW.parent_id := coalesce(NEW.parent_id, root_of(NEW.brand_id));
	IF NOT EXISTS (SELECT FROM purpose
		WHERE id = NEW.parent_id AND brand_id = NEW.brand_id) THEN
		RAISE EXCEPTION 'purpose "%" and what it is a part of must belong to one brand',
			NEW.slug;
	END IF;
	RETURN NEW;
END $$;

CREATE TRIGGER placed BEFORE INSERT OR UPDATE ON assent.purpose
	FOR EACH ROW EXECUTE FUNCTION assent.purpose_placed();

-- A new purpose has nothing below it: what bears on its parent bears on it.
CREATE FUNCTION assent.purpose_added() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('assent.purpose', 0));
	INSERT INTO lineage VALUES (NEW.id, 0, NEW.id);
	INSERT INTO lineage SELECT NEW.id, distance + 1, ancestor_id
	FROM lineage WHERE purpose_id = NEW.parent_id;
	INSERT INTO left_with SELECT NEW.id, left_id
	FROM left_with WHERE purpose_id = NEW.parent_id;
	INSERT INTO needed SELECT NEW.id, needed_id
	FROM needed WHERE purpose_id = NEW.parent_id;
	PERFORM refuse_unmet();
	IF EXISTS (SELECT FROM consent WHERE purpose_id IN
		(SELECT ancestor_id FROM lineage WHERE purpose_id = NEW.id))
		OR (NEW.legal_basis IN ('contract', 'legitimate-interest')
		AND EXISTS (SELECT FROM contact)) THEN
		PERFORM outdate();
	END IF;
	RETURN NULL;
END $$;

CREATE TRIGGER added AFTER INSERT ON assent.purpose
	FOR EACH ROW EXECUTE FUNCTION assent.purpose_added();
CREATE TRIGGER changed AFTER UPDATE OF parent_id, channels, legal_basis, validity
	ON assent.purpose
	FOR EACH STATEMENT EXECUTE FUNCTION assent.structure_changed();
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON assent.dependency
	FOR EACH STATEMENT EXECUTE FUNCTION assent.structure_changed();

-- Every brand has a root purpose, which is where the brand is.
CREATE FUNCTION assent.brand_placed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
DECLARE
	circle text;
BEGIN
	WITH RECURSIVE up AS (
		SELECT id, parent_id, ARRAY[slug::text] AS names FROM brand
		WHERE id = NEW.id
		UNION ALL
		SELECT b.id, b.parent_id, names || b.slug::text
		FROM up JOIN brand b ON b.id = up.parent_id
		WHERE up.id <> NEW.id OR cardinality(names) = 1
	)
	SELECT array_to_string(names, ', ') INTO circle FROM up
	WHERE id = NEW.id AND cardinality(names) > 1;
	IF FOUND THEN
		RAISE EXCEPTION 'brands would go in a circle: %', circle;
	END IF;
	IF TG_OP = 'INSERT' THEN
		INSERT INTO purpose (brand_id, slug, title, channels)
		VALUES (NEW.id, 'all', NEW.name, enum_range(NULL::channel));
	ELSE
		UPDATE purpose SET parent_id = NULL
		WHERE brand_id = NEW.id AND slug = 'all';
	END IF;
	RETURN NULL;
END $$;

INSERT INTO assent.purpose (brand_id, slug, title, channels)
SELECT id, 'all', name, enum_range(NULL::assent.channel) FROM assent.brand;
UPDATE assent.purpose SET parent_id = NULL;
DELETE FROM assent.outdated;

CREATE TRIGGER placed AFTER INSERT OR UPDATE OF parent_id ON assent.brand
	FOR EACH ROW EXECUTE FUNCTION assent.brand_placed();

-- A text that somebody agreed to says for ever what it said.
CREATE FUNCTION assent.text_fixed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT FROM event WHERE text_id = OLD.id) THEN
		RAISE EXCEPTION 'somebody agreed to version % (%) of %: it cannot be changed',
			OLD.version, OLD.language, purpose_name(OLD.purpose_id)
			USING HINT = 'add a new version';
	END IF;
	RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER fixed BEFORE UPDATE OR DELETE ON assent.purpose_text
	FOR EACH ROW EXECUTE FUNCTION assent.text_fixed();

-- What channel_kind says, the other way round.
CREATE FUNCTION assent.kind_channels(p_kind assent.endpoint_kind)
RETURNS assent.channel[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT (CASE p_kind
		WHEN 'email' THEN '{email}'
		WHEN 'postal' THEN '{paper}'
		WHEN 'device' THEN '{push}'
		WHEN 'im' THEN '{im}'
		WHEN 'phone' THEN '{sms,voice,phone}' END)::assent.channel[]
$$;

-- Where every purpose and channel of one kind stands for a contact, by these
-- rules, of which the least permissive wins:
--
-- - An objection, a restriction or a suspension holds for all below it.
-- - A grant covers all below it, unless something above it was left at the same
--   time or later; or something that the purpose is left with.
-- - The nearest above or at the purpose decides: such a grant, a withdrawal,
--   or a request that waits for confirmation after a withdrawal.  Another
--   request takes nothing from a grant above it, but a soft opt-in is less
--   than a request.
-- - Contract and legitimate interest need no grant.
-- - A grant ends when it says so, or after its purpose's validity; what it
--   covers, no later than after its own validity.
-- - What a purpose requires must stand as well as it does itself.
--
-- Planning takes longer than running, so it is done once a session, and with
-- the indexes that big tables will need.
-- `distance` is how far up the row is that decides, NULL when it is none;
-- `required` the purpose required that decides, if it is one.
CREATE FUNCTION assent.effective(p_contact bigint, p_kind assent.endpoint_kind)
RETURNS TABLE (purpose int, channel assent.channel, standing int,
	expires timestamptz, distance int, required int)
LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
	asked channel[] := kind_channels(p_kind);
BEGIN
	RETURN QUERY
	WITH own AS MATERIALIZED (
		SELECT c.purpose_id, c.channel, c.state, c.objected, c.restricted,
			c.suspended_at IS NOT NULL AS suspended, c.since,
			coalesce(c.expires_at, c.since + p.validity) AS ends,
			CASE WHEN c.state = 'withdrawn'
				THEN greatest(c.since, c.withdrawn_at)
				ELSE c.withdrawn_at END AS left_at,
			p.legal_basis = 'soft-opt-in' AS soft
		FROM consent c JOIN purpose p ON p.id = c.purpose_id
		WHERE c.contact_id = p_contact AND c.channel = ANY (asked)
	), leaving AS (
		SELECT w.purpose_id, o.channel, max(o.left_at) AS left_at
		FROM own o JOIN left_with w ON w.left_id = o.purpose_id
		WHERE o.left_at IS NOT NULL GROUP BY 1, 2
	), above AS (
		SELECT l.purpose_id, l.distance, o.channel, o.state, o.objected,
			o.restricted, o.suspended, o.since, o.ends, o.left_at, o.soft,
			max(o.left_at) OVER (PARTITION BY l.purpose_id, o.channel
				ORDER BY l.distance DESC
				ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
				AS left_above
		FROM own o JOIN lineage l ON l.ancestor_id = o.purpose_id
	), counted AS (
		SELECT a.*, a.state = 'granted' AND coalesce(
			a.since > greatest(a.left_above, v.left_at), true) AS counts
		FROM above a LEFT JOIN leaving v USING (purpose_id, channel)
	), decided AS (
		SELECT c.*, min(c.distance) FILTER (WHERE c.counts
			OR c.state = 'withdrawn'
			OR (c.state = 'pending' AND c.left_at IS NOT NULL))
			OVER (PARTITION BY c.purpose_id, c.channel) AS first
		FROM counted c
	), summed AS (
		SELECT purpose_id, channel, bool_or(distance = 0) AS recorded,
			min(distance) FILTER (WHERE objected) AS objected,
			min(distance) FILTER (WHERE restricted) AS restricted,
			min(distance) FILTER (WHERE suspended) AS suspended,
			min(distance) FILTER (WHERE state = 'pending') AS pending,
			min(distance) FILTER (WHERE state = 'granted' AND NOT counts)
				AS ended,
			min(first) AS first,
			max(state) FILTER (WHERE distance = first) AS state,
			max(since) FILTER (WHERE distance = first) AS since,
			max(ends) FILTER (WHERE distance = first) AS ends,
			bool_or(soft) FILTER (WHERE distance = first) AS soft
		FROM decided GROUP BY 1, 2
	), implied AS (
		SELECT p.id AS purpose_id, c.channel
		FROM purpose p CROSS JOIN LATERAL unnest(p.channels) AS c (channel)
		WHERE p.legal_basis IN ('contract', 'legitimate-interest')
			AND c.channel = ANY (asked)
	), pair AS (
		SELECT purpose_id, channel FROM summed
		UNION
		SELECT purpose_id, channel FROM implied
	), judged AS (
		SELECT k.purpose_id, k.channel,
			CASE WHEN s.objected IS NOT NULL THEN 4
			WHEN s.restricted IS NOT NULL THEN 5
			WHEN s.state = 'withdrawn' OR (s.first IS NULL
				AND s.ended IS NOT NULL) THEN 3
			WHEN i.purpose_id IS NOT NULL AND s.first IS NULL
				AND v.left_at IS NOT NULL THEN 3
			WHEN s.suspended IS NOT NULL THEN 6
			WHEN s.state = 'pending' THEN 1
			WHEN i.purpose_id IS NOT NULL THEN 2
			WHEN s.state = 'granted' THEN
				CASE WHEN s.soft AND s.pending < s.first
				THEN 1 ELSE 2 END
			WHEN s.pending IS NOT NULL THEN 1
			ELSE 0 END AS standing,
			CASE WHEN s.state = 'granted' AND i.purpose_id IS NULL THEN
				CASE WHEN s.first = 0 THEN s.ends
				ELSE least(s.ends, s.since + p.validity) END
			END AS expires,
			coalesce(s.objected, s.restricted,
				CASE WHEN s.state = 'withdrawn' THEN s.first END,
				CASE WHEN s.first IS NULL THEN s.ended END, s.suspended,
				CASE WHEN s.soft AND s.pending < s.first
					AND i.purpose_id IS NULL THEN s.pending END,
				s.first,
				CASE WHEN i.purpose_id IS NULL THEN s.pending END)
				AS distance,
			coalesce(s.recorded, false) OR k.channel = ANY (p.channels)
				AS used
		FROM pair k JOIN purpose p ON p.id = k.purpose_id
		LEFT JOIN summed s USING (purpose_id, channel)
		LEFT JOIN implied i USING (purpose_id, channel)
		LEFT JOIN leaving v USING (purpose_id, channel)
	), ranked AS (
		-- The higher the less permissive; what ends is known to the reader.
		SELECT j.*, (ARRAY[1, 2, 0, 4, 6, 5, 3])[j.standing + 1] AS rank,
			CASE WHEN j.standing IN (2, 6) THEN j.expires END AS ends
		FROM judged j
	), demanded AS (
		SELECT DISTINCT ON (j.purpose_id, j.channel) j.purpose_id, j.channel,
			coalesce(q.rank, 1) AS rank, n.needed_id,
			min(q.ends) OVER (PARTITION BY j.purpose_id, j.channel) AS ends
		FROM ranked j JOIN needed n ON n.purpose_id = j.purpose_id
		LEFT JOIN ranked q ON q.purpose_id = n.needed_id
			AND q.channel = j.channel
		ORDER BY j.purpose_id, j.channel, coalesce(q.rank, 1) DESC,
			n.needed_id
	)
	SELECT r.purpose_id, r.channel, f.standing,
		CASE WHEN f.standing IN (2, 6) THEN least(r.ends, d.ends) END,
		r.distance,
		CASE WHEN d.rank > r.rank OR d.ends < coalesce(r.ends, 'infinity')
			THEN d.needed_id END
	FROM ranked r LEFT JOIN demanded d USING (purpose_id, channel)
	CROSS JOIN LATERAL (SELECT (ARRAY[2, 0, 1, 6, 3, 5, 4])
		[greatest(r.rank, d.rank) + 1] AS standing) AS f
	WHERE r.used AND r.standing <> 0;
END $$;

-- The permit of a contact's endpoints of one kind (policy/permit.h).
CREATE OR REPLACE FUNCTION assent.pack(p_contact bigint,
	p_kind assent.endpoint_kind)
RETURNS bytea LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off AS $$
BEGIN
	RETURN (
	WITH pair AS MATERIALIZED (
		SELECT purpose, standing, array_position(enum_range(NULL::channel),
				channel) - 1 AS channel,
			-- 32 bits of seconds; rounded down, least permissive.
			CASE WHEN expires IS NOT NULL THEN
				least(greatest(floor(extract(epoch FROM expires)), 1),
				4294967295)::bigint END AS expires
		FROM effective(p_contact, p_kind) AS e
		WHERE standing <> 0
	), numbered AS (
		-- An octet numbers them. Of more than 255, neighbours share the
		-- earlier one: least permissive.
		SELECT expires, ntile(255) OVER (ORDER BY expires) AS number
		FROM (SELECT DISTINCT expires FROM pair WHERE expires IS NOT NULL)
			AS e
	), expiry AS (
		SELECT number, min(expires) AS expires FROM numbered GROUP BY number
	)
	SELECT '\x0100'::bytea
		|| substring(int4send((SELECT count(*)::int FROM expiry)) FROM 4)
		|| coalesce((SELECT string_agg(substring(int8send(expires) FROM 5),
			'' ORDER BY number) FROM expiry), '')
		|| coalesce((SELECT string_agg(
			substring(int4send(purpose) FROM 3)
			|| substring(int4send(channel << 4 | standing) FROM 4)
			|| substring(int4send(coalesce(number, 0)::int) FROM 4),
			'' ORDER BY purpose, channel)
			FROM pair LEFT JOIN numbered USING (expires)), ''));
END $$;

-- Computes the permits of the next p_count contacts after p_after anew.
-- `last` is NULL when there were none.
CREATE FUNCTION assent.repack_batch(p_after bigint, p_count int,
	OUT last bigint, OUT contacts bigint, OUT permits bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
DECLARE
	who bigint[];
BEGIN
	PERFORM set_config('assent.marked', '', true);
	SELECT array_agg(id), max(id), count(*) INTO who, last, contacts
	FROM (SELECT id FROM contact WHERE id > p_after ORDER BY id
		LIMIT p_count FOR NO KEY UPDATE) AS c;
	INSERT INTO permit (key, packed)
	SELECT key, pack(contact_id, kind) FROM endpoint
	WHERE contact_id = ANY (who) ORDER BY key
	ON CONFLICT (key) DO UPDATE SET packed = excluded.packed
	WHERE permit.packed <> excluded.packed;
	GET DIAGNOSTICS permits = ROW_COUNT;
END $$;

-- Ends what assent.outdate began, unless it began again meanwhile.
CREATE FUNCTION assent.repacked(p_generation uuid)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	DELETE FROM outdated WHERE generation = p_generation;
	RETURN FOUND;
END $$;

-- A consent row after an act; the pure heart of the rules.
CREATE OR REPLACE FUNCTION assent.after(c assent.consent, p_act assent.act,
	p_at timestamptz, p_expires timestamptz)
RETURNS assent.consent LANGUAGE plpgsql IMMUTABLE
SET search_path = assent, pg_temp AS $$
DECLARE
	-- Of a state set by hand, since is all there is.
	withdrawn_at timestamptz := greatest(c.withdrawn_at,
		CASE WHEN c.state = 'withdrawn' THEN c.since END);
BEGIN
	IF p_act IN ('pend', 'grant') AND p_at < withdrawn_at THEN
		RAISE EXCEPTION 'withdrawn on %, after this consent of %',
			withdrawn_at, p_at
			USING HINT = 'a newer consent is needed';
	END IF;
	CASE p_act
	WHEN 'pend' THEN
		-- Asking again takes nothing away from who has agreed, and gives
		-- nothing back to who has left.
		IF c.state NOT IN ('granted', 'pending') THEN
			c.state := 'pending';
			c.since := p_at;
			c.withdrawn_at := withdrawn_at;
		END IF;
	WHEN 'grant' THEN
		-- An older proof changes nothing; a newer one renews.
		IF c.state <> 'granted' OR p_at > c.since THEN
			c.state := 'granted';
			c.since := p_at;
			c.expires_at := p_expires;
			c.withdrawn_at := withdrawn_at;
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
	WHEN 'suspend' THEN
		c.suspended_at := coalesce(c.suspended_at, p_at);
	WHEN 'unsuspend' THEN
		c.suspended_at := NULL;
	END CASE;
	RETURN c;
END $$;

-- Whether something that leaving a purpose would leave was granted since.
CREATE FUNCTION assent.granted_since(p_contact bigint, p_purpose int,
	p_channel assent.channel, p_since timestamptz)
RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp AS $$
BEGIN
	RETURN EXISTS (SELECT FROM consent c
		WHERE c.contact_id = p_contact AND c.channel = p_channel
		AND c.state = 'granted' AND c.since >= p_since
		AND (EXISTS (SELECT FROM lineage l WHERE l.ancestor_id = p_purpose
			AND l.purpose_id = c.purpose_id)
		OR EXISTS (SELECT FROM left_with w
			JOIN lineage l ON l.purpose_id = w.purpose_id
			WHERE w.left_id = p_purpose AND l.ancestor_id = c.purpose_id)));
END $$;

-- Applies an act to one pair. Whether it changed anything.
CREATE OR REPLACE FUNCTION assent.apply(p_contact bigint, p_purpose int,
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
			'-infinity', NULL, 0, NULL, NULL);
	END IF;
	new := after(old, p_act, p_at, p_expires);
	IF new IS NOT DISTINCT FROM old THEN
		RETURN false;
	END IF;
	-- A link may be clicked any number of times: once a day is recorded,
	-- unless it takes what was given in between.
	IF p_act = 'withdraw' AND old.state = 'withdrawn' AND EXISTS (
		SELECT FROM event WHERE id = old.event_id
			AND act = 'withdraw' AND at > p_at - interval '1 day')
		AND NOT granted_since(p_contact, p_purpose, p_channel,
			greatest(old.since, old.withdrawn_at)) THEN
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
		suspended_at = excluded.suspended_at,
		withdrawn_at = excluded.withdrawn_at;
	RETURN true;
END $$;

DROP FUNCTION assent.standing;
DROP FUNCTION assent.brand_add;
DROP FUNCTION assent.purpose_add;

CREATE FUNCTION assent.brand_add(p_slug text, p_name text,
	p_parent text DEFAULT NULL)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	above int;
	brand int;
BEGIN
	SELECT id INTO above FROM brand WHERE slug = p_parent;
	IF above IS NULL AND p_parent IS NOT NULL THEN
		RAISE EXCEPTION 'there is no brand "%"', p_parent
			USING HINT = 'assentctl brand add makes it';
	END IF;
	INSERT INTO brand (slug, name, parent_id) VALUES (p_slug, p_name, above)
	ON CONFLICT (slug) DO NOTHING RETURNING id INTO brand;
	IF brand IS NULL THEN
		RAISE EXCEPTION 'there is a brand "%" already', p_slug;
	END IF;
	RETURN brand;
END $$;

-- The number of a purpose of a brand; an error names what there is not.
CREATE FUNCTION assent.purpose_of(p_brand text, p_slug text)
RETURNS int LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp AS $$
DECLARE
	brand int;
	found int;
BEGIN
	SELECT id INTO brand FROM brand WHERE slug = p_brand;
	IF brand IS NULL THEN
		RAISE EXCEPTION 'there is no brand "%"', p_brand
			USING HINT = 'assentctl brand add makes it';
	END IF;
	SELECT id INTO found FROM purpose
	WHERE brand_id = brand AND slug = p_slug;
	IF found IS NULL THEN
		RAISE EXCEPTION 'brand "%" has no purpose "%"', p_brand, p_slug
			USING HINT = 'assentctl purpose add makes it';
	END IF;
	RETURN found;
END $$;

CREATE FUNCTION assent.purpose_add(p_brand text, p_slug text, p_title text,
	p_channels assent.channel[], p_parent text DEFAULT NULL,
	p_basis assent.legal_basis DEFAULT NULL, p_validity interval DEFAULT NULL,
	p_opt_in assent.opt DEFAULT NULL, p_opt_out assent.opt DEFAULT NULL)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	above int := purpose_of(p_brand, coalesce(p_parent, 'all'));
	purpose int;
BEGIN
	INSERT INTO purpose (brand_id, slug, title, channels, parent_id,
		legal_basis, validity, opt_in, opt_out)
	SELECT p.brand_id, p_slug, p_title, p_channels, above,
		coalesce(p_basis, 'consent'), p_validity,
		coalesce(p_opt_in, 'single'), coalesce(p_opt_out, 'single')
	FROM purpose p WHERE p.id = above
	ON CONFLICT (brand_id, slug) DO NOTHING RETURNING id INTO purpose;
	IF purpose IS NULL THEN
		RAISE EXCEPTION 'brand "%" has a purpose "%" already', p_brand, p_slug;
	END IF;
	RETURN purpose;
END $$;

-- What is NULL stays as it is; a validity of zero is none.
CREATE FUNCTION assent.purpose_edit(p_purpose int, p_title text,
	p_channels assent.channel[], p_parent text, p_basis assent.legal_basis,
	p_validity interval, p_opt_in assent.opt, p_opt_out assent.opt)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	old    purpose;
	above  int;
BEGIN
	SELECT * INTO old FROM purpose WHERE id = p_purpose FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no purpose %', p_purpose;
	END IF;
	above := old.parent_id;
	IF p_parent IS NOT NULL THEN
		above := purpose_of((SELECT slug FROM brand WHERE id = old.brand_id),
			p_parent);
	END IF;
	IF old.slug = 'all' AND (p_parent IS NOT NULL OR p_channels IS NOT NULL) THEN
		RAISE EXCEPTION '% is everything its brand says: it cannot be moved, and uses every channel',
			purpose_name(p_purpose);
	END IF;
	UPDATE purpose SET title = coalesce(p_title, title),
		opt_in = coalesce(p_opt_in, opt_in),
		opt_out = coalesce(p_opt_out, opt_out) WHERE id = p_purpose;
	UPDATE purpose SET parent_id = above,
		channels = coalesce(p_channels, channels),
		legal_basis = coalesce(p_basis, legal_basis),
		validity = CASE WHEN p_validity IS NULL THEN validity
			WHEN p_validity > interval '0' THEN p_validity END
	WHERE id = p_purpose AND num_nonnulls(p_channels, p_parent, p_basis,
		p_validity) > 0;
END $$;

-- Whether it changed anything.
CREATE FUNCTION assent.purpose_depend(p_purpose int,
	p_kind assent.dependency_kind, p_on int, p_remove boolean)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	IF p_purpose = p_on THEN
		RAISE EXCEPTION 'this would go in a circle: %, %',
			purpose_name(p_on), purpose_name(p_on);
	END IF;
	IF p_remove THEN
		IF NOT EXISTS (SELECT FROM dependency WHERE purpose_id = p_purpose
			AND kind = p_kind AND on_purpose = p_on) THEN
			RETURN false;
		END IF;
		DELETE FROM dependency WHERE purpose_id = p_purpose
			AND kind = p_kind AND on_purpose = p_on;
		RETURN true;
	END IF;
	IF EXISTS (SELECT FROM dependency WHERE purpose_id = p_purpose
		AND kind = p_kind AND on_purpose = p_on) THEN
		RETURN false;
	END IF;
	INSERT INTO dependency VALUES (p_purpose, p_kind, p_on);
	RETURN true;
END $$;

-- Adds the next version of a text; its number.
CREATE FUNCTION assent.text_add(p_purpose int, p_language text, p_title text,
	p_body text)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	number int;
BEGIN
	PERFORM FROM purpose WHERE id = p_purpose FOR NO KEY UPDATE;
	INSERT INTO purpose_text (purpose_id, language, version, title, body)
	SELECT p_purpose, p_language, coalesce(max(version), 0) + 1, p_title, p_body
	FROM purpose_text WHERE purpose_id = p_purpose AND language = p_language
	RETURNING version INTO number;
	RETURN number;
END $$;

-- Adds many purposes and their texts at once, parents first; how many.
CREATE FUNCTION assent.purposes_add(p_brand text, p_purposes jsonb)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	one     jsonb;
	said    jsonb;
	number  int;
BEGIN
	FOR one IN SELECT * FROM jsonb_array_elements(p_purposes) LOOP
		number := purpose_add(p_brand, one->>'slug', one->>'title',
			(one->>'channels')::channel[], one->>'parent',
			(one->>'basis')::legal_basis);
		FOR said IN SELECT * FROM jsonb_array_elements(one->'texts') LOOP
			PERFORM text_add(number, said->>'language', said->>'title',
				said->>'body');
		END LOOP;
	END LOOP;
	RETURN jsonb_array_length(p_purposes);
END $$;

-- How one purpose came to stand where it does: the purposes above it, nearest
-- last, then what it requires, then what it is left with; each with what is on
-- record for it.  `decides` marks the row that did.
CREATE FUNCTION assent.explain(p_key bytea, p_purpose int,
	p_channel assent.channel)
RETURNS TABLE (relation text, brand text, purpose text, basis assent.legal_basis,
	state assent.state, objected boolean, restricted boolean,
	suspended boolean, since timestamptz, expires timestamptz,
	withdrawn_at timestamptz, event_id bigint, standing int, decides boolean)
LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	who   bigint;
	kind  endpoint_kind := channel_kind(p_channel);
BEGIN
	SELECT contact_id INTO who FROM endpoint WHERE key = p_key;
	RETURN QUERY
	WITH stands AS MATERIALIZED (
		SELECT e.* FROM effective(who, kind) AS e
		WHERE e.channel = p_channel
	), asked AS (
		SELECT distance, required FROM stands WHERE purpose = p_purpose
	), near AS (
		SELECT 1 AS part, -l.distance AS place,
			CASE l.distance WHEN 0 THEN 'own' ELSE 'above' END AS relation,
			l.ancestor_id AS purpose_id, a.distance = l.distance
				AND a.required IS NULL AS decides
		FROM lineage l LEFT JOIN asked a ON true
		WHERE l.purpose_id = p_purpose
		UNION ALL
		SELECT 2, n.needed_id, 'requires', n.needed_id,
			n.needed_id = a.required
		FROM needed n LEFT JOIN asked a ON true
		WHERE n.purpose_id = p_purpose
		UNION ALL
		SELECT 3, w.left_id, 'left with', w.left_id, NULL
		FROM left_with w WHERE w.purpose_id = p_purpose
	)
	SELECT n.relation, b.slug::text, p.slug::text, p.legal_basis,
		coalesce(c.state, 'none'), coalesce(c.objected, false),
		coalesce(c.restricted, false), c.suspended_at IS NOT NULL, c.since,
		s.expires, c.withdrawn_at, c.event_id, coalesce(s.standing, 0),
		coalesce(n.decides, false)
	FROM near n JOIN purpose p ON p.id = n.purpose_id
	JOIN brand b ON b.id = p.brand_id
	LEFT JOIN consent c ON c.contact_id = who
		AND c.purpose_id = n.purpose_id AND c.channel = p_channel
	LEFT JOIN stands s ON s.purpose = n.purpose_id
	ORDER BY n.part, n.place;
END $$;

-- Permits of before are the same under these rules: nothing had a parent.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
GRANT SELECT ON assent.dependency, assent.purpose_text, assent.lineage,
	assent.left_with, assent.needed, assent.outdated TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.effective, assent.kind_channels,
	assent.purpose_name,
	assent.brand_add, assent.purpose_add, assent.purpose_edit,
	assent.purpose_depend, assent.purposes_add, assent.explain,
	assent.text_add, assent.repack_batch,
	assent.repacked TO assent_operator;
