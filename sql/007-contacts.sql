-- SPDX-License-Identifier: ISC
--
-- contacts - who a person is, what each flag rests on, and what overrides
--
-- What is personal about a contact is here, in its endpoints and in the
-- ledger's personal fields, and nowhere else.

CREATE TYPE assent.data_source AS ENUM
	('form', 'import', 'api', 'operator', 'offline', 'partner');
CREATE DOMAIN assent.language AS text
	CHECK (VALUE ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$');

-- "edit" is about a contact, "define" about the trees; an erasure (forgotten,
-- lifted) about a key, and an audience about whoever is in it: 012-erasure.sql.
ALTER TYPE assent.act ADD VALUE 'edit';
ALTER TYPE assent.act ADD VALUE 'define';
ALTER TYPE assent.act ADD VALUE 'forget';
ALTER TYPE assent.act ADD VALUE 'lift-erasure';
ALTER TYPE assent.act ADD VALUE 'audience';
-- A break that a person asks for.
ALTER TYPE assent.act ADD VALUE 'pause';
ALTER TYPE assent.act ADD VALUE 'resume';

ALTER TABLE assent.contact
	ADD language assent.language,
	ADD attributes jsonb NOT NULL DEFAULT '{}'
		CHECK (jsonb_typeof(attributes) = 'object'
			AND octet_length(attributes::text) <= 65536),
	ADD source assent.data_source,
	ADD source_name text CHECK (source_name <> ''),
	ADD disclaimer text CHECK (disclaimer <> ''),
	ADD disclaimer_at timestamptz CHECK (isfinite(disclaimer_at)),
	ADD CHECK ((disclaimer IS NULL) = (disclaimer_at IS NULL));
COMMENT ON COLUMN assent.contact.source IS 'Where the data came from';
COMMENT ON COLUMN assent.contact.disclaimer IS
	'The version of the terms that the person accepted last';

-- Each flag has its date, and the event that set or lifted it last.
ALTER TABLE assent.consent
	ADD objected_at timestamptz CHECK (isfinite(objected_at)),
	ADD restricted_at timestamptz CHECK (isfinite(restricted_at)),
	ADD objected_by bigint,
	ADD restricted_by bigint,
	ADD suspended_by bigint,
	ADD paused_until timestamptz CHECK (isfinite(paused_until)),
	ADD paused_by bigint;
ALTER TABLE assent.consent DISABLE TRIGGER USER;
UPDATE assent.consent SET objected_at = since, objected_by = event_id
WHERE objected;
UPDATE assent.consent SET restricted_at = since, restricted_by = event_id
WHERE restricted;
UPDATE assent.consent SET suspended_by = event_id
WHERE suspended_at IS NOT NULL;
ALTER TABLE assent.consent ENABLE TRIGGER USER;
ALTER TABLE assent.consent DROP objected, DROP restricted;
COMMENT ON COLUMN assent.consent.event_id IS
	'The proof of the state; of the flag where there never was one';
COMMENT ON COLUMN assent.consent.paused_until IS
	'The person wants nothing of this before; then all counts as it did';

ALTER TABLE assent.purpose ADD monitoring boolean NOT NULL DEFAULT false;
-- The trigger below says it in words.
CREATE UNIQUE INDEX purpose_monitoring ON assent.purpose (brand_id)
	WHERE monitoring;
COMMENT ON COLUMN assent.purpose.monitoring IS
	'Whether consent to it allows to follow what a person opens and clicks';

-- A consent to be followed is one of its own: a brand has one purpose for it,
-- and that is not everything the brand says.
CREATE FUNCTION assent.monitoring_placed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
DECLARE
	other int;
BEGIN
	IF NEW.slug = 'all' THEN
		RAISE EXCEPTION '"all" is everything a brand says: monitoring needs a consent of its own';
	END IF;
	SELECT id INTO other FROM purpose WHERE brand_id = NEW.brand_id
		AND monitoring AND id <> NEW.id;
	IF FOUND THEN
		RAISE EXCEPTION '% is this brand''s purpose for monitoring already',
			purpose_name(other);
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER monitoring BEFORE INSERT OR UPDATE ON assent.purpose
	FOR EACH ROW WHEN (NEW.monitoring)
	EXECUTE FUNCTION assent.monitoring_placed();

-- What 005 left under other arguments.
DROP FUNCTION IF EXISTS assent.purpose_add(text, text, text, assent.channel[],
	text, assent.legal_basis, interval, assent.opt, assent.opt);
DROP FUNCTION IF EXISTS assent.purpose_edit(int, text, assent.channel[], text,
	assent.legal_basis, interval, assent.opt, assent.opt);

CREATE FUNCTION assent.purpose_add(p_brand text, p_slug text, p_title text,
	p_channels assent.channel[], p_parent text DEFAULT NULL,
	p_basis assent.legal_basis DEFAULT NULL, p_validity interval DEFAULT NULL,
	p_opt_in assent.opt DEFAULT NULL, p_opt_out assent.opt DEFAULT NULL,
	p_monitoring boolean DEFAULT NULL)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	above int := purpose_of(p_brand, coalesce(p_parent, 'all'));
	purpose int;
BEGIN
	INSERT INTO purpose (brand_id, slug, title, channels, parent_id,
		legal_basis, validity, opt_in, opt_out, monitoring)
	SELECT p.brand_id, p_slug, p_title, p_channels, above,
		coalesce(p_basis, 'consent'), p_validity,
		coalesce(p_opt_in, 'single'), coalesce(p_opt_out, 'single'),
		coalesce(p_monitoring, false)
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
	p_validity interval, p_opt_in assent.opt, p_opt_out assent.opt,
	p_monitoring boolean DEFAULT NULL)
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
		opt_out = coalesce(p_opt_out, opt_out),
		monitoring = coalesce(p_monitoring, monitoring) WHERE id = p_purpose;
	UPDATE purpose SET parent_id = above,
		channels = coalesce(p_channels, channels),
		legal_basis = coalesce(p_basis, legal_basis),
		validity = CASE WHEN p_validity IS NULL THEN validity
			WHEN p_validity > interval '0' THEN p_validity END
	WHERE id = p_purpose AND num_nonnulls(p_channels, p_parent, p_basis,
		p_validity) > 0;
END $$;

-- Adds many purposes and their texts at once, parents first; how many.
CREATE OR REPLACE FUNCTION assent.purposes_add(p_brand text, p_purposes jsonb)
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
			(one->>'basis')::legal_basis,
			p_monitoring => (one->>'monitoring')::boolean);
		FOR said IN SELECT * FROM jsonb_array_elements(one->'texts') LOOP
			PERFORM text_add(number, said->>'language', said->>'title',
				said->>'body');
		END LOOP;
	END LOOP;
	RETURN jsonb_array_length(p_purposes);
END $$;

CREATE TABLE assent.exemption (
	name        assent.slug PRIMARY KEY,
	purpose_id  int NOT NULL REFERENCES assent.purpose,
	owner       text NOT NULL CHECK (owner <> ''),
	reason      text NOT NULL CHECK (reason <> ''),
	since       timestamptz NOT NULL DEFAULT now() CHECK (isfinite(since)),
	until       timestamptz NOT NULL CHECK (isfinite(until)),
	CHECK (until >= since)
);
CREATE INDEX exemption_purpose ON assent.exemption (purpose_id);
COMMENT ON TABLE assent.exemption IS
	'What may be sent without consent for a while, and who answers for it';

-- The trees stay as they are: nothing is to be followed anew.
CREATE FUNCTION assent.exemption_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM outdate();
	RETURN NULL;
END $$;
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
	ON assent.exemption
	FOR EACH STATEMENT EXECUTE FUNCTION assent.exemption_changed();

-- Events about no contact, and what they say.
ALTER TABLE assent.event
	ALTER contact_id DROP NOT NULL,
	ADD detail text,
	DROP CONSTRAINT event_check,
	ADD CHECK (channel IS NULL OR purpose_id IS NOT NULL);
COMMENT ON COLUMN assent.event.detail IS 'What else is no secret of a person';

-- Whatever bears on what everybody's consent comes to is in the ledger.
CREATE FUNCTION assent.defined() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
DECLARE
	before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
	after  jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
	e      event;
BEGIN
	IF before = after THEN
		RETURN NULL;
	END IF;
	e.act := 'define';
	e.at := now();
	e.source := 'operator';
	e.purpose_id := coalesce(after, before) ->> CASE TG_TABLE_NAME
		WHEN 'purpose' THEN 'id' ELSE 'purpose_id' END;
	e.detail := jsonb_build_object('table', TG_TABLE_NAME, 'before', before,
		'after', after);
	PERFORM append(e, NULL);
	RETURN NULL;
END $$;
CREATE TRIGGER defined AFTER INSERT OR UPDATE OR DELETE ON assent.brand
	FOR EACH ROW EXECUTE FUNCTION assent.defined();
CREATE TRIGGER defined AFTER INSERT OR UPDATE OR DELETE ON assent.purpose
	FOR EACH ROW EXECUTE FUNCTION assent.defined();
CREATE TRIGGER defined AFTER INSERT OR UPDATE OR DELETE ON assent.dependency
	FOR EACH ROW EXECUTE FUNCTION assent.defined();
CREATE TRIGGER defined AFTER INSERT OR UPDATE OR DELETE ON assent.purpose_text
	FOR EACH ROW EXECUTE FUNCTION assent.defined();
CREATE TRIGGER defined AFTER INSERT OR UPDATE OR DELETE ON assent.exemption
	FOR EACH ROW EXECUTE FUNCTION assent.defined();

CREATE FUNCTION assent.exemption_add(p_name text, p_purpose int,
	p_owner text, p_reason text, p_until timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	IF p_until <= now() THEN
		RAISE EXCEPTION 'the exemption''s end, %, is past', p_until;
	END IF;
	INSERT INTO exemption (name, purpose_id, owner, reason, until)
	VALUES (p_name, p_purpose, p_owner, p_reason, p_until)
	ON CONFLICT (name) DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is or was an exemption "%" already', p_name;
	END IF;
END $$;

-- Whether it was still in force.
CREATE FUNCTION assent.exemption_end(p_name text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM exemption WHERE name = p_name) THEN
		RAISE EXCEPTION 'there is no exemption "%"', p_name;
	END IF;
	UPDATE exemption SET until = greatest(since, now())
	WHERE name = p_name AND until > now();
	RETURN FOUND;
END $$;

-- The contact who has an address, locked.
CREATE FUNCTION assent.contact_with(p_key assent.address_key)
RETURNS bigint LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	who bigint;
BEGIN
	SELECT contact_id INTO who FROM endpoint WHERE key = p_key;
	PERFORM FROM contact WHERE id = who FOR UPDATE;
	-- It may have gone to another meanwhile.
	IF who IS NULL OR NOT EXISTS (SELECT FROM endpoint
		WHERE key = p_key AND contact_id = who) THEN
		RAISE EXCEPTION 'nobody on record has this address';
	END IF;
	RETURN who;
END $$;

-- Records what became of a contact's data, which is personal.
CREATE FUNCTION assent.edited(p_contact bigint, p_source text, p_before jsonb,
	p_after jsonb)
RETURNS bigint LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	e event;
BEGIN
	e.act := 'edit';
	e.contact_id := p_contact;
	e.at := now();
	e.source := p_source;
	RETURN append(e, jsonb_build_object('before', p_before,
		'after', p_after));
END $$;

-- What is NULL stays as it is; an attribute that is null goes.  Whether it
-- changed anything.
CREATE FUNCTION assent.contact_edit(p_key bytea, p_door text, p_language text,
	p_attributes jsonb, p_source assent.data_source, p_source_name text,
	p_disclaimer text, p_disclaimer_at timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	who  bigint := contact_with(p_key);
	old  contact;
	new  contact;
BEGIN
	SELECT * INTO old FROM contact WHERE id = who;
	IF p_disclaimer_at > now() + interval '1 minute' THEN
		RAISE EXCEPTION 'the disclaimer''s date, %, is in the future',
			p_disclaimer_at;
	END IF;
	new := old;
	new.language := coalesce(p_language, old.language);
	new.attributes := jsonb_strip_nulls(old.attributes
		|| coalesce(p_attributes, '{}'));
	new.source := coalesce(p_source, old.source);
	new.source_name := coalesce(p_source_name, old.source_name);
	IF p_disclaimer IS NOT NULL THEN
		new.disclaimer := p_disclaimer;
		new.disclaimer_at := coalesce(p_disclaimer_at, now());
	END IF;
	-- The table's own check would put the whole row into the server's log.
	IF octet_length(new.attributes::text) > 65536 THEN
		RAISE EXCEPTION 'the contact''s attributes would be too long';
	END IF;
	IF new IS NOT DISTINCT FROM old THEN
		RETURN false;
	END IF;
	UPDATE contact SET language = new.language, attributes = new.attributes,
		source = new.source, source_name = new.source_name,
		disclaimer = new.disclaimer, disclaimer_at = new.disclaimer_at
	WHERE id = who;
	PERFORM repack(ARRAY[who]);
	PERFORM edited(who, p_door, to_jsonb(old) - 'id' - 'created_at',
		to_jsonb(new) - 'id' - 'created_at');
	RETURN true;
END $$;

-- The permits that the cache must now hold, of whoever has an address.  Each is
-- looked up (OFFSET 0), however many the planner believes there are: where
-- nothing was analyzed yet it would read the whole table.
CREATE FUNCTION assent.permits_of(p_key bytea, p_changed boolean)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY SELECT e.key::bytea, p.packed, p_changed
		FROM endpoint o
		CROSS JOIN LATERAL (SELECT * FROM endpoint
			WHERE contact_id = o.contact_id OFFSET 0) AS e
		CROSS JOIN LATERAL (SELECT * FROM permit
			WHERE key = e.key OFFSET 0) AS p
		WHERE o.key = p_key;
END $$;

-- Gives the contact who has p_of another address.  Returns the permits that
-- the cache must now hold, as assent.change does.
CREATE FUNCTION assent.endpoint_add(p_marked text, p_of bytea, p_door text,
	p_key bytea, p_kind assent.endpoint_kind, p_canonical text,
	p_original text)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	who   bigint;
	owner bigint;
BEGIN
	PERFORM set_config('assent.marked', coalesce(p_marked, ''), true);
	-- As in contact_of().
	PERFORM pg_advisory_xact_lock(hashtextextended(encode(p_key, 'hex'), 0));
	who := contact_with(p_of);
	SELECT contact_id INTO owner FROM endpoint WHERE key = p_key;
	IF owner <> who THEN
		-- No address: this ends up in the server's log.
		RAISE EXCEPTION 'another contact has this address already';
	END IF;
	IF owner IS NULL THEN
		INSERT INTO endpoint (key, contact_id, kind, canonical, original)
		VALUES (p_key, who, p_kind, p_canonical, p_original);
		PERFORM edited(who, p_door, NULL, jsonb_build_object(
			'kind', p_kind, 'address', p_original));
		PERFORM repack(ARRAY[who]);
	END IF;
	RETURN QUERY SELECT * FROM permits_of(p_key, owner IS NULL);
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
GRANT SELECT ON assent.exemption TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.purpose_add, assent.purpose_edit,
	assent.purposes_add, assent.exemption_add,
	assent.exemption_end, assent.contact_edit, assent.endpoint_add
	TO assent_operator;
