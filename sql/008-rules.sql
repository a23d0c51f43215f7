-- SPDX-License-Identifier: ISC
--
-- rules - how consent changes, and what it comes to
--
-- Every door goes through assent.change or assent.opt_out: state, ledger and
-- permit change in one transaction.  Errors of class P0 are answers to the
-- person who asked; their texts say what to do.

-- What earlier migrations left under other arguments.
DROP FUNCTION IF EXISTS assent.record(assent.act, bigint, int, assent.channel,
	timestamptz, timestamptz, text, jsonb);
DROP FUNCTION IF EXISTS assent.effective(bigint, assent.endpoint_kind);
DROP FUNCTION IF EXISTS assent.pack(bigint, assent.endpoint_kind);
DROP FUNCTION IF EXISTS assent.repack(bigint);
DROP FUNCTION IF EXISTS assent.contact_of(assent.address_key,
	assent.endpoint_kind, text, text);
DROP FUNCTION IF EXISTS assent.apply(bigint, int, assent.channel, assent.act,
	timestamptz, timestamptz, text, jsonb);
DROP FUNCTION IF EXISTS assent.change(text, assent.act, bytea,
	assent.endpoint_kind, text, text, int, assent.channel, timestamptz,
	timestamptz, text, jsonb);
DROP FUNCTION IF EXISTS assent.explain(bytea, int, assent.channel);
DROP FUNCTION IF EXISTS assent.person_ledger(bytea, text);

ALTER TABLE assent.event
	ADD CHECK (contact_id IS NOT NULL
		OR act IN ('define', 'forget', 'lift-erasure', 'audience'));

-- As in 006, and facts 5, which may be missing now, and 14.  One expression,
-- which the planner puts where it is called: an import makes millions of them.
CREATE OR REPLACE FUNCTION assent.event_leaf(e assent.event)
RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT sha256('\x00617373656e74206576656e7420310a0100000008'::bytea
		|| int8send(e.id)
		|| '\x0200000008'::bytea || timestamptz_send(e.recorded_at)
		|| '\x0300000008'::bytea || timestamptz_send(e.at)
		|| '\x04'::bytea
		|| int4send(octet_length(convert_to(e.act::text, 'UTF8')))
		|| convert_to(e.act::text, 'UTF8')
		|| coalesce('\x0500000008'::bytea || int8send(e.contact_id), '')
		|| coalesce('\x0600000008'::bytea || int8send(e.purpose_id), '')
		|| coalesce('\x07'::bytea
			|| int4send(octet_length(convert_to(e.channel::text, 'UTF8')))
			|| convert_to(e.channel::text, 'UTF8'), '')
		|| coalesce('\x0800000008'::bytea
			|| timestamptz_send(e.expires_at), '')
		|| '\x09'::bytea
		|| int4send(octet_length(convert_to(e.source, 'UTF8')))
		|| convert_to(e.source, 'UTF8')
		|| '\x0a'::bytea
		|| int4send(octet_length(convert_to(e.actor, 'UTF8')))
		|| convert_to(e.actor, 'UTF8')
		|| '\x0b00000020'::bytea || e.commitment
		|| coalesce('\x0c00000008'::bytea || int8send(e.about), '')
		|| coalesce('\x0d00000008'::bytea || int8send(e.text_id), '')
		|| coalesce('\x0e'::bytea
			|| int4send(octet_length(convert_to(e.detail, 'UTF8')))
			|| convert_to(e.detail, 'UTF8'), ''))
$$;

-- Records what a person did about one pair; the event's number.
CREATE FUNCTION assent.record(p_act assent.act, p_contact bigint,
	p_purpose int, p_channel assent.channel, p_at timestamptz,
	p_expires timestamptz, p_source text, p_fields jsonb,
	p_text int DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	e event;
BEGIN
	e.act := p_act;
	e.contact_id := p_contact;
	e.purpose_id := p_purpose;
	e.channel := p_channel;
	e.at := p_at;
	e.expires_at := p_expires;
	e.source := p_source;
	e.text_id := p_text;
	RETURN append(e, p_fields);
END $$;

-- Where every purpose and channel of one kind stands for a contact, by these
-- rules, of which the least permissive wins:
--
-- - An objection, a restriction or a suspension holds for all below it; and a
--   pause, while it lasts, but not for a contract.
-- - A grant covers all below it, unless something above it was left at the same
--   time or later; or something that the purpose is left with.
-- - The nearest above or at the purpose decides: such a grant, a withdrawal,
--   or a request that waits for confirmation after a withdrawal.  Another
--   request takes nothing from a grant above it, but a soft opt-in is less
--   than a request.
-- - Contract and legitimate interest need no grant.
-- - A grant ends when it says so, or after its purpose's validity; what it
--   covers, no later than after its own validity.
-- - An exemption, while it lasts, stands in for a consent that is missing, not
--   confirmed, run out, or was withdrawn before the exemption began; never for
--   one that was withdrawn since, and never over a flag.  Of several the one
--   that lasts longest counts.
-- - What a purpose requires must stand as well as it does itself.
--
-- `distance` is how far up the row is that decides, NULL when it is none;
-- `required` the purpose required that decides, if it is one; `exemption` the
-- one that does; `paused` until when nothing of it is wanted.
--
-- It is planned where it is called: see effective().  However few purposes the
-- planner believes to be, what bears on them is looked up (OFFSET 0): for one
-- contact that is all it takes.
CREATE FUNCTION assent.standings(p_contacts bigint[],
	p_channels assent.channel[])
RETURNS TABLE (contact bigint, purpose int, channel assent.channel,
	standing int, expires timestamptz, distance int, required int,
	exemption text, paused timestamptz)
LANGUAGE sql STABLE AS $$
	WITH everybody AS (
		-- Of whom nothing needs to be on record.
		SELECT purpose_id, NULL AS name, NULL::timestamptz AS since,
			NULL::timestamptz AS until
		FROM assent.bearing WHERE distance = 0
			AND basis IN ('contract', 'legitimate-interest')
		UNION ALL
		SELECT * FROM (SELECT DISTINCT ON (purpose_id) purpose_id,
				name::text, since, until
			FROM assent.exemption WHERE until > now()
			ORDER BY purpose_id, until DESC, name) AS longest
	), said AS (
		SELECT c.contact_id, b.purpose_id, c.channel, b.distance, c.state,
			c.objected_at IS NOT NULL AS objected,
			c.restricted_at IS NOT NULL AS restricted,
			c.suspended_at IS NOT NULL AS suspended,
			c.paused_until AS paused, c.since,
			coalesce(c.expires_at, c.since + b.on_validity) AS ends,
			CASE WHEN c.state = 'withdrawn'
				THEN greatest(c.since, c.withdrawn_at)
				ELSE c.withdrawn_at END AS left_at,
			b.on_basis = 'soft-opt-in' AS soft, b.basis, b.validity, b.needs,
			c.channel = ANY (b.channels) AS fits,
			NULL AS name, NULL::timestamptz AS exempt_since,
			NULL::timestamptz AS exempt_until
		FROM assent.consent c
		CROSS JOIN LATERAL (SELECT * FROM assent.bearing
			WHERE on_id = c.purpose_id OFFSET 0) AS b
		WHERE c.contact_id = ANY (p_contacts) AND c.channel = ANY (p_channels)
		UNION ALL
		SELECT who, b.purpose_id, c, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
			NULL, NULL, NULL, b.basis, b.validity, b.needs, true,
			e.name, e.since, e.until
		FROM everybody e
		CROSS JOIN LATERAL (SELECT * FROM assent.bearing
			WHERE on_id = e.purpose_id AND distance = 0 OFFSET 0) AS b
		CROSS JOIN LATERAL unnest(b.channels) AS c
		CROSS JOIN unnest(p_contacts) AS who
		WHERE c = ANY (p_channels)
	), dated AS (
		SELECT s.*, max(s.left_at) OVER (
			PARTITION BY s.contact_id, s.purpose_id, s.channel
			ORDER BY s.distance DESC NULLS FIRST
			ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
			AS left_above
		FROM said s
	), counted AS (
		SELECT d.*, d.state = 'granted'
			AND coalesce(d.since > d.left_above, true) AS counts
		FROM dated d
	), decided AS (
		SELECT c.*, min(c.distance) FILTER (WHERE c.counts
			OR c.state = 'withdrawn'
			OR (c.state = 'pending' AND c.left_at IS NOT NULL))
			OVER (PARTITION BY c.contact_id, c.purpose_id, c.channel)
			AS first
		FROM counted c
	), summed AS (
		SELECT contact_id, purpose_id, channel,
			bool_or(distance = 0) AS recorded,
			min(distance) FILTER (WHERE objected) AS objected,
			min(distance) FILTER (WHERE restricted) AS restricted,
			min(distance) FILTER (WHERE suspended) AS suspended,
			max(paused) FILTER (WHERE distance IS NOT NULL) AS paused,
			min(distance) FILTER (WHERE state = 'pending') AS pending,
			min(distance) FILTER (WHERE state = 'granted' AND NOT counts)
				AS ended,
			min(first) AS first,
			max(state) FILTER (WHERE distance = first) AS state,
			max(since) FILTER (WHERE distance = first) AS since,
			max(ends) FILTER (WHERE distance = first) AS ends,
			bool_or(soft) FILTER (WHERE distance = first) AS soft,
			max(left_at) AS left_at,
			max(left_at) FILTER (WHERE distance IS NULL) AS left_with,
			max(validity) AS validity, max(needs) AS needs,
			bool_or(fits) AS fits, bool_or(fits AND basis IN ('contract',
				'legitimate-interest')) AS implied,
			bool_or(basis = 'contract') AS contract,
			max(name) AS name, max(exempt_since) AS exempt_since,
			max(exempt_until) AS until
		FROM decided GROUP BY 1, 2, 3
	), judged AS (
		SELECT s.contact_id, s.purpose_id, s.channel,
			CASE WHEN s.objected IS NOT NULL THEN 4
			WHEN s.restricted IS NOT NULL THEN 5
			WHEN s.state = 'withdrawn' OR (s.first IS NULL
				AND s.ended IS NOT NULL) THEN 3
			WHEN s.implied AND s.first IS NULL
				AND s.left_with IS NOT NULL THEN 3
			WHEN s.suspended IS NOT NULL THEN 6
			WHEN s.state = 'pending' THEN 1
			WHEN s.implied THEN 2
			WHEN s.state = 'granted' THEN
				CASE WHEN s.soft AND s.pending < s.first
				THEN 1 ELSE 2 END
			WHEN s.pending IS NOT NULL THEN 1
			ELSE 0 END AS standing,
			CASE WHEN s.state = 'granted' AND NOT s.implied THEN
				CASE WHEN s.first = 0 THEN s.ends
				ELSE least(s.ends, s.since + s.validity) END
			END AS expires,
			coalesce(s.objected, s.restricted,
				CASE WHEN s.state = 'withdrawn' THEN s.first END,
				CASE WHEN s.first IS NULL THEN s.ended END, s.suspended,
				CASE WHEN s.soft AND s.pending < s.first
					AND NOT s.implied THEN s.pending END,
				s.first,
				CASE WHEN NOT s.implied THEN s.pending END)
				AS distance,
			s.fits OR s.recorded IS TRUE AS used, s.needs,
			s.suspended IS NULL AND s.left_at >= s.exempt_since IS NOT TRUE
				AS may_exempt, s.name, s.until,
			CASE WHEN NOT s.contract THEN s.paused END AS paused
		FROM summed s OFFSET 0
	), weighed AS (
		SELECT j.*, j.name IS NOT NULL AND j.may_exempt AND (j.standing IN
			(0, 1, 3) OR j.standing = 2 AND j.expires < j.until)
			AS exempted FROM judged j OFFSET 0
	), settled AS (
		SELECT n.contact_id, n.purpose_id, n.channel, n.used, n.needs, n.paused,
			CASE WHEN n.exempted THEN 2 ELSE n.standing END AS standing,
			CASE WHEN n.exempted THEN n.until ELSE n.expires END AS expires,
			CASE WHEN NOT n.exempted THEN n.distance END AS distance,
			CASE WHEN n.exempted THEN n.name END AS exemption
		FROM weighed n
	), ranked AS (
		-- The higher the less permissive; what ends is known to the reader.
		SELECT j.*, (ARRAY[1, 2, 0, 4, 6, 5, 3])[j.standing + 1] AS rank,
			CASE WHEN j.standing IN (2, 6) THEN j.expires END AS ends
		FROM settled j
	), demanded AS (
		SELECT j.contact_id, j.purpose_id, j.channel,
			max(coalesce(q.rank, 1)) AS rank, min(q.ends) AS ends,
			max(q.paused) AS paused,
			(array_agg(n ORDER BY coalesce(q.rank, 1) DESC, n))[1] AS needed_id
		FROM ranked j CROSS JOIN LATERAL unnest(j.needs) AS n
		LEFT JOIN ranked q ON q.contact_id = j.contact_id
			AND q.purpose_id = n AND q.channel = j.channel
		GROUP BY 1, 2, 3
	)
	SELECT r.contact_id, r.purpose_id, r.channel, f.standing,
		CASE WHEN f.standing IN (2, 6) THEN least(r.ends, d.ends) END,
		r.distance,
		CASE WHEN d.rank > r.rank OR d.ends < coalesce(r.ends, 'infinity')
			THEN d.needed_id END,
		r.exemption, greatest(r.paused, d.paused)
	FROM ranked r
	LEFT JOIN demanded d USING (contact_id, purpose_id, channel)
	CROSS JOIN LATERAL (SELECT (ARRAY[2, 0, 1, 6, 3, 5, 4])
		[greatest(r.rank, d.rank) + 1] AS standing) AS f
	WHERE r.used AND r.standing <> 0
$$;

-- The same for one kind of endpoint, planned once a session for one contact:
-- that takes longer than running it; for many each time, and by hash joins, as
-- the others take for ever with thousands when statistics are of yesterday.
CREATE FUNCTION assent.effective(p_contacts bigint[],
	p_kind assent.endpoint_kind)
RETURNS TABLE (contact bigint, purpose int, channel assent.channel,
	standing int, expires timestamptz, distance int, required int,
	exemption text, paused timestamptz)
LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_memoize = off SET enable_nestloop = on SET enable_mergejoin = on AS $$
BEGIN
	IF cardinality(p_contacts) > 8 THEN
		PERFORM set_config('plan_cache_mode', 'force_custom_plan', true),
			set_config('enable_memoize', 'on', true),
			set_config('enable_nestloop', 'off', true),
			set_config('enable_mergejoin', 'off', true);
	END IF;
	RETURN QUERY SELECT * FROM standings(p_contacts, kind_channels(p_kind));
END $$;

-- The number of a language in a permit (policy/language.h), 0 for one that is
-- not there.
CREATE FUNCTION assent.language_number(p_language text)
RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT coalesce(array_position('{bg,cs,da,de,el,en,es,et,fi,fr,ga,hr,hu,it,lt,lv,
		mt,nl,pl,pt,ro,sk,sl,sv,no,nb,nn,is,uk,be,ru,tr,
		sq,bs,sr,mk,hy,ka,ar,he,zh,ja,ko,ca,eu,gl,cy}'::text[],
		lower(split_part(p_language, '-', 1))), 0)
$$;

-- Contacts of whom the same is on record for one kind of endpoint, as far as
-- effective() looks at it: each with the one who stands for all of them.  A
-- date since when counts only if grants expire after it, or if it may be before
-- or after the contact left something.
CREATE FUNCTION assent.alike(p_contacts bigint[],
	p_kind assent.endpoint_kind)
RETURNS TABLE (contact bigint, leader bigint)
LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp
SET plan_cache_mode = force_custom_plan SET jit = off
SET enable_nestloop = off SET enable_mergejoin = off AS $$
DECLARE
	asked  channel[] := kind_channels(p_kind);
	dated  boolean := EXISTS (SELECT FROM purpose
		WHERE validity IS NOT NULL);
BEGIN
	RETURN QUERY
	WITH own AS MATERIALIZED (
		SELECT * FROM consent
		WHERE contact_id = ANY (p_contacts) AND channel = ANY (asked)
	), recorded AS (
		SELECT id, array_agg(ROW(c.purpose_id, c.channel, c.state,
				c.objected_at IS NULL, c.restricted_at IS NULL,
				c.suspended_at IS NULL, c.paused_until, c.expires_at,
				c.withdrawn_at)
				ORDER BY c.purpose_id, c.channel) AS facts,
			CASE WHEN dated OR bool_or(c.state = 'withdrawn'
					OR c.withdrawn_at IS NOT NULL)
				THEN array_agg(c.since
				ORDER BY c.purpose_id, c.channel) END AS dates
		FROM unnest(p_contacts) AS id
		LEFT JOIN own c ON c.contact_id = id GROUP BY 1
	), same AS (
		SELECT min(id) AS first, array_agg(id) AS who
		FROM recorded GROUP BY facts, dates
	)
	SELECT id, s.first FROM same s CROSS JOIN LATERAL unnest(s.who) AS id;
END $$;

-- The permits of contacts' endpoints of one kind (policy/permit.h).
CREATE FUNCTION assent.pack(p_contacts bigint[], p_kind assent.endpoint_kind)
RETURNS TABLE (contact bigint, packed bytea)
LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp
SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_memoize = off SET enable_nestloop = on SET enable_mergejoin = on AS $$
#variable_conflict use_column
DECLARE
	-- Who stands for each of them, and each of those once.
	leader_of  bigint[] := p_contacts;
	leaders    bigint[] := p_contacts;
BEGIN
	IF cardinality(p_contacts) > 8 THEN
		PERFORM set_config('plan_cache_mode', 'force_custom_plan', true),
			set_config('enable_memoize', 'on', true),
			set_config('enable_nestloop', 'off', true),
			set_config('enable_mergejoin', 'off', true);
		SELECT array_agg(contact), array_agg(leader),
			array_agg(DISTINCT leader)
		INTO p_contacts, leader_of, leaders FROM alike(p_contacts, p_kind);
	END IF;
	RETURN QUERY
	WITH pair AS (
		SELECT contact, purpose, channel_number(channel) AS channel, standing,
			-- 32 bits of seconds; rounded down, least permissive.
			CASE WHEN expires IS NOT NULL THEN
				least(greatest(floor(extract(epoch FROM expires)), 1),
				4294967295)::bigint END AS expires,
			CASE WHEN standing = 2 AND paused > now() THEN
				ceil(extract(epoch FROM paused))::bigint END AS paused
		FROM standings(leaders, kind_channels(p_kind)) WHERE standing <> 0
	), entry AS (
		-- A pause that is too late for 32 bits never ends.
		SELECT contact, purpose, channel, e.standing, e.expires, e.pause
		FROM pair CROSS JOIN LATERAL (VALUES (standing, expires, false),
			(7, CASE WHEN paused < 4294967296 THEN paused END, true))
			AS e (standing, expires, pause)
		WHERE NOT e.pause OR paused IS NOT NULL
	), placed AS (
		SELECT *, CASE WHEN expires IS NOT NULL THEN dense_rank() OVER (
			PARTITION BY contact ORDER BY expires) END AS place FROM entry
	), counted AS (
		SELECT *, max(place) OVER (PARTITION BY contact) AS places
		FROM placed
	), numbered AS (
		-- An octet numbers them. Of more than 255, neighbours share the
		-- earlier one, a pause the next or none: least permissive.
		SELECT *, CASE WHEN places <= 255 THEN place
			ELSE (place - 1) * 255 / places + 1 END AS number,
			places <= 255 OR place = 1 OR (place - 2) * 255 / places
				< (place - 1) * 255 / places AS first
		FROM counted
	), packed AS (
		SELECT contact, string_agg(DISTINCT substring(int8send(expires)
				FROM 5), '') FILTER (WHERE first) AS ends,
			string_agg(substring(int4send(purpose) FROM 3)
				|| substring(int4send(channel << 4 | standing) FROM 4)
				|| substring(int4send(CASE WHEN NOT pause OR first
					THEN coalesce(number, 0) WHEN number < 255
					THEN number + 1 ELSE 0 END::int) FROM 4),
				'' ORDER BY purpose, channel, pause DESC) AS pairs
		FROM numbered GROUP BY contact
	)
	SELECT k.id, set_byte('\x0100'::bytea, 1,
			coalesce(language_number(c.language), 0) << 2)
		|| substring(int4send(coalesce(octet_length(p.ends), 0) / 4) FROM 4)
		|| coalesce(p.ends, '') || coalesce(p.pairs, '')
	FROM unnest(p_contacts, leader_of) AS k (id, leader)
	LEFT JOIN LATERAL (SELECT language FROM contact
		WHERE id = k.id OFFSET 0) AS c ON true
	LEFT JOIN packed p ON p.contact = k.leader;
END $$;

-- Computes contacts' permits anew; how many became others.  The contacts must
-- be locked: what another transaction is about to commit would otherwise be
-- missing from them.
CREATE FUNCTION assent.repack(p_contacts bigint[])
RETURNS bigint LANGUAGE plpgsql SET search_path = assent, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_nestloop = on
SET enable_mergejoin = on AS $$
DECLARE
	kinds  endpoint_kind[] := ARRAY(SELECT DISTINCT kind FROM endpoint
		WHERE contact_id = ANY (p_contacts));
	k      endpoint_kind;
	n      bigint;
	total  bigint := 0;
BEGIN
	IF cardinality(p_contacts) > 8 THEN
		SET LOCAL plan_cache_mode = force_custom_plan;
		SET LOCAL enable_nestloop = off;
		SET LOCAL enable_mergejoin = off;
	END IF;
	FOREACH k IN ARRAY kinds LOOP
		INSERT INTO permit (key, packed)
		SELECT e.key, p.packed FROM endpoint e
		JOIN pack(p_contacts, k) AS p ON p.contact = e.contact_id
		WHERE e.kind = k AND e.contact_id = ANY (p_contacts) ORDER BY e.key
		ON CONFLICT (key) DO UPDATE SET packed = excluded.packed
		WHERE permit.packed <> excluded.packed;
		GET DIAGNOSTICS n = ROW_COUNT;
		total := total + n;
	END LOOP;
	RETURN total;
END $$;

-- A consent changed by hand is computed and distrusted like any other.
CREATE OR REPLACE FUNCTION assent.repack_all(p_contacts bigint[])
RETURNS void LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM FROM contact WHERE id = ANY (p_contacts) ORDER BY id FOR UPDATE;
	PERFORM repack(p_contacts);
END $$;

-- Computes the permits of the next p_count contacts after p_after anew.
-- `last` is NULL when there were none.
CREATE OR REPLACE FUNCTION assent.repack_batch(p_after bigint, p_count int,
	OUT last bigint, OUT contacts bigint, OUT permits bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
DECLARE
	who bigint[];
BEGIN
	PERFORM set_config('assent.marked', '', true);
	SELECT array_agg(id), max(id), count(*) INTO who, last, contacts
	FROM (SELECT id FROM contact WHERE id > p_after ORDER BY id
		LIMIT p_count FOR NO KEY UPDATE) AS c;
	permits := repack(coalesce(who, '{}'));
END $$;

-- The contact who has an address, locked until the end of the transaction;
-- made if there is none.  The lock on the key keeps two transactions from
-- making two.
CREATE FUNCTION assent.contact_of(p_key assent.address_key,
	p_kind assent.endpoint_kind, p_canonical text, p_original text,
	p_source text)
RETURNS bigint LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	who bigint;
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended(encode(p_key, 'hex'), 0));
	SELECT contact_id INTO who FROM endpoint WHERE key = p_key;
	IF who IS NULL THEN
		INSERT INTO contact (source) VALUES (
			CASE WHEN p_source = ANY (enum_range(NULL::data_source)::text[])
			THEN p_source::data_source END) RETURNING id INTO who;
		INSERT INTO endpoint (key, contact_id, kind, canonical, original)
		VALUES (p_key, who, p_kind, p_canonical, p_original);
	ELSE
		PERFORM FROM contact WHERE id = who FOR UPDATE;
		IF NOT FOUND THEN
			PERFORM refuse_erased(p_key, NULL);
		END IF;
	END IF;
	RETURN who;
END $$;

-- A consent row after an act; the pure heart of the rules.
CREATE OR REPLACE FUNCTION assent.after(c assent.consent, p_act assent.act,
	p_at timestamptz, p_expires timestamptz)
RETURNS assent.consent LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	-- Of a state set by hand, since is all there is.
	withdrawn_at timestamptz := greatest(c.withdrawn_at,
		CASE WHEN c.state = 'withdrawn' THEN c.since END);
BEGIN
	-- Of the same instant, the least permissive.
	IF p_act IN ('pend', 'grant') AND p_at <= withdrawn_at THEN
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
		c.objected_at := coalesce(c.objected_at, p_at);
	WHEN 'lift-objection' THEN
		c.objected_at := NULL;
	WHEN 'restrict' THEN
		c.restricted_at := coalesce(c.restricted_at, p_at);
	WHEN 'lift-restriction' THEN
		c.restricted_at := NULL;
	WHEN 'suspend' THEN
		c.suspended_at := coalesce(c.suspended_at, p_at);
	WHEN 'unsuspend' THEN
		c.suspended_at := NULL;
	WHEN 'pause' THEN
		c.paused_until := p_expires;
	WHEN 'resume' THEN
		c.paused_until := NULL;
	END CASE;
	RETURN c;
END $$;

-- Whether something that leaving a purpose would leave was granted since.
CREATE OR REPLACE FUNCTION assent.granted_since(p_contact bigint, p_purpose int,
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

-- What is on record of a pair of which nothing is.
CREATE FUNCTION assent.unrecorded(p_contact bigint, p_purpose int,
	p_channel assent.channel)
RETURNS assent.consent LANGUAGE sql IMMUTABLE AS $$
	SELECT ROW(p_contact, p_purpose, p_channel, 'none', '-infinity', NULL,
		NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
		NULL)::assent.consent
$$;

-- Applies an act to one pair. Whether it changed anything.
CREATE FUNCTION assent.apply(p_contact bigint, p_purpose int,
	p_channel assent.channel, p_act assent.act, p_at timestamptz,
	p_expires timestamptz, p_source text, p_fields jsonb, p_text int)
RETURNS boolean LANGUAGE plpgsql SET search_path = assent, pg_temp AS $$
DECLARE
	old    consent;
	new    consent;
	event  bigint;
BEGIN
	SELECT * INTO old FROM consent WHERE contact_id = p_contact
		AND purpose_id = p_purpose AND channel = p_channel;
	IF NOT FOUND THEN
		old := unrecorded(p_contact, p_purpose, p_channel);
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
	event := record(p_act, p_contact, p_purpose, p_channel, p_at, p_expires,
		p_source, p_fields, p_text);
	CASE
	WHEN p_act IN ('object', 'lift-objection') THEN
		new.objected_by := event;
	WHEN p_act IN ('restrict', 'lift-restriction') THEN
		new.restricted_by := event;
	WHEN p_act IN ('suspend', 'unsuspend') THEN
		new.suspended_by := event;
	WHEN p_act IN ('pause', 'resume') THEN
		new.paused_by := event;
	ELSE
		new.event_id := event;
	END CASE;
	-- A flag on a pair that never had a state dates from its act.
	new.event_id := coalesce(new.event_id, event);
	IF new.since = '-infinity' THEN
		new.since := p_at;
	END IF;
	-- Locked, the contact gets no other row meanwhile.
	IF old.event_id IS NULL THEN
		INSERT INTO consent SELECT new.*;
	ELSE
		UPDATE consent SET state = new.state, since = new.since,
			expires_at = new.expires_at, event_id = new.event_id,
			withdrawn_at = new.withdrawn_at,
			objected_at = new.objected_at, objected_by = new.objected_by,
			restricted_at = new.restricted_at,
			restricted_by = new.restricted_by,
			suspended_at = new.suspended_at,
			suspended_by = new.suspended_by,
			paused_until = new.paused_until,
			paused_by = new.paused_by
		WHERE contact_id = p_contact AND purpose_id = p_purpose
			AND consent.channel = p_channel;
	END IF;
	RETURN true;
END $$;

-- Applies an act to one pair of one address, or (p_purpose NULL) to all pairs
-- the contact has.  Returns the permits that the cache must now hold, and
-- whether anything changed.
CREATE FUNCTION assent.change(p_marked text, p_act assent.act,
	p_key bytea, p_kind assent.endpoint_kind, p_canonical text,
	p_original text, p_purpose int, p_channel assent.channel,
	p_at timestamptz, p_expires timestamptz, p_source text, p_fields jsonb,
	p_text int DEFAULT NULL)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
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
	IF p_text IS NOT NULL AND NOT EXISTS (
		SELECT FROM purpose_text t JOIN lineage l
			ON l.ancestor_id = t.purpose_id
		WHERE t.id = p_text AND l.purpose_id = p_purpose) THEN
		RAISE EXCEPTION 'text % is of another purpose', p_text;
	END IF;
	IF p_act IN ('pend', 'grant') THEN
		PERFORM refuse_erased(p_key, p_at);
	END IF;
	who := contact_of(p_key, p_kind, p_canonical, p_original, p_source);
	IF p_purpose IS NOT NULL THEN
		did := apply(who, p_purpose, p_channel, p_act, p_at, p_expires,
			p_source, p_fields, p_text);
	ELSE
		FOR pair IN SELECT purpose_id, channel FROM consent
			WHERE contact_id = who ORDER BY 1, 2
		LOOP
			did := apply(who, pair.purpose_id, pair.channel, p_act, p_at,
				p_expires, p_source, p_fields, p_text) OR did;
		END LOOP;
	END IF;
	-- What changed was packed by consent's trigger; a new address was not.
	IF NOT did THEN
		PERFORM repack(ARRAY[who]);
	END IF;
	RETURN QUERY SELECT * FROM permits_of(p_key, did);
END $$;

-- Withdraws every brand's purpose for monitoring, by every channel: whatever is
-- granted above them later does not cover them again.
CREATE FUNCTION assent.monitoring_off(p_marked text, p_key bytea, p_source text,
	p_fields jsonb)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	who  bigint;
	did  boolean := false;
	pair record;
BEGIN
	PERFORM set_config('assent.marked', coalesce(p_marked, ''), true);
	who := contact_with(p_key);
	FOR pair IN
		SELECT p.id, c.channel FROM purpose p
		CROSS JOIN LATERAL unnest(p.channels) AS c (channel)
		WHERE p.monitoring ORDER BY 1, 2
	LOOP
		did := apply(who, pair.id, pair.channel, 'withdraw', now(), NULL,
			p_source, p_fields, NULL) OR did;
	END LOOP;
	RETURN QUERY SELECT * FROM permits_of(p_key, did);
END $$;

-- Withdraws one pair of whoever has the address of `p_key`, which is all that
-- a link knows.  Nobody has it: no rows, and it is kept for who one day does.
CREATE OR REPLACE FUNCTION assent.opt_out(p_marked text, p_key bytea, p_purpose int,
	p_channel assent.channel, p_source text, p_fields jsonb)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	e endpoint;
BEGIN
	SELECT * INTO e FROM endpoint WHERE key = p_key;
	IF NOT FOUND THEN
		PERFORM suppress(p_key, p_purpose, p_channel, p_source);
		SELECT * INTO e FROM endpoint WHERE key = p_key;
	END IF;
	IF e.key IS NULL OR NOT EXISTS (
		SELECT FROM purpose WHERE id = p_purpose) THEN
		RETURN;
	END IF;
	RETURN QUERY SELECT * FROM change(p_marked, 'withdraw', p_key, e.kind,
		e.canonical, e.original, p_purpose, p_channel, NULL, NULL, p_source,
		p_fields);
END $$;

-- How one purpose came to stand where it does: the purposes above it, nearest
-- last, then what it requires, then what it is left with; each with what is on
-- record for it.  `decides` marks the row that did.
CREATE FUNCTION assent.explain(p_key bytea, p_purpose int,
	p_channel assent.channel)
RETURNS TABLE (relation text, brand text, purpose text, basis assent.legal_basis,
	state assent.state, objected boolean, restricted boolean,
	suspended boolean, since timestamptz, expires timestamptz,
	withdrawn_at timestamptz, event_id bigint, standing int, decides boolean,
	exemption text, paused timestamptz)
LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	who   bigint;
	kind  endpoint_kind := channel_kind(p_channel);
BEGIN
	SELECT contact_id INTO who FROM endpoint WHERE key = p_key;
	RETURN QUERY
	WITH stands AS MATERIALIZED (
		SELECT e.* FROM effective(ARRAY[who], kind) AS e
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
		coalesce(c.state, 'none'), c.objected_at IS NOT NULL,
		c.restricted_at IS NOT NULL, c.suspended_at IS NOT NULL, c.since,
		s.expires, c.withdrawn_at, c.event_id, coalesce(s.standing, 0),
		coalesce(n.decides, false), s.exemption, s.paused
	FROM near n JOIN purpose p ON p.id = n.purpose_id
	JOIN brand b ON b.id = p.brand_id
	LEFT JOIN consent c ON c.contact_id = who
		AND c.purpose_id = n.purpose_id AND c.channel = p_channel
	LEFT JOIN stands s ON s.purpose = n.purpose_id
	ORDER BY n.part, n.place;
END $$;

-- What the ledger has of the person with an address.  Reading is an event of
-- that person's, too; the server's log has it even if the reader rolls back.
CREATE FUNCTION assent.person_ledger(p_key bytea, p_source text)
RETURNS TABLE (id bigint, recorded_at timestamptz, at timestamptz, act text,
	contact_id bigint, purpose_id bigint, channel text,
	expires_at timestamptz, source text, actor text, commitment bytea,
	about bigint, text_id bigint, detail text, leaf bytea, salt bytea,
	fields text, number bigint,
	brand text, brand_name text, purpose text, title text, basis text,
	text_language text, text_version int, text_title text, text_body text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	e event;
BEGIN
	SELECT n.contact_id INTO e.contact_id FROM endpoint AS n
		WHERE n.key = p_key;
	IF e.contact_id IS NULL THEN
		RETURN;
	END IF;
	e.act := 'access';
	e.at := now();
	e.source := p_source;
	e.id := append(e, NULL);
	RAISE LOG 'assent: % reads the ledger of contact %: event %',
		session_user, e.contact_id, e.id;
	RETURN QUERY SELECT v.id, v.recorded_at, v.at, v.act::text, v.contact_id,
		v.purpose_id::bigint, v.channel::text, v.expires_at, v.source,
		v.actor, v.commitment, v.about, v.text_id::bigint, v.detail, v.leaf,
		p.salt, p.fields::text, l.number, b.slug::text, b.name,
		u.slug::text, u.title, u.legal_basis::text, t.language, t.version, t.title, t.body
	FROM event AS v
	LEFT JOIN event_person AS p ON p.event_id = v.id
	LEFT JOIN leaf AS l ON l.event_id = v.id
	LEFT JOIN purpose AS u ON u.id = v.purpose_id
	LEFT JOIN brand AS b ON b.id = u.brand_id
	LEFT JOIN purpose_text AS t ON t.id = v.text_id
	WHERE v.contact_id = e.contact_id AND v.id < e.id ORDER BY v.id;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assent.opt_out TO assent_web;
GRANT EXECUTE ON FUNCTION assent.change, assent.monitoring_off,
	assent.effective, assent.standings, assent.explain, assent.repack_batch
	TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.person_ledger TO assent_dpo;
