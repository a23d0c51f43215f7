-- SPDX-License-Identifier: ISC
--
-- footers - what a message says at its end, and the page that it links to
--
-- A footer belongs to a purpose and a language and holds for all below it, as
-- far as nothing nearer does in that language; one of a brand's root purpose
-- is the brand's.  Those without a purpose are everybody's, and come with the
-- program.

CREATE DOMAIN assent.footer_text AS text
	CHECK (VALUE LIKE '%{{unsubscribe_url}}%' AND octet_length(VALUE) <= 8192);

CREATE TABLE assent.footer (
	purpose_id  int REFERENCES assent.purpose,
	language    assent.language NOT NULL,
	text        assent.footer_text NOT NULL,
	html        assent.footer_text NOT NULL,
	UNIQUE NULLS NOT DISTINCT (purpose_id, language)
);
COMMENT ON TABLE assent.footer IS
	'The end of a message, with the placeholders of mail/placeholder.h';

INSERT INTO assent.footer (language, text, html) VALUES
('en', 'This was sent to you by {{brand}} for "{{purpose}}".
Unsubscribe: {{unsubscribe_url}}
Why do I get this? {{why_url}}
',
'<p style="font-size:small">This was sent to you by {{brand}} for "{{purpose}}".
<a href="{{unsubscribe_url}}">Unsubscribe</a> &middot;
<a href="{{why_url}}">Why do I get this?</a></p>
'),
('pl', 'Tę wiadomość wysyła do Ciebie {{brand}} w celu „{{purpose}}”.
Rezygnacja: {{unsubscribe_url}}
Dlaczego to dostaję? {{why_url}}
',
'<p style="font-size:small">Tę wiadomość wysyła do Ciebie {{brand}} w celu
„{{purpose}}”. <a href="{{unsubscribe_url}}">Rezygnacja</a> &middot;
<a href="{{why_url}}">Dlaczego to dostaję?</a></p>
'),
('it', 'Questo messaggio ti è inviato da {{brand}} per "{{purpose}}".
Disiscrizione: {{unsubscribe_url}}
Perché lo ricevo? {{why_url}}
',
'<p style="font-size:small">Questo messaggio ti è inviato da {{brand}} per
"{{purpose}}". <a href="{{unsubscribe_url}}">Disiscrizione</a> &middot;
<a href="{{why_url}}">Perché lo ricevo?</a></p>
');

CREATE TRIGGER defined AFTER INSERT OR UPDATE OR DELETE ON assent.footer
	FOR EACH ROW EXECUTE FUNCTION assent.defined();

-- The footers of a purpose, one a language; the title in that language.
CREATE FUNCTION assent.footers(p_purpose int)
RETURNS TABLE (language text, text text, html text, brand text, title text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT DISTINCT ON (f.language) f.language::text, f.text::text,
		f.html::text, b.name, coalesce((SELECT t.title FROM purpose_text t
			WHERE t.purpose_id = p.id AND t.language = f.language
			ORDER BY t.version DESC LIMIT 1), p.title)
	FROM purpose p JOIN brand b ON b.id = p.brand_id CROSS JOIN footer f
	LEFT JOIN lineage l ON l.purpose_id = p.id
		AND l.ancestor_id = f.purpose_id
	WHERE p.id = p_purpose
		AND (f.purpose_id IS NULL OR l.distance IS NOT NULL)
	ORDER BY f.language, l.distance NULLS LAST;
END $$;

-- p_purpose NULL: everybody's.
CREATE FUNCTION assent.footer_set(p_purpose int, p_language text,
	p_text text, p_html text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
	INSERT INTO footer VALUES (p_purpose, p_language, p_text, p_html)
	ON CONFLICT (purpose_id, language) DO UPDATE
	SET text = excluded.text, html = excluded.html
$$;

-- Whether there was one.
CREATE FUNCTION assent.footer_remove(p_purpose int, p_language text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	IF p_purpose IS NULL AND (SELECT count(*) FROM footer
		WHERE purpose_id IS NULL) = 1 THEN
		RAISE EXCEPTION 'this is the last footer that holds for everybody';
	END IF;
	DELETE FROM footer WHERE purpose_id IS NOT DISTINCT FROM p_purpose
		AND language = p_language;
	RETURN FOUND;
END $$;

-- An address as it may be shown to whoever holds a link.
CREATE FUNCTION assent.masked(p_kind assent.endpoint_kind, p_address text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE p_kind
		WHEN 'email' THEN left(p_address, 1) || '***@'
			|| left(substring(p_address FROM '[^@]*$'), 1) || '***.'
			|| substring(p_address FROM '[^.@]*$')
		WHEN 'phone' THEN left(p_address, 3) || '***' || right(p_address, 2)
		ELSE left(p_address, 1) || '***' END
$$;

-- Why mail for a purpose reaches whoever has p_key: where that stands, and
-- the act, source and text it rests on.  No row: nobody has the key.
CREATE FUNCTION assent.why(p_key bytea, p_purpose int, p_channel assent.channel)
RETURNS TABLE (address text, language text, brand text, title text,
	standing int, since timestamptz, covered_by text, door text,
	source text, source_name text, text_language text, text_version int,
	text_title text, text_body text, exemption text, basis text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = assent, pg_temp AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT masked(n.kind, n.canonical), o.language::text, b.name,
		coalesce((SELECT t.title FROM purpose_text t
			WHERE t.purpose_id = p.id AND t.language = o.language
			ORDER BY t.version DESC LIMIT 1), p.title),
		CASE WHEN s.standing IN (2, 6) AND s.expires <= now() THEN 0
			WHEN s.standing = 2 AND s.paused > now() THEN 6
			ELSE coalesce(s.standing, 0) END,
		c.since, CASE WHEN s.distance > 0 THEN q.title END, v.source,
		o.source::text, o.source_name, t.language, t.version, t.title,
		t.body, s.exemption, p.legal_basis::text
	FROM endpoint n JOIN contact o ON o.id = n.contact_id
	JOIN purpose p ON p.id = p_purpose
	JOIN brand b ON b.id = p.brand_id
	LEFT JOIN LATERAL (SELECT * FROM effective(ARRAY[o.id], n.kind) AS e
		WHERE e.purpose = p.id AND e.channel = p_channel) AS s ON true
	LEFT JOIN lineage l ON l.purpose_id = p.id AND l.distance = s.distance
	LEFT JOIN purpose q ON q.id = l.ancestor_id
	LEFT JOIN consent c ON c.contact_id = o.id AND c.purpose_id = q.id
		AND c.channel = p_channel
	LEFT JOIN event v ON v.id = c.event_id
	LEFT JOIN purpose_text t ON t.id = v.text_id
	WHERE n.key = p_key;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
GRANT SELECT ON assent.footer TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.footers TO assent_milter, assent_operator;
GRANT EXECUTE ON FUNCTION assent.footer_set, assent.footer_remove
	TO assent_operator;
GRANT EXECUTE ON FUNCTION assent.why TO assent_reader;
