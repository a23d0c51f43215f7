-- SPDX-License-Identifier: ISC
--
-- looks - what the pages look like, and pages with words of one's own
--
-- The look is the brand's, or of the nearest company above that has one.  A page
-- of one's own belongs to a brand and is of a kind; it has words for the parts
-- of that kind (page/part.c has them) by language, and may have a template for
-- each.  Which page a link opens, its purpose says, or the nearest one above;
-- the link may name another.

CREATE TABLE assent.brand_look (
	brand_id  int PRIMARY KEY REFERENCES assent.brand,
	colour    text CHECK (colour ~ '^#[0-9a-f]{6}$'),
	logo      text CHECK (logo ~
		'^data:image/(png|jpeg);base64,[A-Za-z0-9+/]+=*$'
		AND octet_length(logo) <= 43720)
);
COMMENT ON COLUMN assent.brand_look.logo IS
	'As a URI that holds the image, of 32 KB at most';

CREATE TABLE assent.page (
	kind      text CHECK (kind IN
		('opt-out', 'preferences', 'profile', 'sign-up')),
	slug      assent.slug,
	brand_id  int NOT NULL REFERENCES assent.brand,
	PRIMARY KEY (kind, slug)
);
COMMENT ON TABLE assent.page IS 'Pages with words or templates of their own';
INSERT INTO assent.page SELECT 'sign-up', slug, brand_id FROM assent.form;

CREATE TABLE assent.page_text (
	kind      text,
	slug      assent.slug,
	part      assent.slug,
	language  assent.language,
	title     text CHECK (length(title) BETWEEN 1 AND 200),
	body      text CHECK (length(body) BETWEEN 1 AND 4000),
	button    text CHECK (length(button) BETWEEN 1 AND 100),
	PRIMARY KEY (kind, slug, part, language),
	FOREIGN KEY (kind, slug) REFERENCES assent.page ON DELETE CASCADE,
	CHECK (num_nonnulls(title, body, button) > 0)
);

CREATE TABLE assent.page_template (
	kind      text,
	slug      assent.slug,
	part      assent.slug,
	template  text NOT NULL
		CHECK (octet_length(template) BETWEEN 1 AND 32768),
	PRIMARY KEY (kind, slug, part),
	FOREIGN KEY (kind, slug) REFERENCES assent.page ON DELETE CASCADE
);

CREATE TABLE assent.page_use (
	purpose_id  int REFERENCES assent.purpose,
	kind        text CHECK (kind <> 'sign-up'),
	slug        assent.slug NOT NULL,
	PRIMARY KEY (purpose_id, kind),
	FOREIGN KEY (kind, slug) REFERENCES assent.page
);
COMMENT ON TABLE assent.page_use IS
	'Which page of a kind the links of a purpose open';

CREATE TRIGGER defined AFTER INSERT OR UPDATE OR DELETE ON assent.brand_look
	FOR EACH ROW EXECUTE FUNCTION assent.defined();
CREATE TRIGGER defined AFTER INSERT OR UPDATE OR DELETE ON assent.page
	FOR EACH ROW EXECUTE FUNCTION assent.defined();
CREATE TRIGGER defined AFTER INSERT OR UPDATE OR DELETE ON assent.page_text
	FOR EACH ROW EXECUTE FUNCTION assent.defined();
CREATE TRIGGER defined AFTER INSERT OR UPDATE OR DELETE ON assent.page_template
	FOR EACH ROW EXECUTE FUNCTION assent.defined();
CREATE TRIGGER defined AFTER INSERT OR UPDATE OR DELETE ON assent.page_use
	FOR EACH ROW EXECUTE FUNCTION assent.defined();

-- What is NULL stays as it is; what is empty goes.
CREATE FUNCTION assent.brand_look_set(p_slug text, p_colour text, p_logo text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	whose int;
BEGIN
	IF num_nonnulls(p_colour, p_logo) = 0 THEN
		RETURN;
	END IF;
	SELECT id INTO whose FROM brand WHERE slug = p_slug;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no brand "%"', p_slug;
	END IF;
	INSERT INTO brand_look AS l
	VALUES (whose, nullif(p_colour, ''), nullif(p_logo, ''))
	ON CONFLICT (brand_id) DO UPDATE SET
		colour = CASE WHEN p_colour IS NULL THEN l.colour
			ELSE excluded.colour END,
		logo = CASE WHEN p_logo IS NULL THEN l.logo
			ELSE excluded.logo END;
END $$;

CREATE FUNCTION assent.page_add(p_kind text, p_slug text, p_brand text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	whose int;
BEGIN
	SELECT id INTO whose FROM brand WHERE slug = p_brand;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no brand "%"', p_brand;
	END IF;
	INSERT INTO page VALUES (p_kind, p_slug, whose) ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is a page "%" already', p_slug;
	END IF;
END $$;

CREATE FUNCTION assent.form_add(p_slug text, p_brand text, p_purposes text[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	wanted int[] := form_purposes(p_brand, p_purposes);
	whose  int;
BEGIN
	SELECT id INTO whose FROM brand WHERE slug = p_brand;
	IF sender_of(whose) IS NULL THEN
		RAISE EXCEPTION 'brand "%" has no address to send mail from', p_brand
			USING HINT = 'assentctl brand edit --sender gives it one';
	END IF;
	PERFORM page_add('sign-up', p_slug, p_brand);
	INSERT INTO form (slug, brand_id, purposes)
	VALUES (p_slug, whose, wanted);
END $$;

-- Raises if there is none.
CREATE FUNCTION assent.page_there(p_kind text, p_slug text)
RETURNS void LANGUAGE plpgsql STABLE SET search_path = assent, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM page WHERE kind = p_kind AND slug = p_slug) THEN
		RAISE EXCEPTION 'there is no % page "%"', p_kind, p_slug;
	END IF;
END $$;

-- What is NULL stays as it is; what is empty is the program's again.
CREATE FUNCTION assent.page_text_set(p_kind text, p_slug text, p_part text,
	p_language text, p_title text, p_body text, p_button text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	t page_text;
BEGIN
	PERFORM page_there(p_kind, p_slug);
	DELETE FROM page_text WHERE kind = p_kind AND slug = p_slug
		AND part = p_part AND language = p_language RETURNING * INTO t;
	t.title := nullif(coalesce(p_title, t.title), '');
	t.body := nullif(coalesce(p_body, t.body), '');
	t.button := nullif(coalesce(p_button, t.button), '');
	IF num_nonnulls(t.title, t.body, t.button) > 0 THEN
		INSERT INTO page_text VALUES (p_kind, p_slug, p_part, p_language,
			t.title, t.body, t.button);
	END IF;
END $$;

-- Empty: it has the program's again.
CREATE FUNCTION assent.page_template_set(p_kind text, p_slug text, p_part text,
	p_template text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM page_there(p_kind, p_slug);
	DELETE FROM page_template WHERE kind = p_kind AND slug = p_slug
		AND part = p_part;
	IF p_template <> '' THEN
		INSERT INTO page_template
		VALUES (p_kind, p_slug, p_part, p_template);
	END IF;
END $$;

CREATE FUNCTION assent.page_remove(p_kind text, p_slug text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
DECLARE
	used text;
BEGIN
	PERFORM page_there(p_kind, p_slug);
	IF p_kind = 'sign-up' THEN
		RAISE EXCEPTION 'the ledger says by which form somebody signed up'
			USING HINT = 'page edit --open no closes it';
	END IF;
	IF p_kind = 'profile' THEN
		RAISE EXCEPTION 'people may hold links to this page'
			USING HINT = 'page edit --open no closes it';
	END IF;
	SELECT string_agg(purpose_name(purpose_id), ', ') INTO used
	FROM page_use WHERE kind = p_kind AND slug = p_slug;
	IF used IS NOT NULL THEN
		RAISE EXCEPTION 'the links of % open this page', used;
	END IF;
	DELETE FROM page WHERE kind = p_kind AND slug = p_slug;
END $$;

-- NULL changes nothing; empty: as above.
CREATE FUNCTION assent.page_use_set(p_purpose int, p_kind text, p_slug text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	IF p_slug = '' THEN
		DELETE FROM page_use WHERE purpose_id = p_purpose AND kind = p_kind;
	ELSIF p_slug IS NOT NULL THEN
		PERFORM page_there(p_kind, p_slug);
		IF (SELECT brand_id FROM page WHERE kind = p_kind AND slug = p_slug)
			NOT IN (SELECT brand FROM brands_of(p_purpose)) THEN
			RAISE EXCEPTION 'page "%" is another brand''s', p_slug;
		END IF;
		INSERT INTO page_use VALUES (p_purpose, p_kind, p_slug)
		ON CONFLICT (purpose_id, kind) DO UPDATE SET slug = excluded.slug;
	END IF;
END $$;

-- What a page looks like: the page p_slug, or the one that links of p_purpose
-- open.  With both, p_slug holds if the purpose's brand or a company above has
-- it.  `lacks`: it has words for that part, but in no such language.  No row
-- when there is neither page nor purpose.
CREATE FUNCTION assent.page_look(p_kind text, p_slug text, p_purpose int,
	p_part text, p_language text)
RETURNS TABLE (brand text, sender text, purpose text, colour text, logo text,
	page text, title text, body text, button text, template text,
	lacks boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
DECLARE
	whose int;
	own   text;
BEGIN
	IF p_purpose IS NULL THEN
		SELECT brand_id, slug INTO whose, own FROM page
		WHERE kind = p_kind AND slug = p_slug;
	ELSE
		SELECT brand_id INTO whose FROM purpose WHERE id = p_purpose;
		SELECT slug INTO own FROM page
		WHERE kind = p_kind AND slug = p_slug
			AND brand_id IN (SELECT brand FROM brands_of(p_purpose));
		IF own IS NULL THEN
			SELECT u.slug INTO own FROM lineage l JOIN page_use u
				ON u.purpose_id = l.ancestor_id AND u.kind = p_kind
			WHERE l.purpose_id = p_purpose ORDER BY l.distance LIMIT 1;
		END IF;
	END IF;
	RETURN QUERY
	WITH above AS MATERIALIZED (
		SELECT l.colour, l.logo, u.distance
		FROM brands_of(root_of(whose)) u
		JOIN brand_look l ON l.brand_id = u.brand
	), words AS MATERIALIZED (
		SELECT * FROM page_text WHERE kind = p_kind AND slug = own
			AND part = p_part
	)
	SELECT b.name, sender_of(b.id),
		(SELECT coalesce((SELECT t.title FROM purpose_text t
			WHERE t.purpose_id = p.id AND t.language = p_language
			ORDER BY t.version DESC LIMIT 1), p.title)
			FROM purpose p WHERE p.id = p_purpose),
		(SELECT a.colour FROM above a WHERE a.colour IS NOT NULL
			ORDER BY a.distance LIMIT 1),
		(SELECT a.logo FROM above a WHERE a.logo IS NOT NULL
			ORDER BY a.distance LIMIT 1),
		own, w.title, w.body, w.button, (SELECT t.template
			FROM page_template t WHERE t.kind = p_kind
			AND t.slug = own AND t.part = p_part),
		w.part IS NULL AND EXISTS (SELECT FROM words)
	FROM brand b LEFT JOIN words w ON w.language = p_language
	WHERE b.id = whose;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
GRANT SELECT ON assent.page, assent.page_text, assent.page_template,
	assent.page_use, assent.brand_look TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.brand_look_set, assent.page_add,
	assent.form_add, assent.page_text_set, assent.page_template_set,
	assent.page_remove, assent.page_use_set TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.page_look TO assent_reader, assent_operator;
