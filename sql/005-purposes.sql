-- SPDX-License-Identifier: ISC
--
-- purposes - brands and purposes in trees, and what stands where
--
-- A grant covers what is below it, a withdrawal withdraws it, and two kinds
-- of dependency tie purposes of different branches together.  All of that is
-- computed in assent.standings, whenever something changes; a permit
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

-- All of that in one look, and what a permit needs to know of both.
CREATE TABLE assent.bearing (
	on_id        int NOT NULL REFERENCES assent.purpose,
	purpose_id   int NOT NULL REFERENCES assent.purpose,
	distance     int,
	on_basis     assent.legal_basis NOT NULL,
	on_validity  interval,
	basis        assent.legal_basis NOT NULL,
	validity     interval,
	channels     assent.channel[] NOT NULL,
	needs        int[]
);
CREATE INDEX bearing_on ON assent.bearing (on_id);
CREATE INDEX bearing_implied ON assent.bearing (purpose_id)
	WHERE distance = 0 AND basis IN ('contract', 'legitimate-interest');
COMMENT ON TABLE assent.bearing IS
	'What is on record for on_id bears on purpose_id, which is below it or, without a distance, left with it';

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

-- Notes what bears on purposes.
CREATE FUNCTION assent.bear(p_purposes int[])
RETURNS void LANGUAGE sql SET search_path = assent, pg_temp AS $$
	INSERT INTO bearing
	SELECT o.id, p.id, b.distance, o.legal_basis, o.validity,
		p.legal_basis, p.validity, p.channels,
		(SELECT array_agg(needed_id) FROM needed WHERE purpose_id = p.id)
	FROM (SELECT ancestor_id AS on_id, purpose_id, distance FROM lineage
		UNION ALL SELECT left_id, purpose_id, NULL FROM left_with) AS b
	JOIN purpose o ON o.id = b.on_id JOIN purpose p ON p.id = b.purpose_id
	WHERE p.id = ANY (p_purposes)
$$;

-- Follows everything anew.  Two of these wait for each other.
CREATE FUNCTION assent.follow()
RETURNS void LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM refuse_circle('requires');
	PERFORM refuse_circle('withdraws');
	DELETE FROM lineage;
	DELETE FROM left_with;
	DELETE FROM needed;
	DELETE FROM bearing;
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
	PERFORM bear(array_agg(id)) FROM purpose;
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
	PERFORM bear(ARRAY[NEW.id]);
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
	SELECT CASE p_kind
		WHEN 'email' THEN '{email}'::assent.channel[]
		WHEN 'postal' THEN '{paper}'
		WHEN 'device' THEN '{push}'
		WHEN 'im' THEN '{im}'
		WHEN 'phone' THEN '{sms,voice,phone}' END
$$;

-- Ends what assent.outdate began, unless it began again meanwhile.
CREATE FUNCTION assent.repacked(p_generation uuid)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	DELETE FROM outdated WHERE generation = p_generation;
	RETURN FOUND;
END $$;

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

-- Permits of before are the same under these rules: nothing had a parent.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
GRANT SELECT ON assent.dependency, assent.purpose_text, assent.lineage,
	assent.left_with, assent.needed, assent.bearing, assent.outdated
	TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.kind_channels, assent.purpose_name,
	assent.brand_add, assent.purpose_depend, assent.text_add,
	assent.repacked TO assent_operator;
