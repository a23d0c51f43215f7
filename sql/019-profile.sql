-- SPDX-License-Identifier: ISC
--
-- profile - what a person sees and does behind a link mailed on request
--
-- Anybody may ask for the link of anybody's address, so nothing is looked up
-- when it is asked for: every address costs the same, and only the mail, which
-- nobody but its reader sees, says whether anything is held.  Three such mails
-- for an address and day, twenty from a source and hour.  Whoever holds a link
-- may do what the functions here do to that one person, for as long as it
-- lives and 200 times.

-- What a page shows and lets be edited is named as in person_data(), an
-- attribute as "attributes.NAME".  A token has 44 characters.
CREATE TABLE assent.profile_page (
	slug      assent.slug PRIMARY KEY CHECK (length(slug) < 44),
	brand_id  int NOT NULL REFERENCES assent.brand,
	language  assent.language,
	shows     text[],
	edits     text[] NOT NULL,
	open      boolean NOT NULL DEFAULT true,
	added_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE assent.profile_page IS
	'Pages on which people see and change what is held about them';
COMMENT ON COLUMN assent.profile_page.language IS 'NULL: the reader''s';
COMMENT ON COLUMN assent.profile_page.shows IS 'NULL: all';
CREATE TRIGGER defined AFTER INSERT OR UPDATE OR DELETE ON assent.profile_page
	FOR EACH ROW EXECUTE FUNCTION assent.defined();

-- Refuses what no page can show, or (p_edit) nobody can edit there.
CREATE FUNCTION assent.profile_parts(p_parts text[], p_edit boolean)
RETURNS text[] LANGUAGE plpgsql IMMUTABLE SET search_path = assent, pg_temp AS $$
DECLARE
	known text[] := CASE WHEN p_edit THEN '{language,addresses}'
		ELSE '{language,source,disclaimer,attributes,addresses,consents,
		monitoring,exemptions,requests,history}' END;
	wrong text;
BEGIN
	SELECT p INTO wrong FROM unnest(p_parts) AS p
	WHERE p <> ALL (known) AND p !~ '^attributes\..';
	IF FOUND THEN
		RAISE EXCEPTION 'a profile cannot % "%"',
			CASE WHEN p_edit THEN 'edit' ELSE 'show' END, wrong
			USING HINT = 'it can ' || array_to_string(known, ', ')
				|| ' and attributes.NAME';
	END IF;
	RETURN p_parts;
END $$;

CREATE FUNCTION assent.profile_page_add(p_slug text, p_brand text,
	p_language text, p_shows text[], p_edits text[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	whose int;
BEGIN
	SELECT id INTO whose FROM brand WHERE slug = p_brand;
	IF length(p_slug) >= 44 THEN
		RAISE EXCEPTION 'the name of a profile page has at most 43 characters';
	END IF;
	IF whose IS NOT NULL AND sender_of(whose) IS NULL THEN
		RAISE EXCEPTION 'brand "%" has no address to send mail from', p_brand
			USING HINT = 'assentctl brand edit --sender gives it one';
	END IF;
	PERFORM page_add('profile', p_slug, p_brand);
	INSERT INTO profile_page (slug, brand_id, language, shows, edits)
	VALUES (p_slug, whose, p_language, profile_parts(p_shows, false),
		profile_parts(coalesce(p_edits, '{language,addresses}'), true));
END $$;

-- What is NULL stays as it is; an empty language is the reader's, and an empty
-- list of what is shown is all.
CREATE FUNCTION assent.profile_page_edit(p_slug text, p_language text,
	p_shows text[], p_edits text[], p_open boolean)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	UPDATE profile_page SET open = coalesce(p_open, open),
		language = nullif(coalesce(p_language, language), ''),
		shows = nullif(coalesce(profile_parts(p_shows, false), shows), '{}'),
		edits = coalesce(profile_parts(p_edits, true), edits)
	WHERE slug = p_slug;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no page "%"', p_slug;
	END IF;
END $$;

-- The page of a name, or for none the one that was added first.
CREATE FUNCTION assent.profile_page_of(p_slug text)
RETURNS assent.profile_page LANGUAGE sql STABLE
SET search_path = assent, pg_temp AS $$
	SELECT p FROM profile_page p WHERE open AND p_slug IN (slug, '')
	ORDER BY added_at, slug LIMIT 1
$$;

-- What its request form says; no row when there is no such page.
CREATE FUNCTION assent.profile_page_show(p_slug text)
RETURNS TABLE (brand text, language text, slug text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = assent, pg_temp AS $$
	SELECT b.name, p.language::text, p.slug::text FROM profile_page_of(p_slug) AS p
	JOIN brand b ON b.id = p.brand_id
$$;

CREATE TABLE assent.profile_link (
	reference     bytea PRIMARY KEY CHECK (octet_length(reference) = 32),
	page          assent.slug NOT NULL REFERENCES assent.profile_page,
	key           assent.address_key NOT NULL,
	language      assent.language NOT NULL,
	source        inet NOT NULL,
	presses       int NOT NULL DEFAULT 0,
	requested_at  timestamptz NOT NULL DEFAULT now(),
	expires_at    timestamptz NOT NULL
);
CREATE INDEX profile_link_key ON assent.profile_link (key, requested_at);
CREATE INDEX profile_link_source ON assent.profile_link (source, requested_at);
CREATE INDEX profile_link_requested ON assent.profile_link (requested_at);
COMMENT ON TABLE assent.profile_link IS
	'Who asked for a profile, known here or not; for a day';
COMMENT ON COLUMN assent.profile_link.reference IS
	'The hash of what the link in the mail refers to';

-- Queues the mail that an address is told in whether anything is held about
-- it.  'asked', also when the address has had its mails for today; or 'none'
-- when there is no such page, or 'often' when this source has asked enough.
CREATE FUNCTION assent.profile_ask(p_page text, p_reference bytea,
	p_key bytea, p_original text, p_language text, p_message_id text,
	p_source inet, p_life interval)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	page       profile_page := profile_page_of(p_page);
	from_where inet := source_of(p_source);
	until      timestamptz := now() + p_life;
BEGIN
	IF page.slug IS NULL OR sender_of(page.brand_id) IS NULL THEN
		RETURN 'none';
	END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended(
		'profile from ' || from_where, 0));
	PERFORM pg_advisory_xact_lock(hashtextextended(
		'profile of ' || encode(p_key, 'hex'), 0));
	IF EXISTS (SELECT FROM profile_link
		WHERE reference = sha256(p_reference)) THEN
		RETURN 'asked';
	END IF;
	IF (SELECT count(*) FROM profile_link WHERE source = from_where
		AND requested_at > now() - interval '1 hour') >= 20 THEN
		RETURN 'often';
	END IF;
	IF (SELECT count(*) FROM profile_link WHERE key = p_key
		AND requested_at > now() - interval '1 day') >= 3 THEN
		RETURN 'asked';
	END IF;
	INSERT INTO profile_link (reference, page, key, language, source,
		expires_at)
	VALUES (sha256(p_reference), page.slug, p_key,
		coalesce(page.language, p_language), from_where, until);
	INSERT INTO mail (kind, message_id, key, recipient, language, data,
		expires_at)
	SELECT 'profile', p_message_id, p_key, p_original,
		coalesce(page.language, p_language),
		jsonb_build_object('reference', encode(p_reference, 'hex'),
			'brand', b.name, 'sender', sender_of(b.id),
			'colour', (SELECT colour FROM page_look('profile',
				page.slug, NULL, 'profile-link', 'en')),
			'until', to_char(until AT TIME ZONE 'UTC',
				'YYYY-MM-DD HH24:MI')), until
	FROM brand b WHERE b.id = page.brand_id;
	RETURN 'asked';
END $$;

-- The link of a reference while it lives, which it does no longer when nobody
-- has the address any more.
CREATE FUNCTION assent.profile_link_of(p_reference bytea)
RETURNS assent.profile_link LANGUAGE sql STABLE
SET search_path = assent, pg_temp AS $$
	SELECT l FROM profile_link l JOIN profile_page p ON p.slug = l.page
	JOIN endpoint e ON e.key = l.key
	WHERE l.reference = sha256(p_reference) AND l.expires_at > now()
		AND l.presses < 200 AND p.open
$$;

-- Whose profile a link opens, but nothing of it; no row when it opens none.
CREATE FUNCTION assent.profile_show(p_reference bytea)
RETURNS TABLE (key bytea, language text, brand text, page text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = assent, pg_temp AS $$
	SELECT l.key::bytea, coalesce(p.language, c.language, l.language)::text,
		b.name, p.slug::text
	FROM profile_link_of(p_reference) AS l
	JOIN profile_page p ON p.slug = l.page JOIN brand b ON b.id = p.brand_id
	JOIN endpoint e ON e.key = l.key JOIN contact c ON c.id = e.contact_id
$$;

CREATE TABLE assent.address_change (
	reference     bytea PRIMARY KEY CHECK (octet_length(reference) = 32),
	contact_id    bigint NOT NULL REFERENCES assent.contact ON DELETE CASCADE,
	page          assent.slug NOT NULL REFERENCES assent.profile_page,
	old_key       assent.address_key NOT NULL,
	replaces      boolean NOT NULL,
	key           assent.address_key NOT NULL,
	canonical     text NOT NULL,
	original      text NOT NULL,
	language      assent.language NOT NULL,
	message_id    text NOT NULL,
	requested_at  timestamptz NOT NULL DEFAULT now(),
	confirmed_at  timestamptz
);
CREATE INDEX address_change_contact
	ON assent.address_change (contact_id, requested_at);
CREATE INDEX address_change_key ON assent.address_change (key, requested_at);
CREATE INDEX address_change_requested ON assent.address_change (requested_at);
COMMENT ON TABLE assent.address_change IS
	'Addresses that people gave on their profiles, to be confirmed; for a day';
COMMENT ON COLUMN assent.address_change.old_key IS
	'By which address the contact asked; it goes if the new one replaces it';
ALTER TABLE assent.address_change
	ALTER canonical SET STATISTICS 0, ALTER original SET STATISTICS 0;

-- By which brands a contact may be followed, and which may not.
CREATE FUNCTION assent.monitoring_of(p_contact bigint)
RETURNS json LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	SELECT coalesce(json_agg(json_build_object('brand', b.name,
		'purpose', p.title, 'on', p.id IN (
			SELECT s.purpose FROM unnest(enum_range(NULL::endpoint_kind)) AS k
			CROSS JOIN LATERAL effective(ARRAY[p_contact], k) AS s
			WHERE s.standing = 2 AND coalesce(s.expires > now(), true)))
		ORDER BY b.slug), '[]')
	FROM purpose p JOIN brand b ON b.id = p.brand_id WHERE p.monitoring
$$;

-- Those that decide where something stands for a contact.
CREATE FUNCTION assent.exemptions_of(p_contact bigint)
RETURNS json LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	SELECT coalesce(json_agg(json_build_object('name', x.name,
		'brand', b.name, 'purpose', p.title, 'owner', x.owner,
		'reason', x.reason, 'since', x.since, 'ends', x.until)
		ORDER BY x.name), '[]')
	FROM exemption x JOIN purpose p ON p.id = x.purpose_id
	JOIN brand b ON b.id = p.brand_id
	WHERE x.until > now() AND x.name IN (
		SELECT s.exemption FROM unnest(enum_range(NULL::endpoint_kind)) AS k
		CROSS JOIN LATERAL effective(ARRAY[p_contact], k) AS s)
$$;

-- What was asked for by pages for one of these addresses, and the mail that
-- is on its way to them.
CREATE FUNCTION assent.requests_of(p_contact bigint, p_keys bytea[])
RETURNS TABLE (sign_ups json, profile_links json, address_changes json,
	mails json, departures json, leave_requests json)
LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	SELECT (SELECT coalesce(json_agg(json_build_object('form', s.form,
			'brand', b.name, 'asked_for', (SELECT json_agg(
				coalesce(t.title, p.title) ORDER BY u.n)
				FROM unnest(s.purposes, s.texts)
					WITH ORDINALITY AS u (purpose, text, n)
				JOIN purpose p ON p.id = u.purpose
				LEFT JOIN purpose_text t ON t.id = u.text),
			'language', s.language, 'asked', s.requested_at,
			'confirmed', s.confirmed_at, 'kept_until', s.expires_at,
			'from', s.source, 'message_id', s.message_id,
			'personal', s.fields) ORDER BY s.requested_at), '[]')
		FROM sign_up s JOIN form f ON f.slug = s.form
		JOIN brand b ON b.id = f.brand_id WHERE s.key = ANY (p_keys)),
	(SELECT coalesce(json_agg(json_build_object('page', l.page,
			'language', l.language, 'asked', l.requested_at,
			'ends', l.expires_at, 'from', l.source)
			ORDER BY l.requested_at), '[]')
		FROM profile_link l WHERE l.key = ANY (p_keys)),
	(SELECT coalesce(json_agg(json_build_object('address', a.original,
			'replaces', a.replaces, 'page', a.page,
			'language', a.language, 'asked', a.requested_at,
			'confirmed', a.confirmed_at, 'message_id', a.message_id)
			ORDER BY a.requested_at), '[]')
		FROM address_change a WHERE a.contact_id = p_contact),
	(SELECT coalesce(json_agg(json_build_object('kind', m.kind,
			'address', m.recipient, 'language', m.language,
			'queued', m.created_at, 'tries', m.tries,
			'kept_until', m.expires_at, 'message_id', m.message_id)
			ORDER BY m.id), '[]')
		FROM mail m WHERE m.key = ANY (p_keys)),
	(SELECT coalesce(json_agg(json_build_object('brand', b.name,
			'purpose', p.title, 'channel', d.channel, 'asked', d.at,
			'taken', (SELECT json_agg(u.title ORDER BY u.id)
				FROM purpose u WHERE u.id = ANY (d.taken)), 'undone', d.undone,
			'explained', d.explained) ORDER BY d.at), '[]')
		FROM departure d JOIN purpose p ON p.id = d.purpose_id
		JOIN brand b ON b.id = p.brand_id WHERE d.key = ANY (p_keys)),
	(SELECT coalesce(json_agg(json_build_object('brand', b.name,
			'purpose', p.title, 'channel', r.channel,
			'asked', r.requested_at, 'confirmed', r.confirmed_at,
			'kept_until', r.expires_at, 'message_id', r.message_id,
			'personal', r.fields) ORDER BY r.requested_at), '[]')
		FROM leave_request r JOIN purpose p ON p.id = r.purpose_id
		JOIN brand b ON b.id = p.brand_id WHERE r.key = ANY (p_keys))
$$;

-- All that is held about the person with an address, in the order in which a
-- person reads it; NULL when nobody has it.  Reading is recorded, with the door
-- by which it was asked for.
CREATE FUNCTION assent.person_data(p_key bytea, p_source text)
RETURNS json LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp SET timezone = 'UTC' AS $$
DECLARE
	who  contact;
	keys bytea[];
	asked record;
BEGIN
	SELECT c.* INTO who FROM contact c JOIN endpoint e ON e.contact_id = c.id
	WHERE e.key = p_key;
	IF who.id IS NULL THEN
		RETURN NULL;
	END IF;
	SELECT array_agg(key) INTO keys FROM endpoint WHERE contact_id = who.id;
	SELECT * INTO asked FROM requests_of(who.id, keys);
	RETURN json_build_object('contact', who.id, 'since', who.created_at,
	'language', who.language,
	'source', who.source, 'source_name', who.source_name,
	'disclaimer', who.disclaimer, 'disclaimer_accepted', who.disclaimer_at,
	'attributes', who.attributes,
	'addresses', (SELECT json_agg(json_build_object('kind', kind,
		'address', original, 'compared_as', canonical,
		'since', created_at) ORDER BY created_at, key)
		FROM endpoint WHERE contact_id = who.id),
	'consents', (
		WITH stands AS MATERIALIZED (
			SELECT s.* FROM unnest(enum_range(NULL::endpoint_kind)) AS k
			CROSS JOIN LATERAL effective(ARRAY[who.id], k) AS s
		), pair AS (
			SELECT purpose_id, channel FROM consent
			WHERE contact_id = who.id
			UNION SELECT purpose, channel FROM stands
		)
		SELECT coalesce(json_agg(json_build_object('brand', b.name,
			'purpose', p.title, 'name', b.slug || '/' || p.slug,
			'number', p.id, 'channel', k.channel, 'state', coalesce(c.state, 'none'),
			'comes_to', CASE WHEN s.standing IN (2, 6)
				AND s.expires <= now() THEN 'expired'
				WHEN s.standing = 2 AND s.paused > now() THEN 'paused'
				ELSE (ARRAY['none', 'pending', 'granted', 'withdrawn',
				'objected', 'restricted', 'suspended'])
				[coalesce(s.standing, 0) + 1] END,
			'since', c.since, 'door', v.source,
			'covered_by', CASE WHEN s.distance > 0 THEN q.title END,
			'ends', coalesce(s.expires, c.expires_at),
			'last_withdrawn', c.withdrawn_at, 'objected', c.objected_at,
			'restricted', c.restricted_at, 'suspended', c.suspended_at,
			'paused_until', c.paused_until,
			'text_version', t.version, 'text_language', t.language,
			'event', c.event_id) ORDER BY b.slug, p.slug, k.channel), '[]')
		FROM pair k JOIN purpose p ON p.id = k.purpose_id
		JOIN brand b ON b.id = p.brand_id
		LEFT JOIN consent c ON c.contact_id = who.id
			AND c.purpose_id = k.purpose_id AND c.channel = k.channel
		LEFT JOIN event v ON v.id = c.event_id
		LEFT JOIN purpose_text t ON t.id = v.text_id
		LEFT JOIN stands s ON s.purpose = k.purpose_id
			AND s.channel = k.channel
		LEFT JOIN lineage l ON l.purpose_id = k.purpose_id
			AND l.distance = s.distance
		LEFT JOIN purpose q ON q.id = l.ancestor_id),
	'monitoring', monitoring_of(who.id),
	'exemptions', exemptions_of(who.id),
	'sign_ups', asked.sign_ups, 'profile_links', asked.profile_links,
	'address_changes', asked.address_changes, 'mails', asked.mails,
	'departures', asked.departures,
	'leave_requests', asked.leave_requests,
	'forgotten', (SELECT coalesce(json_agg(json_build_object(
		'forgotten', e.erased_at, 'came_back', e.lifted_at)
		ORDER BY e.erased_at), '[]')
		FROM erasure e WHERE e.key = ANY (keys)),
	'events', (SELECT coalesce(json_agg(json_build_object('event', l.id,
		'recorded', l.recorded_at, 'happened', l.at, 'what', l.act,
		'brand', l.brand_name, 'purpose', l.title,
		'channel', l.channel, 'ends', l.expires_at,
		'door', l.source, 'recorded_by', l.actor,
		'about_event', l.about, 'note', l.detail,
		'text_shown', CASE WHEN l.text_id IS NOT NULL THEN
			json_build_object('language', l.text_language,
			'version', l.text_version, 'title', l.text_title,
			'body', l.text_body) END,
		'personal', l.fields::json) ORDER BY l.id), '[]')
		FROM person_ledger(p_key, p_source) AS l));
END $$;

-- What a link shows: the person's data, as far as the page discloses it, as
-- JSON; the address it was mailed to; and what may be edited.  No row when the
-- link opens nothing.
CREATE FUNCTION assent.profile_open(p_reference bytea)
RETURNS TABLE (language text, brand text, address text, edits text,
	data text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	link   profile_link := profile_link_of(p_reference);
	page   profile_page;
	person json;
	shown  text[];
BEGIN
	IF link.reference IS NULL THEN
		RETURN;
	END IF;
	UPDATE profile_link SET presses = presses + 1
	WHERE reference = link.reference;
	SELECT * INTO page FROM profile_page WHERE slug = link.page;
	IF page.shows IS NOT NULL THEN
		shown := page.shows || page.edits;
	END IF;
	person := person_data(link.key, 'profile');
	RETURN QUERY
	SELECT coalesce(page.language, c.language, link.language)::text, b.name,
		e.canonical, to_json(page.edits)::text,
		(SELECT json_object_agg(d.key, CASE
			WHEN d.key <> 'attributes' OR shown IS NULL
				OR 'attributes' = ANY (shown) THEN d.value
			ELSE (SELECT coalesce(json_object_agg(a.key, a.value), '{}')
				FROM json_each(d.value) AS a
				WHERE 'attributes.' || a.key = ANY (shown)) END
			ORDER BY d.n)::text
		FROM json_each(person) WITH ORDINALITY AS d (key, value, n)
		WHERE shown IS NULL OR d.key IN ('since', 'attributes')
			OR CASE d.key WHEN 'source_name' THEN 'source'
			WHEN 'disclaimer_accepted' THEN 'disclaimer'
			WHEN 'sign_ups' THEN 'requests'
			WHEN 'profile_links' THEN 'requests'
			WHEN 'address_changes' THEN 'requests'
			WHEN 'mails' THEN 'requests'
			WHEN 'departures' THEN 'requests'
			WHEN 'leave_requests' THEN 'requests'
			WHEN 'forgotten' THEN 'history'
			WHEN 'events' THEN 'history'
			ELSE d.key END = ANY (shown))
	FROM endpoint e JOIN contact c ON c.id = e.contact_id
	JOIN brand b ON b.id = page.brand_id WHERE e.key = link.key;
END $$;

-- What was typed into a page's fields, of those that it lets be edited: an
-- empty one goes, and what is no text is not typed over.
CREATE FUNCTION assent.typed(p_page text, p_contact bigint, p_typed jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT FROM jsonb_each_text(p_typed)
		WHERE length(value) > 1000) THEN
		RAISE EXCEPTION 'what was typed is too long';
	END IF;
	RETURN (SELECT jsonb_object_agg(t.key, nullif(t.value, ''))
		FROM jsonb_each_text(p_typed) AS t
		JOIN profile_page p ON 'attributes.' || t.key = ANY (p.edits)
		JOIN contact c ON c.id = p_contact
		WHERE p.slug = p_page
			AND coalesce(jsonb_typeof(c.attributes -> t.key), 'string')
				= 'string');
END $$;

-- The pairs that an act on everything is about: what is on record; and unless
-- it takes something back, all that any company says, by every channel.
CREATE FUNCTION assent.everything(p_contact bigint, p_act assent.act)
RETURNS TABLE (purpose int, channel assent.channel)
LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	SELECT purpose_id, channel FROM consent WHERE contact_id = p_contact
	UNION
	SELECT root_of(b.id), c.channel
	FROM brand b CROSS JOIN unnest(enum_range(NULL::channel)) AS c (channel)
	WHERE b.parent_id IS NULL AND p_act IN ('withdraw', 'object', 'restrict')
$$;

-- What a person may do on a profile, for themselves and nobody else.  An
-- objection and a restriction are rights that exist for the person alone
-- (GDPR Art. 21, 18), who may give them up again, and then what was agreed to
-- counts as before; a suspension is not theirs to lift.  Consent is given where
-- its text is shown, not here.  p_detail says to what: purpose (none:
-- everything) and channel, an address, or what was typed.  Returns the permits
-- that the cache must now hold, as assent.change does; no row when the link
-- opens nothing.
CREATE FUNCTION assent.profile_act(p_marked text, p_reference bytea,
	p_act text, p_detail jsonb, p_fields jsonb)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	link profile_link := profile_link_of(p_reference);
	page profile_page;
	gone bytea;
	who  bigint;
	did  boolean := false;
	pair record;
BEGIN
	PERFORM set_config('assent.marked', coalesce(p_marked, ''), true);
	IF link.reference IS NULL THEN
		RETURN;
	END IF;
	IF p_act = 'forget' THEN
		RETURN QUERY SELECT f.key, f.packed, f.changed
			FROM forget(p_marked, link.key, 'profile') AS f;
		RETURN;
	END IF;
	SELECT * INTO page FROM profile_page WHERE slug = link.page;
	SELECT e.key INTO gone FROM endpoint e
		JOIN endpoint o ON o.contact_id = e.contact_id
	WHERE p_act = 'remove' AND o.key = link.key AND e.key <> link.key
		AND 'addresses' = ANY (page.edits)
		AND e.kind::text = p_detail ->> 'kind'
		AND e.canonical = p_detail ->> 'address';
	IF gone IS NOT NULL THEN
		PERFORM endpoint_remove(p_marked, gone, 'profile');
	END IF;
	who := contact_with(link.key);
	CASE p_act
	WHEN 'remove' THEN
		did := gone IS NOT NULL;
	WHEN 'edit' THEN
		did := contact_edit(link.key, 'profile',
			CASE WHEN 'language' = ANY (page.edits)
				THEN p_detail ->> 'language' END,
			typed(link.page, who, p_detail -> 'attributes'),
			NULL, NULL, NULL, NULL);
	WHEN 'monitoring-off' THEN
		SELECT coalesce(bool_or(m.changed), false) INTO did
		FROM monitoring_off(p_marked, link.key, 'profile', p_fields) AS m;
	WHEN 'withdraw', 'object', 'lift-objection', 'restrict',
		'lift-restriction', 'resume' THEN
		FOR pair IN
			SELECT id AS purpose, (p_detail ->> 'channel')::channel AS channel
			FROM purpose WHERE id = (p_detail ->> 'purpose')::int
			UNION ALL
			SELECT a.* FROM everything(who, p_act::act) AS a
			WHERE p_detail ->> 'purpose' IS NULL ORDER BY 1, 2
		LOOP
			did := apply(who, pair.purpose, pair.channel, p_act::act, now(),
				NULL, 'profile', p_fields, NULL) OR did;
		END LOOP;
	ELSE
		RAISE EXCEPTION 'a profile cannot "%"', p_act;
	END CASE;
	IF NOT did THEN
		PERFORM repack(ARRAY[who]);
	END IF;
	RETURN QUERY SELECT * FROM permits_of(link.key, did);
END $$;

-- Queues the mail that asks a new address whether it belongs to whoever holds
-- the link.  'asked', whoever has the address and also when it has had its
-- mails for today; or 'none' when the link allows no such thing, or 'often'.
CREATE FUNCTION assent.address_ask(p_link bytea, p_reference bytea,
	p_key bytea, p_canonical text, p_original text, p_replaces boolean,
	p_message_id text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	link  profile_link := profile_link_of(p_link);
	page  profile_page;
	who   bigint;
	until timestamptz := now() + interval '1 day';
BEGIN
	SELECT * INTO page FROM profile_page WHERE slug = link.page;
	IF page.slug IS NULL OR 'addresses' <> ALL (page.edits)
		OR sender_of(page.brand_id) IS NULL THEN
		RETURN 'none';
	END IF;
	who := contact_with(link.key);
	PERFORM pg_advisory_xact_lock(hashtextextended(
		'address ' || encode(p_key, 'hex'), 0));
	IF EXISTS (SELECT FROM address_change
		WHERE reference = sha256(p_reference)) THEN
		RETURN 'asked';
	END IF;
	IF (SELECT count(*) FROM address_change WHERE contact_id = who
		AND requested_at > now() - interval '1 day') >= 10 THEN
		RETURN 'often';
	END IF;
	IF (SELECT count(*) FROM address_change WHERE key = p_key
		AND requested_at > now() - interval '1 day') >= 3 THEN
		RETURN 'asked';
	END IF;
	INSERT INTO address_change (reference, contact_id, page, old_key,
		replaces, key, canonical, original, language, message_id)
	VALUES (sha256(p_reference), who, link.page, link.key, p_replaces, p_key,
		p_canonical, p_original, link.language, p_message_id);
	INSERT INTO mail (kind, message_id, key, recipient, language, data,
		expires_at)
	SELECT 'address', p_message_id, p_key, p_original, link.language,
		jsonb_build_object('reference', encode(p_reference, 'hex'),
			'brand', b.name, 'sender', sender_of(b.id),
			'colour', (SELECT colour FROM page_look('profile',
				page.slug, NULL, 'profile-link', 'en')),
			'until', to_char(until AT TIME ZONE 'UTC',
				'YYYY-MM-DD HH24:MI')), until
	FROM brand b WHERE b.id = page.brand_id;
	RETURN 'asked';
END $$;

-- What such a mail's link is about while it lives, which it does no longer when
-- the contact has neither address any more.
CREATE FUNCTION assent.address_change_of(p_reference bytea)
RETURNS assent.address_change LANGUAGE sql STABLE
SET search_path = assent, pg_temp AS $$
	SELECT a FROM address_change a WHERE a.reference = sha256(p_reference)
		AND a.requested_at > now() - interval '1 day'
		AND EXISTS (SELECT FROM endpoint e
			WHERE e.contact_id = a.contact_id
			AND e.key IN (a.old_key, a.key))
$$;

-- No row when it does not work any more.
CREATE FUNCTION assent.address_show(p_reference bytea)
RETURNS TABLE (key bytea, language text, brand text, page text,
	replaces boolean, confirmed boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = assent, pg_temp AS $$
	SELECT a.key::bytea, a.language::text, b.name, p.slug::text, a.replaces,
		a.confirmed_at IS NOT NULL
	FROM address_change_of(p_reference) AS a
	JOIN profile_page p ON p.slug = a.page JOIN brand b ON b.id = p.brand_id
$$;

-- Gives the contact the address, and takes the old one if it is replaced.
-- Returns the permits that the cache must now hold, as assent.change does.
CREATE FUNCTION assent.address_confirm(p_marked text, p_reference bytea)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	asked address_change := address_change_of(p_reference);
BEGIN
	PERFORM set_config('assent.marked', coalesce(p_marked, ''), true);
	IF asked.reference IS NULL THEN
		RETURN;
	END IF;
	-- Both, in this order, and before the contact: as in contact_of().
	PERFORM pg_advisory_xact_lock(hashtextextended(encode(k, 'hex'), 0))
	FROM (SELECT k FROM unnest(ARRAY[asked.old_key, asked.key]::bytea[])
		AS k ORDER BY k) AS o;
	IF asked.confirmed_at IS NULL THEN
		PERFORM endpoint_add(p_marked, asked.old_key, 'profile', asked.key,
			'email', asked.canonical, asked.original);
		IF asked.replaces AND asked.key <> asked.old_key THEN
			PERFORM endpoint_remove(p_marked, asked.old_key, 'profile');
		END IF;
		UPDATE address_change AS a SET confirmed_at = now()
		WHERE a.reference = asked.reference;
	END IF;
	RETURN QUERY SELECT * FROM permits_of(asked.key, asked.confirmed_at IS NULL);
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
GRANT SELECT ON assent.profile_page TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.profile_page_add, assent.profile_page_edit
	TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.person_data TO assent_dpo;
GRANT EXECUTE ON FUNCTION assent.profile_page_show, assent.profile_show,
	assent.address_show TO assent_reader, assent_web;
GRANT EXECUTE ON FUNCTION assent.profile_ask, assent.profile_open,
	assent.profile_act, assent.address_ask, assent.address_confirm
	TO assent_web;
