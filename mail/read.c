/* SPDX-License-Identifier: ISC */
/*
 * read - a message as its recipient has it: header fields and decoded texts
 *
 * GMime knows the structure, the transfer encodings and the character sets;
 * everything that leaves here is copied into the caller's arena, so that no
 * other file needs to know GMime.
 *
 * The message is foreign.  GMime's objects take a hundred times the octets that
 * they stand for, and its parser of addresses recurses at every colon, so
 * boundaries, colons and header octets are counted before it sees any; parts
 * are followed to a fixed depth, and a text is measured before it is decoded.
 */
#include "read.h"

#include <gmime/gmime.h>
#include <string.h>
#include <strings.h>

#include "policy/arena.h"

enum {
	DEPTH_MAX = 32,
	BOUNDARIES_MAX = 10000,
	COLONS_MAX = 4096,
	HEAD_MAX = 256 * 1024
};

/* What is being filled; `full` once the arena was. */
struct reader {
	struct arena *arena;
	struct mail *mail;
	bool full;
};

static const char *
keep(struct reader *r, const char *s, size_t len)
{
	const char *copy = arena_strndup(r->arena, s, len);

	r->full = r->full || copy == NULL;
	return copy;
}

static void
scan_lines(const char *octets, size_t len, struct mail *m)
{
	size_t begun = 0;

	for (size_t i = 0; i <= len; i++) {
		size_t end = i;

		if (i < len && octets[i] != '\n') {
			m->controls = m->controls || octets[i] == '\0' ||
			    (octets[i] == '\r' &&
				(i + 1 == len || octets[i + 1] != '\n'));
			continue;
		}
		if (end > begun && octets[end - 1] == '\r')
			end--;
		if (end - begun > m->longest)
			m->longest = end - begun;
		begun = i + 1;
	}
}

/* What is_modest() counts, and where it is. */
struct count {
	size_t boundaries, colons, octets;
	bool head;   /* within header fields */
	bool inner;  /* which announce a message, with fields of its own */
	bool digest; /* there is a multipart whose parts are such messages */
	bool fresh;  /* these are the first fields since a boundary */
};

static void
count_field(struct count *c, const char *line, size_t len)
{
	c->octets += len;
	for (size_t i = 0; i < len; i++) {
		c->colons += line[i] == ':';
		if (len - i >= 7 && strncasecmp(line + i, "message", 7) == 0)
			c->inner = true;
		if (len - i >= 6 && strncasecmp(line + i, "digest", 6) == 0)
			c->digest = true;
	}
}

static void
count_line(struct count *c, const char *line, size_t len)
{
	if (len >= 2 && memcmp(line, "--", 2) == 0) {
		c->boundaries++;
		c->head = c->fresh = true;
		c->inner = false;
	} else if (c->head && (len == 0 || (len == 1 && line[0] == '\r'))) {
		c->head = c->inner || (c->digest && c->fresh);
		c->inner = c->fresh = false;
	} else if (c->head)
		count_field(c, line, len);
}

/* Whether what GMime would build of a message is small. */
static bool
is_modest(const char *octets, size_t len)
{
	struct count c = {.head = true};
	const char *end = octets + len;

	for (const char *p = octets; p < end;) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((eol == NULL ? end : eol) - p);

		count_line(&c, p, n);
		if (c.boundaries > BOUNDARIES_MAX || c.colons > COLONS_MAX ||
		    c.octets > HEAD_MAX)
			return false;
		p += n + (eol != NULL);
	}
	return true;
}

/* The parser's complaints that change what a reader may make of a message. */
static void
note_flaw(
    gint64 offset, GMimeParserWarning code, const gchar *item, gpointer arg)
{
	static const char *const flaws[] = {
	    [GMIME_WARN_INVALID_CONTENT_TYPE] = "a Content-Type is malformed",
	    [GMIME_WARN_MALFORMED_MULTIPART] = "a multipart has no parts",
	    [GMIME_WARN_TRUNCATED_MESSAGE] = "the last part does not end",
	    [GMIME_WARN_MALFORMED_MESSAGE] = "a message within is malformed",
	    [GMIME_CRIT_INVALID_HEADER_NAME] =
		"a line of the header is no field",
	    [GMIME_CRIT_CONFLICTING_PARAMETER] =
		"two parameters contradict each other",
	    [GMIME_CRIT_MULTIPART_WITHOUT_BOUNDARY] =
		"a multipart has no boundary",
	    [GMIME_CRIT_NESTING_OVERFLOW] = "it is nested too deeply",
	    [GMIME_CRIT_PART_WITHOUT_HEADERS_OR_CONTENT] = "a part is empty",
	};
	struct mail *m = arg;

	(void)offset;
	(void)item;
	if (m->flaw == NULL && code < sizeof(flaws) / sizeof(flaws[0]))
		m->flaw = flaws[code];
}

/* A copy on one line: what folds a field is a line's end before a blank. */
static const char *
unfold(struct reader *r, const char *raw)
{
	const char *p = raw + strspn(raw, " \t\r\n");
	char *copy = arena_strdup(r->arena, p), *to = copy;

	r->full = r->full || copy == NULL;
	if (copy == NULL)
		return NULL;
	for (; *p != '\0'; p++)
		if (*p != '\r' && *p != '\n')
			*to++ = *p;
	while (to > copy && strchr(" \t", to[-1]) != NULL)
		to--;
	*to = '\0';
	return copy;
}

static void
take_fields(struct reader *r, GMimeObject *o)
{
	GMimeHeaderList *list = g_mime_object_get_header_list(o);
	int n = g_mime_header_list_get_count(list);

	for (int i = 0; i < n && !r->full; i++) {
		GMimeHeader *h = g_mime_header_list_get_header_at(list, i);
		const char *name = g_mime_header_get_name(h);
		const char *raw = g_mime_header_get_raw_value(h);
		struct mail_field *f = &r->mail->fields[r->mail->n_fields++];

		raw = raw == NULL ? "" : raw;
		f->name = keep(r, name, strlen(name));
		f->raw = keep(r, raw, strlen(raw));
		f->value = unfold(r, raw);
	}
}

static void
read_header(struct reader *r, GMimeMessage *message)
{
	GMimeObject *top = g_mime_message_get_mime_part(message);
	int n = g_mime_header_list_get_count(
	    g_mime_object_get_header_list(GMIME_OBJECT(message)));

	if (top != NULL)
		n += g_mime_header_list_get_count(
		    g_mime_object_get_header_list(top));
	r->mail->fields =
	    arena_alloc(r->arena, (size_t)n * sizeof(r->mail->fields[0]) + 1);
	r->full = r->mail->fields == NULL;
	if (r->full)
		return;
	take_fields(r, GMIME_OBJECT(message));
	if (top != NULL)
		take_fields(r, top);
}

/* Adds the mailboxes of a list, members of groups included, to `*n`; the
 * first one goes into `*first`. */
static void
count_mailboxes(struct reader *r, InternetAddressList *list, int depth,
    const char **first, size_t *n)
{
	for (int i = 0; depth > 0 && i < internet_address_list_length(list);
	     i++) {
		InternetAddress *one =
		    internet_address_list_get_address(list, i);
		const char *spec;

		if (INTERNET_ADDRESS_IS_GROUP(one)) {
			count_mailboxes(r,
			    internet_address_group_get_members(
				INTERNET_ADDRESS_GROUP(one)),
			    depth - 1, first, n);
			continue;
		}
		spec = internet_address_mailbox_get_addr(
		    INTERNET_ADDRESS_MAILBOX(one));
		if ((*n)++ == 0 && spec != NULL)
			*first = keep(r, spec, strlen(spec));
	}
}

static void
read_people(struct reader *r, GMimeMessage *message)
{
	static const struct {
		GMimeAddressType type;
		bool from;
	} lists[] = {
	    {GMIME_ADDRESS_TYPE_FROM, true},
	    {GMIME_ADDRESS_TYPE_TO, false},
	    {GMIME_ADDRESS_TYPE_CC, false},
	};
	struct mail *m = r->mail;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		count_mailboxes(r,
		    g_mime_message_get_addresses(message, lists[i].type),
		    DEPTH_MAX, lists[i].from ? &m->from : &m->to,
		    lists[i].from ? &m->n_from : &m->n_to);
}

static void
read_date(struct mail *m)
{
	const struct mail_field *date = mail_next(m, "Date", NULL);
	GDateTime *when =
	    date == NULL ? NULL : g_mime_utils_header_decode_date(date->value);

	m->dated = when != NULL;
	if (when != NULL)
		g_date_time_unref(when);
}

static void
add_text(struct reader *r, GMimeTextPart *part, bool html)
{
	GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(part));
	struct mail *m = r->mail;
	char *text;

	if (m->n_texts == MAIL_TEXTS) {
		m->unread = "there are too many";
		return;
	}
	if (content != NULL &&
	    g_mime_stream_length(g_mime_data_wrapper_get_stream(content)) >
		MAIL_TEXT_MAX) {
		m->unread = "it is too large";
		return;
	}
	text = content == NULL ? NULL : g_mime_text_part_get_text(part);
	m->texts[m->n_texts++] = (struct mail_text){
	    .text = keep(
		r, text == NULL ? "" : text, text == NULL ? 0 : strlen(text)),
	    .len = text == NULL ? 0 : strlen(text),
	    .html = html,
	};
	g_free(text);
}

static bool
is_sealed(GMimeObject *o, GMimeContentType *type)
{
	return GMIME_IS_MULTIPART_ENCRYPTED(o) ||
	    g_mime_content_type_is_type(type, "application", "pkcs7-mime") ||
	    g_mime_content_type_is_type(type, "application", "x-pkcs7-mime") ||
	    g_mime_content_type_is_type(type, "application", "ms-tnef");
}

/* Takes the texts at and below `o`; whether there was one. */
static bool
take_texts(struct reader *r, GMimeObject *o, int depth)
{
	GMimeContentType *type = g_mime_object_get_content_type(o);
	bool html = g_mime_content_type_is_type(type, "text", "html"), all,
	     found;
	GMimeContentDisposition *where =
	    g_mime_object_get_content_disposition(o);

	if (depth == 0 || r->full)
		return false;
	if (is_sealed(o, type)) {
		r->mail->unread = "it is encrypted or wrapped up";
		return true;
	}
	if (!GMIME_IS_MULTIPART(o)) {
		if ((where != NULL &&
			g_mime_content_disposition_is_attachment(where)) ||
		    !GMIME_IS_TEXT_PART(o) ||
		    (!html &&
			!g_mime_content_type_is_type(type, "text", "plain")))
			return false;
		add_text(r, GMIME_TEXT_PART(o), html);
		return true;
	}
	all = g_mime_content_type_is_type(type, "multipart", "alternative");
	found = false;
	for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(o)); i++)
		if (all || !found)
			found = take_texts(r,
				    g_mime_multipart_get_part(
					GMIME_MULTIPART(o), i),
				    depth - 1) ||
			    found;
	return found;
}

static GMimeMessage *
parse(const char *octets, size_t len, struct mail *m)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(octets, len);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeParserOptions *options = g_mime_parser_options_new();
	GMimeMessage *message;

	g_mime_parser_options_set_warning_callback(options, note_flaw, m);
	message = g_mime_parser_construct_message(parser, options);
	g_mime_parser_options_free(options);
	g_object_unref(parser);
	g_object_unref(stream);
	return message;
}

int
mail_read(struct arena *a, const char *octets, size_t len, struct mail *out,
    struct err *e)
{
	struct reader r = {.arena = a, .mail = out};
	GMimeMessage *message;

	*out = (struct mail){
	    .texts = arena_alloc(a, MAIL_TEXTS * sizeof(out->texts[0]))};
	if (out->texts == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	if (!is_modest(octets, len))
		return err_set(e, ERR_REFUSED,
		    "it has more parts or fields than a message needs");
	/* Counted, and never taken back: it costs nothing the next time. */
	g_mime_init();
	scan_lines(octets, len, out);
	message = parse(octets, len, out);
	if (message == NULL)
		return err_set(e, ERR_REFUSED, "there is no message in it");
	read_header(&r, message);
	read_people(&r, message);
	if (!r.full)
		read_date(out);
	if (!r.full && g_mime_message_get_mime_part(message) != NULL)
		take_texts(
		    &r, g_mime_message_get_mime_part(message), DEPTH_MAX);
	g_object_unref(message);
	if (r.full)
		return err_set(e, ERR_FATAL, "out of memory");
	if (out->n_fields == 0)
		return err_set(e, ERR_REFUSED, "there is no message in it");
	return 0;
}

const struct mail_field *
mail_next(
    const struct mail *m, const char *name, const struct mail_field *after)
{
	size_t i = after == NULL ? 0 : (size_t)(after - m->fields) + 1;

	for (; i < m->n_fields; i++)
		if (strcasecmp(m->fields[i].name, name) == 0)
			return &m->fields[i];
	return NULL;
}

size_t
mail_count(const struct mail *m, const char *name)
{
	const struct mail_field *f = NULL;
	size_t n = 0;

	while ((f = mail_next(m, name, f)) != NULL)
		n++;
	return n;
}
