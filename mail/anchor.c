/* SPDX-License-Identifier: ISC */
/*
 * anchor - the links in a text, as its reader sees them
 *
 * HTML goes through libxml2's parser event by event, and no tree is built: what
 * a message can make this cost is bounded by its length times DEPTH_MAX, where
 * the parser by itself would need the square of the length.
 */
#include "anchor.h"

#include <libxml/HTMLparser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MAX = 512, CHUNK = 4096 };

/* Where in the HTML the parser is. */
struct place {
	htmlParserCtxtPtr parser;
	anchor_fn *found;
	void *arg;
	size_t depth;
	size_t hidden; /* the depth from which nothing is seen, 0 if none */
	size_t anchor; /* the depth of the link that is open, 0 if none */
	xmlChar *uri;  /* where that link leads */
	bool seen;     /* it has content that is seen */
	bool too_deep;
};

static const char schemes[][9] = {"https://", "http://", "mailto:"};

/* How long the URI is that begins at `p`; 0 if none does. */
static size_t
uri_length(const char *p, const char *end)
{
	size_t n = 0, left = (size_t)(end - p);

	for (size_t i = 0; n == 0 && i < sizeof(schemes) / sizeof(schemes[0]);
	     i++)
		if (left > strlen(schemes[i]) &&
		    strncasecmp(p, schemes[i], strlen(schemes[i])) == 0)
			n = strlen(schemes[i]);
	if (n == 0)
		return 0;
	while (n < left && p[n] > ' ' && p[n] < 0x7f &&
	    strchr("<>\"\\^`{|}", p[n]) == NULL)
		n++;
	/* What ends a sentence does not belong to the URI before it. */
	while (strchr(".,;:!?')]", p[n - 1]) != NULL)
		n--;
	return n;
}

void
anchor_plain(const char *text, size_t len, anchor_fn *found, void *arg)
{
	const char *end = text + len;

	for (const char *p = text; p < end;) {
		size_t n = uri_length(p, end);

		if (n > 0)
			found(arg, p, n, true);
		p += n > 0 ? n : 1;
	}
}

static bool
is_zero(const char *value)
{
	char *end;

	return strtod(value, &end) == 0 && end != value;
}

/* Whether a declaration such as "display: none" hides. */
static bool
hides(const char *name, size_t len, const char *value)
{
	static const struct {
		const char *name, *value; /* NULL: nothing of a size */
	} rows[] = {
	    {"display", "none"},
	    {"visibility", "hidden"},
	    {"font-size", NULL},
	    {"opacity", NULL},
	};

	value += strspn(value, " \t\r\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (len == strlen(rows[i].name) &&
		    strncasecmp(name, rows[i].name, len) == 0)
			return rows[i].value == NULL
			    ? is_zero(value)
			    : strncasecmp(value, rows[i].value,
				  strlen(rows[i].value)) == 0;
	return false;
}

static bool
style_hides(const char *style)
{
	for (const char *p = style; p != NULL; p = strchr(p, ';')) {
		size_t len;

		p += strspn(p, "; \t\r\n");
		len = strcspn(p, " \t\r\n:;");
		style = p + len + strspn(p + len, " \t\r\n");
		if (*style == ':' && hides(p, len, style + 1))
			return true;
	}
	return false;
}

static bool
element_hides(const char *name, const xmlChar **attributes)
{
	static const char *const unseen[] = {
	    "head", "script", "style", "template", "title"};

	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (strcmp(name, unseen[i]) == 0)
			return true;
	for (; attributes != NULL && attributes[0] != NULL; attributes += 2) {
		const char *value = (const char *)attributes[1];

		if (strcmp((const char *)attributes[0], "hidden") == 0)
			return true;
		if (strcmp((const char *)attributes[0], "style") == 0 &&
		    value != NULL && style_hides(value))
			return true;
	}
	return false;
}

static void
end_anchor(struct place *p)
{
	const char *uri = (const char *)p->uri;

	if (uri != NULL) {
		size_t len = strlen(uri), lead = strspn(uri, " \t\r\n");

		while (len > lead && strchr(" \t\r\n", uri[len - 1]) != NULL)
			len--;
		p->found(p->arg, uri + lead, len - lead, p->seen);
		xmlFree(p->uri);
	}
	p->uri = NULL;
	p->anchor = 0;
}

static void
begin_anchor(struct place *p, const xmlChar **attributes, bool seen)
{
	for (; attributes != NULL && attributes[0] != NULL; attributes += 2)
		if (strcmp((const char *)attributes[0], "href") == 0 &&
		    attributes[1] != NULL) {
			end_anchor(p);
			p->uri = xmlStrdup(attributes[1]);
			p->anchor = p->depth;
			p->seen = seen;
			return;
		}
}

static void
on_start(void *arg, const xmlChar *name, const xmlChar **attributes)
{
	struct place *p = arg;
	const char *element = (const char *)name;

	if (++p->depth > DEPTH_MAX) {
		p->too_deep = true;
		xmlStopParser(p->parser);
		return;
	}
	if (p->hidden == 0 && element_hides(element, attributes))
		p->hidden = p->depth;
	if (strcmp(element, "a") == 0)
		begin_anchor(p, attributes, false);
	else if (strcmp(element, "area") == 0)
		begin_anchor(p, attributes, p->hidden == 0);
	else if (strcmp(element, "img") == 0 && p->hidden == 0)
		p->seen = true;
}

static void
on_end(void *arg, const xmlChar *name)
{
	struct place *p = arg;

	(void)name;
	if (p->anchor == p->depth)
		end_anchor(p);
	if (p->hidden == p->depth)
		p->hidden = 0;
	if (p->depth > 0)
		p->depth--;
}

static void
on_text(void *arg, const xmlChar *text, int len)
{
	struct place *p = arg;

	for (int i = 0; p->hidden == 0 && i < len; i++) {
		/* A no-break space shows nothing either. */
		if (text[i] == 0xc2 && i + 1 < len && text[i + 1] == 0xa0)
			i++;
		else if (strchr(" \t\r\n", text[i]) == NULL)
			p->seen = true;
	}
}

int
anchor_html(
    const char *text, size_t len, anchor_fn *found, void *arg, struct err *e)
{
	htmlSAXHandler events = {
	    .startElement = on_start,
	    .endElement = on_end,
	    .characters = on_text,
	};
	struct place p = {.found = found, .arg = arg};

	p.parser = htmlCreatePushParserCtxt(
	    &events, &p, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
	if (p.parser == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	htmlCtxtUseOptions(p.parser,
	    HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_NOERROR |
		HTML_PARSE_NOWARNING | HTML_PARSE_IGNORE_ENC);
	for (size_t at = 0; at < len && !p.too_deep; at += CHUNK)
		(void)htmlParseChunk(p.parser, text + at,
		    (int)(len - at < CHUNK ? len - at : CHUNK), 0);
	if (!p.too_deep)
		(void)htmlParseChunk(p.parser, "", 0, 1);
	htmlFreeParserCtxt(p.parser);
	end_anchor(&p);
	if (p.too_deep)
		return err_set(e, ERR_REFUSED,
		    "it is nested deeper than %d elements", DEPTH_MAX);
	return 0;
}
