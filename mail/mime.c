/* SPDX-License-Identifier: ISC */
/*
 * mime - the text parts of a message and where they are
 *
 * GMime parses the structure from memory; its streams say which octets a part
 * is.  It is given the Content-* fields of the message only, and the body only
 * when that is a multipart and a modest one (census.h), without the middle of
 * long contents.  What it warns of as critical, programs read differently: such
 * a message is left alone.
 */
#include "mime.h"

#include <gmime/gmime.h>
#include <string.h>
#include <strings.h>

#include "census.h"
#include "field.h"
#include "policy/arena.h"

enum { DEPTH_MAX = 16 };

/* What a tree of parts turned out to hold. */
enum found {
	FOUND_NOTHING,
	FOUND_TEXT,
	FOUND_SIGNED,
	FOUND_ENCRYPTED,
	FOUND_DOUBT
};

struct walk {
	struct arena *arena;
	const struct edit_message *message;
	size_t shift; /* of GMime's offsets from those of what it was given */
	struct cuts cuts;
	struct mime_parts *out;
	bool later; /* the text that gets the footer was found */
};

void
edit_init(void)
{
	g_mime_init();
}

/* Whether everybody agrees on which Content-* fields there are. */
static bool
clear(const char *head, size_t len)
{
	struct field f;
	size_t at = 0;

	while (field_next(head, len, &at, &f))
		if (f.spaced && f.name_len >= 8 &&
		    strncasecmp(head + f.at, "Content-", 8) == 0)
			return false;
	return true;
}

/* The message's fields that say how to read it, as a header of their own.
 * False if that is not certain. */
static bool
content_fields(const struct edit_message *m, char *out, size_t *out_len)
{
	static const char *const names[] = {
	    "Content-Type", "Content-Transfer-Encoding", "Content-Disposition"};
	struct field f;
	char *w = out;

	if (!clear(m->head, m->head_len))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = field_find(m->head, m->head_len, names[i], &f);

		if (n > 1)
			return false;
		if (n == 0)
			continue;
		w = mempcpy(w, m->head + f.at, f.end - f.at);
		if (w[-1] != '\n')
			w = mempcpy(w, "\r\n", 2);
	}
	w = mempcpy(w, "\r\n", 2);
	*out_len = (size_t)(w - out);
	return true;
}

static void
on_warning(
    gint64 offset, GMimeParserWarning what, const gchar *item, gpointer data)
{
	bool *doubt = data;

	(void)offset;
	(void)item;
	if (what == GMIME_CRIT_INVALID_HEADER_NAME ||
	    what == GMIME_CRIT_CONFLICTING_HEADER ||
	    what == GMIME_CRIT_CONFLICTING_PARAMETER ||
	    what == GMIME_CRIT_MULTIPART_WITHOUT_BOUNDARY ||
	    what == GMIME_CRIT_NESTING_OVERFLOW ||
	    what == GMIME_CRIT_PART_WITHOUT_HEADERS_OR_CONTENT)
		*doubt = true;
}

/* The header, and of the body what was not cut. */
static GByteArray *
skeleton(const char *head, size_t head_len, const char *body, size_t len,
    const struct cuts *cuts)
{
	GByteArray *out = g_byte_array_new();
	size_t at = 0;

	g_byte_array_append(out, (const guint8 *)head, (guint)head_len);
	for (size_t i = 0; i < cuts->n; i++) {
		const struct cut *c = &cuts->list[i];

		g_byte_array_append(
		    out, (const guint8 *)body + at, (guint)(c->at - at));
		at = c->at + c->len;
	}
	g_byte_array_append(out, (const guint8 *)body + at, (guint)(len - at));
	return out;
}

/* Takes `octets` over. */
static GMimeObject *
parse(GByteArray *octets, bool *doubt)
{
	GMimeParserOptions *options = g_mime_parser_options_new();
	GMimeStream *stream;
	GMimeParser *parser;
	GMimeObject *part;

	stream = g_mime_stream_mem_new_with_byte_array(octets);
	parser = g_mime_parser_new_with_stream(stream);
	g_mime_parser_options_set_warning_callback(options, on_warning, doubt);
	part = g_mime_parser_construct_part(parser, options);
	g_object_unref(parser);
	g_object_unref(stream);
	g_mime_parser_options_free(options);
	return part;
}

static bool
is(GMimeObject *o, const char *type, const char *subtype)
{
	return g_mime_content_type_is_type(
	    g_mime_object_get_content_type(o), type, subtype);
}

static const char *
parameter(GMimeObject *o, const char *name)
{
	return g_mime_content_type_get_parameter(
	    g_mime_object_get_content_type(o), name);
}

static bool
attached(GMimeObject *o)
{
	const char *d = g_mime_object_get_disposition(o);

	return d != NULL && strcasecmp(d, "inline") != 0;
}

/* Content-Transfer-Encoding as it is written, comments aside. */
static enum codec
codec(GMimeObject *o)
{
	const char *value =
	    g_mime_object_get_header(o, "Content-Transfer-Encoding");
	char *word;
	enum codec c;

	if (value == NULL)
		return CODEC_7BIT;
	value += strspn(value, " \t\r\n");
	word = g_strndup(value, strcspn(value, " \t\r\n;("));
	c = codec_of(word);
	g_free(word);
	return c;
}

/* Where the fields of a part begin in the body, and where its content is.
 * False if GMime and the octets disagree. */
static bool
place(struct walk *w, GMimeObject *o, struct mime_part *p)
{
	GMimeHeaderList *fields = g_mime_object_get_header_list(o);
	GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(o));
	const char *body = w->message->body;
	GMimeStream *s;
	size_t first;

	if (p->top) {
		p->end = w->message->body_len;
		return true;
	}
	if (content == NULL)
		return false;
	s = g_mime_data_wrapper_get_stream(content);
	if (s->bound_start < (gint64)w->shift || s->bound_end < s->bound_start)
		return false;
	p->start = census_place(&w->cuts, (size_t)s->bound_start - w->shift);
	p->end = census_place(&w->cuts, (size_t)s->bound_end - w->shift);
	if (p->end > w->message->body_len || p->start < 2 ||
	    body[p->start - 1] != '\n')
		return false;
	/* GMime leaves the CR before a last boundary that has no line break. */
	if (p->end > p->start && p->end < w->message->body_len &&
	    body[p->end] == '\n' && body[p->end - 1] == '\r')
		p->end--;
	p->touching = p->end < w->message->body_len && body[p->end] == '-';
	/* The empty line before the content. */
	p->head = p->start - (body[p->start - 2] == '\r' ? 2 : 1);
	if (p->head == 0 || body[p->head - 1] != '\n')
		return false;
	if (g_mime_header_list_get_count(fields) > 0) {
		gint64 at = g_mime_header_get_offset(
		    g_mime_header_list_get_header_at(fields, 0));

		if (at < (gint64)w->shift)
			return false;
		first = census_place(&w->cuts, (size_t)at - w->shift);
		if (first > p->head)
			return false;
		p->head = first;
	}
	return clear(body + p->head, p->start - p->head);
}

static enum found
text_part(struct walk *w, GMimeObject *o, bool top)
{
	struct mime_part p = {
	    .top = top,
	    .later = w->later,
	    .html = is(o, "text", "html"),
	};
	const char *charset = parameter(o, "charset");
	const char *format = parameter(o, "format");

	if (w->out->n == MIME_PARTS_MAX || !place(w, o, &p))
		return FOUND_DOUBT;
	p.codec = codec(o);
	p.flowed =
	    !p.html && format != NULL && strcasecmp(format, "flowed") == 0;
	if (charset != NULL) {
		p.charset = arena_strdup(w->arena, charset);
		if (p.charset == NULL)
			return FOUND_DOUBT;
	}
	w->out->list[w->out->n++] = p;
	return FOUND_TEXT;
}

static enum found visit(struct walk *w, GMimeObject *o, int depth);

/* Text that is shown below the first: what cannot be edited of it is left, and
 * is no reason to leave the rest. */
static void
visit_later(struct walk *w, GMimeObject *o, int depth)
{
	size_t n = w->out->n;
	bool before = w->later;

	w->later = true;
	if (visit(w, o, depth) != FOUND_TEXT)
		w->out->n = n;
	w->later = before;
}

/* All the text of an alternative; of anything else the first there is, and
 * what is below it. */
static enum found
multipart(struct walk *w, GMimeObject *o, int depth)
{
	const bool all = is(o, "multipart", "alternative");
	const char *boundary = parameter(o, "boundary");
	GMimeMultipart *m = GMIME_MULTIPART(o);
	enum found found = FOUND_NOTHING;

	if (is(o, "multipart", "signed"))
		return FOUND_SIGNED;
	if (is(o, "multipart", "encrypted"))
		return FOUND_ENCRYPTED;
	if (depth == DEPTH_MAX || !codec_plain(codec(o)) || boundary == NULL ||
	    *boundary == '\0')
		return FOUND_DOUBT;
	for (int i = 0; i < g_mime_multipart_get_count(m); i++) {
		GMimeObject *part = g_mime_multipart_get_part(m, i);
		enum found one;

		if (found == FOUND_TEXT && !all) {
			visit_later(w, part, depth + 1);
			continue;
		}
		one = visit(w, part, depth + 1);
		if (one > found)
			found = one;
		if (found > FOUND_TEXT)
			break;
	}
	return found;
}

static enum found
secured(GMimeObject *o)
{
	const char *kind = parameter(o, "smime-type");

	if (!is(o, "application", "pkcs7-mime") &&
	    !is(o, "application", "x-pkcs7-mime"))
		return FOUND_NOTHING;
	return kind != NULL && strcasecmp(kind, "signed-data") == 0
	    ? FOUND_SIGNED
	    : FOUND_ENCRYPTED;
}

static enum found
visit(struct walk *w, GMimeObject *o, int depth)
{
	/* A message that is all S/MIME calls itself an attachment. */
	if (attached(o))
		return depth == 0 ? secured(o) : FOUND_NOTHING;
	if (GMIME_IS_MULTIPART(o))
		return multipart(w, o, depth);
	if (!GMIME_IS_PART(o))
		return FOUND_NOTHING;
	if (is(o, "text", "plain") || is(o, "text", "html"))
		return text_part(w, o, depth == 0);
	return secured(o);
}

static enum edit_skip
skip_for(enum found f)
{
	switch (f) {
	case FOUND_NOTHING:
		return EDIT_NO_TEXT;
	case FOUND_TEXT:
		return EDIT_DONE;
	case FOUND_SIGNED:
		return EDIT_SIGNED;
	case FOUND_ENCRYPTED:
		return EDIT_ENCRYPTED;
	case FOUND_DOUBT:
		return EDIT_UNREADABLE;
	}
	return EDIT_UNREADABLE;
}

/* What GMime makes of the fields and, if `body` is not empty, of the body; NULL
 * if that would be too much. */
static GMimeObject *
read_some(
    struct walk *w, const char *head, const char *body, size_t len, bool *doubt)
{
	*doubt = false;
	if (!census_modest(head, w->shift, body, len, &w->cuts))
		return NULL;
	return parse(skeleton(head, w->shift, body, len, &w->cuts), doubt);
}

enum edit_skip
mime_read(struct arena *a, const struct edit_message *m, struct mime_parts *out)
{
	struct walk w = {.arena = a, .message = m, .out = out};
	char *head = arena_alloc(a, m->head_len + 8);
	enum found found;
	GMimeObject *top;
	bool doubt;

	out->n = 0;
	if (head == NULL)
		return EDIT_TOO_BIG;
	if (!content_fields(m, head, &w.shift))
		return EDIT_UNREADABLE;
	top = read_some(&w, head, "", 0, &doubt);
	if (top != NULL && GMIME_IS_MULTIPART(top)) {
		g_object_unref(top);
		top = read_some(&w, head, m->body, m->body_len, &doubt);
	}
	if (top == NULL)
		return EDIT_UNREADABLE;
	found = visit(&w, top, 0);
	g_object_unref(top);
	return skip_for(doubt ? FOUND_DOUBT : found);
}
