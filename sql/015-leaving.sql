-- SPDX-License-Identifier: ISC
--
-- leaving - what the page of an opt-out link shows and does
--
-- A press of its button can be taken back for an hour, by whoever pressed it:
-- by a random reference that stands in the page and in no link.  What comes
-- back is the record as that press found it, and only while nothing else has
-- happened to it since; so no more is granted than was granted then.

ALTER TYPE assent.act ADD VALUE 'undo';
ALTER TYPE assent.act ADD VALUE 'reason';

-- The title of a purpose in the first of the languages that it has a text in.
CREATE FUNCTION assent.title_in(p_purpose int, p_languages text[])
RETURNS text LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	SELECT coalesce((SELECT t.title FROM purpose_text t
		JOIN unnest(p_languages) WITH ORDINALITY AS u (language, n)
			ON language_number(u.language) = language_number(t.language)
			AND u.language IS NOT NULL
		WHERE t.purpose_id = p.id
		ORDER BY u.n, t.language, t.version DESC LIMIT 1), p.title)
	FROM purpose p WHERE p.id = p_purpose
$$;

-- The titles of purposes as a JSON array, in the order of the trees; NULL when
-- there are none.  What stands for a whole brand is no title of its own.
CREATE FUNCTION assent.titles_in(p_purposes int[], p_languages text[])
RETURNS text LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	SELECT json_agg(title_in(p.id, p_languages) ORDER BY p.brand_id,
		(SELECT array_agg(q.slug::text ORDER BY l.distance DESC)
			FROM lineage l JOIN purpose q ON q.id = l.ancestor_id
			WHERE l.purpose_id = p.id))::text
	FROM purpose p WHERE p.id = ANY (p_purposes) AND p.slug <> 'all'
$$;

-- What may be sent to a contact by a channel now.
CREATE FUNCTION assent.in_force(p_contact bigint, p_channel assent.channel)
RETURNS int[] LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	SELECT coalesce(array_agg(purpose ORDER BY purpose), '{}')
	FROM effective(ARRAY[p_contact], channel_kind(p_channel))
	WHERE channel = p_channel AND standing = 2
		AND (expires > now()) IS NOT FALSE
$$;

CREATE TABLE assent.departure (
	reference   bytea PRIMARY KEY CHECK (octet_length(reference) = 32),
	key         assent.address_key NOT NULL,
	contact_id  bigint NOT NULL,
	purpose_id  int NOT NULL REFERENCES assent.purpose,
	channel     assent.channel NOT NULL,
	at          timestamptz NOT NULL DEFAULT now(),
	taken       int[] NOT NULL CHECK (cardinality(taken) > 0),
	before      jsonb,
	after       jsonb NOT NULL,
	undone      boolean NOT NULL DEFAULT false,
	explained   boolean NOT NULL DEFAULT false
);
CREATE INDEX departure_at ON assent.departure (at);
CREATE INDEX departure_key ON assent.departure (key);
COMMENT ON TABLE assent.departure IS
	'What a press of an opt-out page took, for as long as it can be taken back';
COMMENT ON COLUMN assent.departure.reference IS
	'The hash of what stands in the page that was pressed';
COMMENT ON COLUMN assent.departure.taken IS
	'What was in force before and was not after';
COMMENT ON COLUMN assent.departure.before IS
	'The consent as it was found; NULL: nothing was on record';

-- A pair as it stands on record; NULL when nothing is.
CREATE FUNCTION assent.on_record(p_contact bigint, p_purpose int,
	p_channel assent.channel)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = assent, pg_temp
SET timezone = 'UTC' AS $$
	SELECT to_jsonb(c) FROM consent c WHERE c.contact_id = p_contact
		AND c.purpose_id = p_purpose AND c.channel = p_channel
$$;

-- The press that a reference stands for, if it can still be taken back; three
-- are, of an address in an hour.
CREATE FUNCTION assent.departed(p_key bytea, p_purpose int,
	p_channel assent.channel, p_reference bytea)
RETURNS assent.departure LANGUAGE sql STABLE
SET search_path = assent, pg_temp AS $$
	SELECT d FROM departure d JOIN endpoint e USING (key, contact_id)
	WHERE d.reference = sha256(p_reference) AND d.key = p_key
		AND d.purpose_id = p_purpose AND d.channel = p_channel
		AND d.at > now() - interval '1 hour' AND NOT d.undone
		AND d.after = on_record(d.contact_id, d.purpose_id, d.channel)
		AND (SELECT count(*) FROM departure u WHERE u.key = p_key
			AND u.undone AND u.at > now() - interval '1 hour') < 3
$$;

-- What the page of an opt-out link shows: which purpose (NULL: all that the
-- brand says), whether it has been left, what else in force leaving takes and
-- what it leaves, and whether a press asks back first; and of the press
-- p_reference what it took beside, whether it can be taken back and was
-- explained.  No row when nobody has p_key.
CREATE FUNCTION assent.opt_out_show(p_key bytea, p_purpose int,
	p_channel assent.channel, p_language text, p_reference bytea)
RETURNS TABLE (address text, language text, brand text, title text,
	has_left boolean, takes text, keeps text, took text, undo boolean,
	explained boolean, double boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	who    record;
	words  text[];
	force  int[];
	below  int[];
	stands int;
	press  departure := departed(p_key, p_purpose, p_channel, p_reference);
BEGIN
	SELECT o.id, o.language, n.kind, n.canonical INTO who
	FROM endpoint n JOIN contact o ON o.id = n.contact_id
	WHERE n.key = p_key;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	words := ARRAY[who.language, p_language, 'en'];
	SELECT array_agg(purpose) FILTER (WHERE standing = 2
			AND (expires > now()) IS NOT FALSE),
		max(standing) FILTER (WHERE purpose = p_purpose)
	INTO force, stands
	FROM effective(ARRAY[who.id], who.kind) AS e WHERE e.channel = p_channel;
	below := ARRAY(SELECT unnest(force) INTERSECT SELECT also_left(p_purpose));
	RETURN QUERY SELECT masked(who.kind, who.canonical), who.language::text,
		b.name, CASE WHEN p.slug <> 'all' THEN title_in(p.id, words) END,
		(stands IN (3, 4) OR on_record(who.id, p.id, p_channel)
			->> 'state' = 'withdrawn') IS TRUE
			AND below = '{}' AND (p.id = ANY (force)) IS NOT TRUE,
		titles_in(below, words),
		titles_in(ARRAY(SELECT q.id FROM purpose q
			JOIN brands_of(p.id) AS u ON u.brand = q.brand_id
			WHERE q.id = ANY (force) AND q.id <> ALL (below)
			AND q.id <> p.id AND NOT q.monitoring), words),
		titles_in(array_remove(press.taken, p.id), words),
		press.reference IS NOT NULL, coalesce(press.explained, false),
		leaves_double(p_key, p.id, p_channel)
	FROM purpose p JOIN brand b ON b.id = p.brand_id WHERE p.id = p_purpose;
END $$;

-- opt_out() by a press of the page's button, which can be taken back.  Pressed
-- twice, the second changes nothing.
CREATE FUNCTION assent.opt_out_press(p_marked text, p_key bytea, p_purpose int,
	p_channel assent.channel, p_reference bytea, p_source text,
	p_fields jsonb)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	who   bigint;
	was   jsonb;
	taken int[];
	did   boolean;
BEGIN
	PERFORM set_config('assent.marked', coalesce(p_marked, ''), true);
	-- As in contact_of(), and before the contact.
	PERFORM pg_advisory_xact_lock(hashtextextended(encode(p_key, 'hex'), 0));
	SELECT c.id INTO who FROM contact c JOIN endpoint e ON e.contact_id = c.id
	WHERE e.key = p_key FOR UPDATE OF c;
	IF (departed(p_key, p_purpose, p_channel, p_reference)).reference
		IS NOT NULL THEN
		RETURN QUERY SELECT * FROM permits_of(p_key, false);
		RETURN;
	END IF;
	was := on_record(who, p_purpose, p_channel);
	taken := in_force(who, p_channel);
	SELECT bool_or(o.changed) INTO did FROM opt_out(p_marked, p_key,
		p_purpose, p_channel, p_source, p_fields) AS o;
	taken := ARRAY(SELECT unnest(taken)
		EXCEPT SELECT unnest(in_force(who, p_channel)));
	DELETE FROM departure WHERE reference IN (SELECT reference FROM departure
		WHERE at < now() - interval '1 hour' LIMIT 2 FOR UPDATE SKIP LOCKED);
	IF taken <> '{}' THEN
		INSERT INTO departure (reference, key, contact_id, purpose_id,
			channel, taken, before, after)
		VALUES (sha256(p_reference), p_key, who, p_purpose, p_channel,
			taken, was, on_record(who, p_purpose, p_channel))
		ON CONFLICT (reference) DO NOTHING;
	END IF;
	RETURN QUERY SELECT * FROM permits_of(p_key, did);
END $$;

-- What a person did about such a press, beside the event that it is about.
CREATE FUNCTION assent.record_about(p_act assent.act, d assent.departure,
	p_source text, p_fields jsonb)
RETURNS bigint LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	e event;
BEGIN
	e.act := p_act;
	e.contact_id := d.contact_id;
	e.purpose_id := d.purpose_id;
	e.channel := d.channel;
	e.at := now();
	e.source := p_source;
	e.about := d.after ->> 'event_id';
	RETURN append(e, p_fields);
END $$;

-- Takes a press back, if that can be done: the record is as it was before.
CREATE FUNCTION assent.opt_out_undo(p_marked text, p_key bytea, p_purpose int,
	p_channel assent.channel, p_reference bytea, p_source text,
	p_fields jsonb)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	press departure;
	was   consent;
BEGIN
	PERFORM set_config('assent.marked', coalesce(p_marked, ''), true);
	PERFORM FROM contact c JOIN endpoint e ON e.contact_id = c.id
	WHERE e.key = p_key FOR UPDATE OF c;
	press := departed(p_key, p_purpose, p_channel, p_reference);
	IF press.reference IS NOT NULL THEN
		PERFORM record_about('undo', press, p_source, p_fields);
		UPDATE departure SET undone = true
		WHERE reference = press.reference;
		was := jsonb_populate_record(NULL::consent, press.before);
		DELETE FROM consent WHERE contact_id = press.contact_id
			AND purpose_id = p_purpose AND channel = p_channel;
		INSERT INTO consent SELECT was.* WHERE press.before IS NOT NULL;
	END IF;
	RETURN QUERY SELECT * FROM permits_of(p_key,
		press.reference IS NOT NULL);
END $$;

-- Keeps why somebody left, as personal fields of an event, if this press can
-- still be explained; whether it was kept.  That somebody left stands whatever
-- they say of it, so what is no reason of the page's is only not kept.
CREATE FUNCTION assent.opt_out_reason(p_key bytea, p_purpose int,
	p_channel assent.channel, p_reference bytea, p_reason text, p_words text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	press departure;
BEGIN
	PERFORM FROM contact c JOIN endpoint e ON e.contact_id = c.id
	WHERE e.key = p_key FOR UPDATE OF c;
	press := departed(p_key, p_purpose, p_channel, p_reference);
	IF press.reference IS NULL OR press.explained
		OR (p_reason IN ('often', 'irrelevant', 'unasked', 'other'))
			IS NOT TRUE THEN
		RETURN false;
	END IF;
	PERFORM record_about('reason', press, 'page', jsonb_strip_nulls(
		jsonb_build_object('reason', p_reason,
			'words', nullif(left(p_words, 1000), ''))));
	UPDATE departure SET explained = true WHERE reference = press.reference;
	RETURN true;
END $$;

-- What saving would do beside what was ticked and unticked, as titles: it is
-- saved, and taken back.  No row when it would do nothing else.
CREATE FUNCTION assent.preferences_review(p_key bytea, p_purpose int,
	p_channel assent.channel, p_leave int[], p_join int[], p_texts int[],
	p_gives boolean, p_language text)
RETURNS TABLE (language text, stops text, starts text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	who     contact;
	before  int[];
	got     int[];
	words   text[];
BEGIN
	SELECT o.* INTO who FROM contact o JOIN endpoint e ON e.contact_id = o.id
	WHERE e.key = p_key;
	before := in_force(who.id, p_channel);
	BEGIN
		PERFORM preferences_save('', p_key, p_purpose, p_channel, p_leave,
			p_join, p_texts, false, p_gives, 'preferences', NULL);
		got := in_force(who.id, p_channel);
		RAISE SQLSTATE 'XA001';
	EXCEPTION WHEN SQLSTATE 'XA001' THEN
		words := ARRAY[who.language, p_language, 'en'];
	END;
	RETURN QUERY SELECT who.language::text, t.stops, t.starts
	FROM (SELECT titles_in(ARRAY(SELECT unnest(before || p_join)
			EXCEPT SELECT unnest(got || p_leave)), words) AS stops,
		titles_in(ARRAY(SELECT unnest(got)
			EXCEPT SELECT unnest(before || p_join)), words) AS starts) AS t
	WHERE num_nonnulls(t.stops, t.starts) > 0;
END $$;

CREATE TABLE assent.leave_request (
	reference     bytea PRIMARY KEY CHECK (octet_length(reference) = 32),
	pressed       bytea NOT NULL UNIQUE CHECK (octet_length(pressed) = 32),
	key           assent.address_key NOT NULL,
	purpose_id    int NOT NULL REFERENCES assent.purpose,
	channel       assent.channel NOT NULL,
	message_id    text NOT NULL CHECK (message_id <> ''),
	fields        jsonb CHECK (octet_length(fields::text) <= 8192),
	requested_at  timestamptz NOT NULL DEFAULT now(),
	expires_at    timestamptz NOT NULL DEFAULT now() + interval '7 days',
	confirmed_at  timestamptz,
	-- The ledger has it then.
	CHECK ((confirmed_at IS NULL) = (fields IS NOT NULL))
);
CREATE INDEX leave_request_key ON assent.leave_request (key, requested_at);
CREATE INDEX leave_request_expires ON assent.leave_request (expires_at);
COMMENT ON TABLE assent.leave_request IS
	'Who wants to leave what is only left by a mailed link; for seven days';
COMMENT ON COLUMN assent.leave_request.reference IS
	'The hash of what the link in the mail refers to; pressed: of the page';
ALTER TABLE assent.leave_request ALTER fields SET STATISTICS 0;

-- Whether a press asks back first: the purpose says so, there is something to
-- leave, and a mail can be sent.  Where it cannot, leaving takes one press.
CREATE FUNCTION assent.leaves_double(p_key bytea, p_purpose int,
	p_channel assent.channel)
RETURNS boolean LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	SELECT EXISTS (SELECT FROM purpose p, endpoint e
		WHERE p.id = p_purpose AND p.opt_out = 'double'
		AND sender_of(p.brand_id) IS NOT NULL
		AND e.key = p_key AND e.kind = 'email'
		AND in_force(e.contact_id, p_channel)
			&& (p.id || ARRAY(SELECT also_left(p.id))))
$$;

-- Queues the mail that asks whether to leave, if a press is to cause one; three
-- go to an address in a day.  p_pressed refers to the page, p_reference to the
-- mail's link.  False when the press is to be carried out at once.
CREATE FUNCTION assent.opt_out_ask(p_key bytea, p_purpose int,
	p_channel assent.channel, p_pressed bytea, p_reference bytea,
	p_language text, p_message_id text, p_fields jsonb)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	IF NOT leaves_double(p_key, p_purpose, p_channel) THEN
		RETURN false;
	END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended(
		'leaving of ' || encode(p_key, 'hex'), 0));
	DELETE FROM leave_request WHERE reference IN (SELECT reference
		FROM leave_request WHERE expires_at < now()
		LIMIT 2 FOR UPDATE SKIP LOCKED);
	IF (SELECT count(*) FROM leave_request WHERE key = p_key
		AND requested_at > now() - interval '1 day') >= 3 THEN
		RETURN true;
	END IF;
	INSERT INTO leave_request (reference, pressed, key, purpose_id, channel,
		message_id, fields)
	VALUES (sha256(p_reference), sha256(p_pressed), p_key, p_purpose,
		p_channel, p_message_id, coalesce(p_fields, '{}'))
	ON CONFLICT (pressed) DO NOTHING;
	IF NOT FOUND THEN
		RETURN true;
	END IF;
	INSERT INTO mail (kind, message_id, key, recipient, language, data,
		expires_at)
	SELECT 'opt-out', p_message_id, p_key, e.original,
		coalesce(o.language, p_language),
		jsonb_strip_nulls(jsonb_build_object(
			'reference', encode(p_reference, 'hex'), 'brand', b.name,
			'sender', sender_of(b.id), 'colour', (SELECT colour
				FROM page_look('opt-out', NULL, p.id, 'opt-out',
				coalesce(o.language, p_language))), 'purpose',
			CASE WHEN p.slug <> 'all' THEN title_in(p.id,
				ARRAY[o.language, p_language, 'en']) END)),
		now() + interval '7 days'
	FROM endpoint e JOIN contact o ON o.id = e.contact_id, purpose p
	JOIN brand b ON b.id = p.brand_id
	WHERE e.key = p_key AND p.id = p_purpose;
	RETURN true;
END $$;

-- What the link in such a mail leaves; no row when it does not work any more.
CREATE FUNCTION assent.leave_request_show(p_reference bytea)
RETURNS TABLE (key bytea, purpose int, channel text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = assent, pg_temp AS $$
	SELECT key::bytea, purpose_id, channel::text FROM leave_request
	WHERE reference = sha256(p_reference) AND expires_at > now()
$$;

-- Leaves it.  Returns the permits that the cache must now hold, as assent.change
-- does; also when it was confirmed before.
CREATE FUNCTION assent.leave_request_confirm(p_marked text, p_reference bytea,
	p_fields jsonb)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	asked leave_request;
	did   boolean := false;
BEGIN
	PERFORM set_config('assent.marked', coalesce(p_marked, ''), true);
	-- As in contact_of(), and before the row: as in forget().
	PERFORM pg_advisory_xact_lock(hashtextextended(encode(l.key, 'hex'), 0))
	FROM leave_request AS l WHERE l.reference = sha256(p_reference);
	SELECT * INTO asked FROM leave_request
	WHERE reference = sha256(p_reference) AND expires_at > now() FOR UPDATE;
	IF asked.confirmed_at IS NULL AND asked.reference IS NOT NULL THEN
		SELECT bool_or(o.changed) INTO did FROM opt_out(p_marked, asked.key,
			asked.purpose_id, asked.channel, 'double-opt-out',
			asked.fields || jsonb_strip_nulls(jsonb_build_object(
				'confirmed_ip', p_fields -> 'ip',
				'confirmed_user_agent', p_fields -> 'user_agent',
				'requested_at', asked.requested_at,
				'confirmed_at', now(),
				'message_id', asked.message_id))) AS o;
		UPDATE leave_request SET confirmed_at = now(), fields = NULL
		WHERE reference = asked.reference;
	END IF;
	RETURN QUERY SELECT * FROM permits_of(asked.key, did);
END $$;

-- Pauses until p_until what a preferences page shows, or (NULL) ends the pause:
-- all of the brand, and whatever of the companies' is in force.  Unless p_gives
-- a pause only becomes longer.
CREATE FUNCTION assent.preferences_pause(p_marked text, p_key bytea,
	p_purpose int, p_channel assent.channel, p_until timestamptz,
	p_gives boolean, p_source text, p_fields jsonb)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	who bigint;
	did boolean := false;
	one record;
BEGIN
	PERFORM set_config('assent.marked', coalesce(p_marked, ''), true);
	IF p_until <= now() OR p_until > now() + interval '1 year' THEN
		RAISE EXCEPTION 'a pause ends within a year, not on %', p_until;
	END IF;
	SELECT contact_id INTO who FROM endpoint AS e WHERE e.key = p_key;
	IF who IS NULL THEN
		RETURN;
	END IF;
	who := contact_with(p_key);
	FOR one IN
		SELECT u.purpose, c.paused_until FROM (
			SELECT root_of(brand) AS purpose FROM brands_of(p_purpose)
			WHERE distance = 0
			UNION
			SELECT q.id FROM brands_of(p_purpose) AS b
			JOIN purpose q ON q.brand_id = b.brand
			WHERE b.distance > 0 AND q.slug <> 'all' AND (p_until IS NULL
				OR q.id = ANY (in_force(who, p_channel)))
		) AS u
		LEFT JOIN consent c ON c.contact_id = who
			AND c.purpose_id = u.purpose AND c.channel = p_channel
		WHERE p_until IS NOT NULL OR c.paused_until IS NOT NULL
		ORDER BY 1
	LOOP
		CONTINUE WHEN NOT p_gives AND (p_until IS NULL
			OR p_until <= one.paused_until);
		did := apply(who, one.purpose, p_channel, CASE WHEN p_until IS NULL
			THEN 'resume' ELSE 'pause' END::act, now(), p_until, p_source,
			p_fields, NULL) OR did;
	END LOOP;
	RETURN QUERY SELECT * FROM permits_of(p_key, did);
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assent.opt_out_show, assent.leave_request_show
	TO assent_reader, assent_web;
GRANT EXECUTE ON FUNCTION assent.preferences_review,
	assent.preferences_pause, assent.opt_out_press, assent.opt_out_undo,
	assent.opt_out_reason, assent.opt_out_ask, assent.leave_request_confirm
	TO assent_web;
