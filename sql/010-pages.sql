-- SPDX-License-Identifier: ISC
--
-- pages - what a person sees and changes behind a link
--
-- A preferences link shows the purposes of the brand that it came from, and of
-- the companies above, on its channel; nothing else can be changed by it.

-- The brand of a purpose and the companies above it, nearest first.
CREATE FUNCTION assent.brands_of(p_purpose int)
RETURNS TABLE (brand int, distance int)
LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	WITH RECURSIVE up AS (
		SELECT b.id, b.parent_id, 0 AS distance FROM purpose p
		JOIN brand b ON b.id = p.brand_id WHERE p.id = p_purpose
		UNION ALL
		SELECT b.id, b.parent_id, up.distance + 1
		FROM up JOIN brand b ON b.id = up.parent_id
	)
	SELECT id, distance FROM up
$$;

-- What else is left by leaving a purpose: all below it, what is left with one
-- of those, and what requires one of those.
CREATE FUNCTION assent.also_left(p_purpose int)
RETURNS SETOF int LANGUAGE sql STABLE SET search_path = assent, pg_temp AS $$
	WITH RECURSIVE gone AS (
		SELECT p_purpose AS id
		UNION
		SELECT x.id FROM gone g CROSS JOIN LATERAL (
			SELECT purpose_id FROM lineage WHERE ancestor_id = g.id
			UNION ALL
			SELECT purpose_id FROM left_with WHERE left_id = g.id
			UNION ALL
			SELECT purpose_id FROM needed WHERE needed_id = g.id
		) AS x (id)
	)
	SELECT id FROM gone WHERE id <> p_purpose
$$;

-- The purposes of a preferences page, in the order of the trees; no row when
-- nobody has p_key.  Texts are in the person's language, else in p_language,
-- else in English; where there is none, the title is the purpose's.  `may_join`
-- is whether agreeing takes no more than saying so here; `leaves` are the titles
-- of what is in force and would be left, too; `paused` is the day until which
-- nothing of what is in force is wanted.
CREATE FUNCTION assent.preferences(p_key bytea, p_purpose int,
	p_channel assent.channel, p_language text)
RETURNS TABLE (address text, language text, brand text, purpose int,
	title text, body text, text_id int, standing int, may_join boolean,
	leaves text, paused text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH person AS MATERIALIZED (
		SELECT n.kind, n.canonical, o.id, o.language
		FROM endpoint n JOIN contact o ON o.id = n.contact_id
		WHERE n.key = p_key
	), stands AS MATERIALIZED (
		SELECT e.purpose, CASE WHEN e.standing IN (2, 6)
			AND e.expires <= now() THEN 0 ELSE e.standing END AS standing,
			CASE WHEN e.standing = 2 AND e.paused > now() THEN to_char(
				e.paused AT TIME ZONE 'UTC', 'YYYY-MM-DD') END AS paused
		FROM person, LATERAL effective(ARRAY[person.id], person.kind) AS e
		WHERE e.channel = p_channel
	), shown AS MATERIALIZED (
		SELECT b.distance, p.id, p.opt_in, s.standing, s.paused,
			coalesce(t.title, p.title) AS title, t.body,
			t.id AS text_id, (SELECT array_agg(q.slug::text
				ORDER BY l.distance DESC) FROM lineage l
				JOIN purpose q ON q.id = l.ancestor_id
				WHERE l.purpose_id = p.id) AS path
		FROM person CROSS JOIN brands_of(p_purpose) AS b
		JOIN purpose p ON p.brand_id = b.brand
		LEFT JOIN stands s ON s.purpose = p.id
		LEFT JOIN LATERAL (SELECT t.id, t.title, t.body FROM purpose_text t
			WHERE t.purpose_id = p.id
			AND language_number(t.language) IN (
				language_number(person.language),
				language_number(p_language), language_number('en'))
			ORDER BY language_number(t.language)
					<> language_number(person.language),
				language_number(t.language)
					<> language_number(p_language),
				t.language, t.version DESC
			LIMIT 1) AS t ON true
		WHERE p.slug <> 'all' AND p.legal_basis <> 'contract'
			AND p_channel = ANY (p.channels)
	)
	SELECT masked(person.kind, person.canonical), person.language::text,
		(SELECT b.name FROM purpose p JOIN brand b ON b.id = p.brand_id
			WHERE p.id = p_purpose),
		s.id, s.title, s.body, s.text_id, coalesce(s.standing, 0),
		s.opt_in = 'single' AND coalesce(s.standing, 0) IN (0, 1, 3),
		(SELECT string_agg(o.title, ', ' ORDER BY o.distance, o.path)
			FROM shown o WHERE o.standing = 2
			AND o.id IN (SELECT also_left(s.id))), s.paused
	FROM person CROSS JOIN shown s ORDER BY s.distance, s.path;
END $$;

-- Leaves some of what a preferences page shows, and agrees to some, each under
-- the text that was shown (p_texts, parallel to p_join; 0 for none).  To keep
-- what is left with something else is to agree to it; unless p_gives, nothing
-- else is agreed to.  p_all leaves all of the brand and whatever of the
-- companies' is in force.  Returns the permits that the cache must now hold, as
-- assent.change does.
CREATE FUNCTION assent.preferences_save(p_marked text, p_key bytea,
	p_purpose int, p_channel assent.channel, p_leave int[], p_join int[],
	p_texts int[], p_all boolean, p_gives boolean, p_source text, p_fields jsonb)
RETURNS TABLE (key bytea, packed bytea, changed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	who  bigint;
	did  boolean := false;
	one  record;
BEGIN
	PERFORM set_config('assent.marked', coalesce(p_marked, ''), true);
	IF p_all AND NOT EXISTS (SELECT FROM endpoint AS e WHERE e.key = p_key) THEN
		PERFORM suppress(p_key, root_of(brand), p_channel, p_source)
		FROM brands_of(p_purpose) WHERE distance = 0;
	END IF;
	SELECT contact_id INTO who FROM endpoint AS e WHERE e.key = p_key;
	IF who IS NULL THEN
		RETURN;
	END IF;
	who := contact_with(p_key);
	IF p_all THEN
		SELECT array_agg(purpose) INTO p_leave
		FROM preferences(p_key, p_purpose, p_channel, NULL)
		WHERE standing IN (1, 2, 6);
		p_leave := p_leave || (SELECT root_of(brand)
			FROM brands_of(p_purpose) WHERE distance = 0);
		p_join := '{}';
	END IF;
	FOR one IN
		SELECT 'withdraw'::act AS act, now() AS at, l AS purpose,
			NULL::int AS text
		FROM unnest(p_leave) AS l
		WHERE p_all OR l IN (SELECT purpose
			FROM preferences(p_key, p_purpose, p_channel, NULL)
			WHERE standing IN (1, 2, 6))
		UNION ALL
		-- Also what would else be left with something else.
		SELECT 'grant', now() + interval '1 microsecond', j.purpose,
			nullif(j.text, 0)
		FROM unnest(p_join, p_texts) AS j (purpose, text)
		WHERE j.purpose IN (SELECT purpose
			FROM preferences(p_key, p_purpose, p_channel, NULL)
			WHERE p_gives AND may_join OR (standing = 2 AND purpose IN
				(SELECT also_left(l) FROM unnest(p_leave) AS l)))
		ORDER BY 2, 3
	LOOP
		IF one.text IS NOT NULL AND NOT EXISTS (SELECT FROM purpose_text
			WHERE id = one.text AND purpose_id = one.purpose) THEN
			RAISE EXCEPTION 'text % is of another purpose', one.text;
		END IF;
		did := apply(who, one.purpose, p_channel, one.act, one.at, NULL,
			p_source, p_fields, one.text) OR did;
	END LOOP;
	IF NOT did THEN
		PERFORM repack(ARRAY[who]);
	END IF;
	RETURN QUERY SELECT * FROM permits_of(p_key, did);
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assent.preferences TO assent_reader, assent_web;
GRANT EXECUTE ON FUNCTION assent.preferences_save TO assent_web;
