-- SPDX-License-Identifier: ISC
--
-- signup - forms by which people ask for mail, and the mail that asks back
--
-- Whoever fills in a form may type anybody's address, so a sign-up grants
-- nothing: it waits for the link in the mail that it causes.  What is asked is
-- the same for every address, and nothing here looks whether it is known.
-- Nobody's mailbox can be filled: three such mails for an address and day,
-- twenty sign-ups from a source and hour.

ALTER TABLE assent.brand ADD sender text
	CHECK (sender ~ '^[^[:space:][:cntrl:]<>]+@[^[:space:][:cntrl:]<>]+$');
COMMENT ON COLUMN assent.brand.sender IS
	'From which address its pages'' mail comes; the company''s where there is none';

-- What is NULL stays as it is; an empty parent or sender is none.
DROP FUNCTION IF EXISTS assent.brand_edit(text, text, text);
CREATE FUNCTION assent.brand_edit(p_slug text, p_name text, p_parent text,
	p_sender text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	old   brand;
	above int;
BEGIN
	SELECT * INTO old FROM brand WHERE slug = p_slug FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no brand "%"', p_slug;
	END IF;
	SELECT id INTO above FROM brand WHERE slug = p_parent;
	IF NOT FOUND AND p_parent <> '' THEN
		RAISE EXCEPTION 'there is no brand "%"', p_parent;
	END IF;
	IF above = old.id THEN
		RAISE EXCEPTION 'brands would go in a circle: %, %', p_slug, p_slug;
	END IF;
	IF p_name <> old.name THEN
		UPDATE brand SET name = p_name WHERE id = old.id;
		UPDATE purpose SET title = p_name WHERE brand_id = old.id
			AND slug = 'all' AND title = old.name;
	END IF;
	IF p_parent IS NOT NULL AND above IS DISTINCT FROM old.parent_id THEN
		UPDATE brand SET parent_id = above WHERE id = old.id;
	END IF;
	IF p_sender IS NOT NULL THEN
		UPDATE brand SET sender = nullif(p_sender, '') WHERE id = old.id;
	END IF;
END $$;

CREATE FUNCTION assent.sender_of(p_brand int)
RETURNS text LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	SELECT b.sender FROM brands_of(root_of(p_brand)) AS u
	JOIN brand b ON b.id = u.brand WHERE b.sender IS NOT NULL
	ORDER BY u.distance LIMIT 1
$$;

CREATE TABLE assent.form (
	slug       assent.slug PRIMARY KEY,
	brand_id   int NOT NULL REFERENCES assent.brand,
	purposes   int[] NOT NULL CHECK (cardinality(purposes) BETWEEN 1 AND 32),
	open       boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE assent.form IS 'Sign-up pages: whose, and for what';
CREATE TRIGGER defined AFTER INSERT OR UPDATE OR DELETE ON assent.form
	FOR EACH ROW EXECUTE FUNCTION assent.defined();

-- What can be asked for by mail, in a form of a brand.
CREATE FUNCTION assent.form_purposes(p_brand text, p_purposes text[])
RETURNS int[] LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp AS $$
DECLARE
	wanted int[] := ARRAY(SELECT purpose_of(p_brand, p)
		FROM unnest(p_purposes) WITH ORDINALITY AS u (p, n) ORDER BY n);
	wrong  int;
BEGIN
	SELECT id INTO wrong FROM purpose WHERE id = ANY (wanted)
		AND (legal_basis = 'contract' OR NOT 'email' = ANY (channels));
	IF FOUND THEN
		RAISE EXCEPTION 'nobody can sign up for % by mail',
			purpose_name(wrong)
			USING HINT = 'it needs the channel email, and no contract';
	END IF;
	RETURN wanted;
END $$;

-- What is NULL stays as it is.
CREATE FUNCTION assent.form_edit(p_slug text, p_purposes text[], p_open boolean)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	whose text;
BEGIN
	SELECT b.slug INTO whose FROM form f JOIN brand b ON b.id = f.brand_id
	WHERE f.slug = p_slug FOR NO KEY UPDATE OF f;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no page "%"', p_slug;
	END IF;
	UPDATE form SET open = coalesce(p_open, open),
		purposes = CASE WHEN p_purposes IS NULL THEN purposes
			ELSE form_purposes(whose, p_purposes) END
	WHERE slug = p_slug;
END $$;

-- The purposes of a form in their order, each with its text in p_language,
-- else in English; no row when there is no such form, or it is closed.
CREATE FUNCTION assent.form_show(p_slug text, p_language text)
RETURNS TABLE (brand text, purpose int, title text, body text, text_id int,
	version int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = assent, pg_temp AS $$
	SELECT b.name, p.id, coalesce(t.title, p.title), t.body,
		coalesce(t.id, 0), t.version
	FROM form f JOIN brand b ON b.id = f.brand_id
	CROSS JOIN LATERAL unnest(f.purposes) WITH ORDINALITY AS u (id, n)
	JOIN purpose p ON p.id = u.id
	LEFT JOIN LATERAL (SELECT x.id, x.title, x.body, x.version
		FROM purpose_text x WHERE x.purpose_id = p.id
		AND language_number(x.language) IN (
			language_number(p_language), language_number('en'))
		ORDER BY language_number(x.language)
				<> language_number(p_language),
			x.language, x.version DESC
		LIMIT 1) AS t ON true
	WHERE f.slug = p_slug AND f.open ORDER BY u.n
$$;

CREATE TABLE assent.sign_up (
	reference     bytea PRIMARY KEY CHECK (octet_length(reference) = 32),
	form          assent.slug NOT NULL REFERENCES assent.form,
	key           assent.address_key NOT NULL,
	canonical     text,
	original      text,
	purposes      int[] NOT NULL CHECK (cardinality(purposes) > 0),
	texts         int[] NOT NULL,
	language      assent.language NOT NULL,
	source        inet NOT NULL,
	message_id    text NOT NULL CHECK (message_id <> ''),
	fields        jsonb CHECK (octet_length(fields::text) <= 8192),
	requested_at  timestamptz NOT NULL DEFAULT now(),
	expires_at    timestamptz NOT NULL DEFAULT now() + interval '7 days',
	confirmed_at  timestamptz,
	CHECK (cardinality(texts) = cardinality(purposes)),
	-- The ledger has it all then.
	CHECK ((confirmed_at IS NULL) = (canonical IS NOT NULL)),
	CHECK ((confirmed_at IS NULL) = (original IS NOT NULL)),
	CHECK ((confirmed_at IS NULL) = (fields IS NOT NULL))
);
CREATE INDEX sign_up_key ON assent.sign_up (key, requested_at);
CREATE INDEX sign_up_source ON assent.sign_up (source, requested_at);
CREATE INDEX sign_up_expires ON assent.sign_up (expires_at);
COMMENT ON TABLE assent.sign_up IS
	'Who asked for something by a form, and perhaps confirmed it; for seven days';
COMMENT ON COLUMN assent.sign_up.reference IS
	'The hash of what the link in the mail refers to';
COMMENT ON COLUMN assent.sign_up.source IS
	'Where it came from: an address, of IPv6 the network';
ALTER TABLE assent.sign_up
	ALTER canonical SET STATISTICS 0, ALTER original SET STATISTICS 0,
	ALTER fields SET STATISTICS 0, ALTER source SET STATISTICS 0;

CREATE TABLE assent.mail (
	id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind        text NOT NULL
	            CHECK (kind IN ('confirm', 'opt-out', 'profile', 'address')),
	message_id  text NOT NULL UNIQUE,
	key         assent.address_key,
	recipient   text,
	language    text,
	data        jsonb,
	created_at  timestamptz NOT NULL DEFAULT now(),
	expires_at  timestamptz NOT NULL,
	tries       int NOT NULL DEFAULT 0,
	next_try    timestamptz NOT NULL DEFAULT now(),
	sent_at     timestamptz,
	CHECK (num_nonnulls(key, recipient, language, data)
		= CASE WHEN sent_at IS NULL THEN 4 ELSE 0 END)
);
CREATE INDEX mail_waiting ON assent.mail (next_try) WHERE sent_at IS NULL;
CREATE INDEX mail_key ON assent.mail (key) WHERE key IS NOT NULL;
CREATE INDEX mail_expires ON assent.mail (expires_at);
COMMENT ON TABLE assent.mail IS
	'Mail of the pages, queued and sent; nobody''s any more once it is sent';
ALTER TABLE assent.mail
	ALTER recipient SET STATISTICS 0, ALTER data SET STATISTICS 0;

-- Where a request came from, for limits: an address, of IPv6 the network.
CREATE FUNCTION assent.source_of(p_client inet)
RETURNS inet LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(network(set_masklen(p_client,
		CASE family(p_client) WHEN 6 THEN 64 ELSE 32 END)), '::/0')
$$;

-- Keeps what somebody asked for in a form, and queues the mail that asks them
-- to confirm it.  'asked', also when the address has had its mails for today;
-- or 'none' when there is nothing to ask for, or 'often' when this source has
-- asked enough.
CREATE FUNCTION assent.sign_up(p_form text, p_reference bytea, p_key bytea,
	p_canonical text, p_original text, p_purposes int[], p_texts int[],
	p_language text, p_message_id text, p_source inet, p_fields jsonb)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	from_where inet := source_of(p_source);
	wanted record;
BEGIN
	SELECT array_agg(u.purpose ORDER BY u.n) AS purposes,
		array_agg(t.id ORDER BY u.n) AS texts,
		array_agg(coalesce(t.title, p.title) ORDER BY u.n) AS titles,
		min(b.name) AS brand, min(sender_of(b.id)) AS sender
	INTO wanted
	FROM unnest(p_purposes, p_texts) WITH ORDINALITY AS u (purpose, text, n)
	JOIN form f ON f.slug = p_form AND f.open
		AND u.purpose = ANY (f.purposes)
	JOIN brand b ON b.id = f.brand_id JOIN purpose p ON p.id = u.purpose
	LEFT JOIN purpose_text t ON t.id = u.text AND t.purpose_id = p.id;
	IF wanted.purposes IS NULL OR wanted.sender IS NULL THEN
		RETURN 'none';
	END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended(
		'sign-up from ' || from_where, 0));
	PERFORM pg_advisory_xact_lock(hashtextextended(
		'sign-up of ' || encode(p_key, 'hex'), 0));
	IF EXISTS (SELECT FROM sign_up WHERE reference = sha256(p_reference)) THEN
		RETURN 'asked';
	END IF;
	IF (SELECT count(*) FROM sign_up WHERE source = from_where
		AND requested_at > now() - interval '1 hour') >= 20 THEN
		RETURN 'often';
	END IF;
	IF (SELECT count(*) FROM sign_up WHERE key = p_key
		AND requested_at > now() - interval '1 day') >= 3 THEN
		RETURN 'asked';
	END IF;
	INSERT INTO sign_up (reference, form, key, canonical, original, purposes,
		texts, language, source, message_id, fields)
	VALUES (sha256(p_reference), p_form, p_key, p_canonical, p_original,
		wanted.purposes, wanted.texts, p_language, from_where,
		p_message_id, p_fields);
	INSERT INTO mail (kind, message_id, key, recipient, language, data,
		expires_at)
	SELECT 'confirm', message_id, key, original, language,
		jsonb_build_object('reference', encode(p_reference, 'hex'),
			'brand', wanted.brand, 'sender', wanted.sender,
			'colour', (SELECT colour FROM page_look('sign-up', p_form,
				NULL, 'confirm', language)),
			'purposes', wanted.titles), expires_at
	FROM sign_up WHERE reference = sha256(p_reference);
	RETURN 'asked';
END $$;

-- What a link confirms, titles as a JSON array, and whether its form is still
-- open; no row when it does not work any more.
CREATE FUNCTION assent.sign_up_show(p_reference bytea)
RETURNS TABLE (key bytea, form text, language text, brand text, titles text,
	confirmed boolean, open boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = assent, pg_temp AS $$
	SELECT s.key::bytea, s.form::text, s.language::text, b.name,
		(SELECT json_agg(coalesce(t.title, p.title) ORDER BY u.n)::text
			FROM unnest(s.purposes, s.texts)
				WITH ORDINALITY AS u (purpose, text, n)
			JOIN purpose p ON p.id = u.purpose
			LEFT JOIN purpose_text t ON t.id = u.text),
		s.confirmed_at IS NOT NULL, f.open
	FROM sign_up s JOIN form f ON f.slug = s.form
	JOIN brand b ON b.id = f.brand_id
	WHERE s.reference = sha256(p_reference) AND s.expires_at > now()
$$;

-- Confirms it, if its form is open.  Returns the permits that the cache must now
-- hold, as assent.change does; also when it was confirmed before.  p_fields:
-- from where.
CREATE FUNCTION assent.sign_up_confirm(p_marked text, p_reference bytea,
	p_fields jsonb)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	asked sign_up;
	one   boolean;
	did   boolean := false;
BEGIN
	PERFORM set_config('assent.marked', coalesce(p_marked, ''), true);
	-- As in contact_of(), and before the row: as in forget().
	PERFORM pg_advisory_xact_lock(hashtextextended(encode(s.key, 'hex'), 0))
	FROM sign_up AS s WHERE s.reference = sha256(p_reference);
	SELECT * INTO asked FROM sign_up
	WHERE reference = sha256(p_reference) AND expires_at > now() FOR UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	IF asked.confirmed_at IS NULL AND EXISTS (SELECT FROM form AS f
		WHERE f.slug = asked.form AND f.open FOR SHARE) THEN
		FOR i IN 1 .. cardinality(asked.purposes) LOOP
			-- No short cut by OR: each is to be carried out.
			SELECT bool_or(c.changed) INTO one FROM confirm(p_marked,
				asked.key, asked.canonical, asked.original,
				asked.purposes[i], 'email', asked.texts[i],
				asked.fields || jsonb_strip_nulls(jsonb_build_object(
				'confirmed_ip', p_fields -> 'ip',
				'confirmed_user_agent', p_fields -> 'user_agent',
				'form', asked.form, 'language', asked.language,
				'requested_at', asked.requested_at,
				'confirmed_at', now(),
				'message_id', asked.message_id))) AS c;
			did := did OR one;
		END LOOP;
		UPDATE sign_up SET confirmed_at = now(), canonical = NULL,
			original = NULL, fields = NULL
		WHERE reference = asked.reference;
		-- What is known already stays.
		PERFORM contact_edit(asked.key, 'double-opt-in',
			CASE WHEN o.language IS NULL THEN asked.language END,
			NULL, CASE WHEN o.source IS NULL THEN 'form'::data_source END,
			CASE WHEN o.source IS NULL THEN asked.form::text END,
			NULL, NULL)
		FROM endpoint e JOIN contact o ON o.id = e.contact_id
		WHERE e.key = asked.key;
	END IF;
	RETURN QUERY SELECT * FROM permits_of(asked.key, did);
END $$;

-- The next mail to send, which is nobody else's for a minute; and what is over
-- goes.  Who asked for a profile and is not known here is told so.
CREATE FUNCTION assent.mail_take()
RETURNS TABLE (id bigint, kind text, message_id text, recipient text,
	language text, data jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
BEGIN
	DELETE FROM sign_up WHERE reference IN (SELECT reference FROM sign_up
		WHERE expires_at < now() LIMIT 100 FOR UPDATE SKIP LOCKED);
	DELETE FROM mail WHERE id IN (SELECT id FROM mail
		WHERE expires_at < now() LIMIT 100 FOR UPDATE SKIP LOCKED);
	DELETE FROM profile_link WHERE reference IN (
		SELECT reference FROM profile_link
		WHERE requested_at < now() - interval '1 day'
		LIMIT 100 FOR UPDATE SKIP LOCKED);
	DELETE FROM address_change WHERE reference IN (
		SELECT reference FROM address_change
		WHERE requested_at < now() - interval '1 day'
		LIMIT 100 FOR UPDATE SKIP LOCKED);
	RETURN QUERY UPDATE mail AS m SET tries = m.tries + 1,
		next_try = now() + interval '1 minute'
	WHERE m.id = (SELECT w.id FROM mail w
		WHERE w.sent_at IS NULL AND w.next_try <= now()
		AND w.expires_at > now()
		ORDER BY w.next_try LIMIT 1 FOR UPDATE SKIP LOCKED)
	RETURNING m.id, CASE WHEN m.kind = 'profile' AND NOT EXISTS (
			SELECT FROM endpoint e WHERE e.key = m.key)
		THEN 'profile-none' ELSE m.kind END, m.message_id, m.recipient, m.language, m.data;
END $$;

CREATE FUNCTION assent.mail_sent(p_id bigint)
RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
	UPDATE mail SET sent_at = now(), key = NULL, recipient = NULL,
		language = NULL, data = NULL
	WHERE id = p_id AND sent_at IS NULL
$$;

-- It is tried again after 4, 8, 16 s and so on, up to an hour.
CREATE FUNCTION assent.mail_failed(p_id bigint)
RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
	UPDATE mail SET next_try = now() + least(interval '1 hour',
		interval '2 seconds' * 2 ^ least(tries, 12))
	WHERE id = p_id AND sent_at IS NULL
$$;

-- Erases whoever has a key, with all their addresses, as of p_at; and what
-- they asked for and did not confirm.
CREATE OR REPLACE FUNCTION assent.erase(p_key bytea, p_at timestamptz,
	p_source text,
	OUT keys bytea[], OUT addresses int, OUT consents int, OUT fields bigint)
LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	who bigint := holder(p_key);
	one bytea;
BEGIN
	keys := ARRAY(SELECT key::bytea FROM endpoint WHERE contact_id = who
		UNION SELECT p_key ORDER BY 1);
	FOR one IN SELECT k FROM unnest(keys) AS k EXCEPT
		SELECT key FROM erasure WHERE lifted_at IS NULL ORDER BY 1
	LOOP
		INSERT INTO erasure VALUES (one, p_at, NULL,
			record_key('forget', one, p_at, p_source))
		ON CONFLICT (key) DO UPDATE SET erased_at = excluded.erased_at,
			lifted_at = NULL, event_id = excluded.event_id;
	END LOOP;
	INSERT INTO permit SELECT k, '\x010100' FROM unnest(keys) AS k
	ON CONFLICT (key) DO UPDATE SET packed = excluded.packed
	WHERE permit.packed <> excluded.packed;
	DELETE FROM suppression WHERE key = ANY (keys);
	DELETE FROM sign_up WHERE key = ANY (keys);
	DELETE FROM profile_link WHERE key = ANY (keys);
	DELETE FROM mail WHERE key = ANY (keys) OR message_id IN (
		SELECT message_id FROM address_change WHERE contact_id = who);
	DELETE FROM departure WHERE key = ANY (keys);
	DELETE FROM leave_request WHERE key = ANY (keys);
	DELETE FROM address_change WHERE key = ANY (keys);
	DELETE FROM endpoint WHERE contact_id = who;
	GET DIAGNOSTICS addresses = ROW_COUNT;
	DELETE FROM consent WHERE contact_id = who;
	GET DIAGNOSTICS consents = ROW_COUNT;
	fields := erase_person_fields(ARRAY(SELECT id FROM event
		JOIN event_person ON event_id = id
		WHERE contact_id = who AND act <> 'erase'), p_source);
	DELETE FROM contact WHERE id = who;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
GRANT SELECT ON assent.form TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.brand_edit, assent.form_edit,
	assent.form_show
	TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.form_show, assent.sign_up_show
	TO assent_reader, assent_web;
GRANT EXECUTE ON FUNCTION assent.sign_up, assent.sign_up_confirm,
	assent.mail_take, assent.mail_sent, assent.mail_failed TO assent_web;
