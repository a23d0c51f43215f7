/* SPDX-License-Identifier: ISC */
/*
 * html - a text part as a sequence of tags and text
 *
 * Follows the tokenization section of the HTML standard where it matters for
 * finding things: quoted attribute values hide ">", comments end as browsers
 * end them, and the content of scripts, styles and titles is no markup.
 * Conditional comments are entered, because one family of readers does.
 */
#include "html.h"

#include <gumbo.h>
#include <string.h>
#include <strings.h>

enum { REFERENCE_MAX = 12 };

static const unsigned char traits[GUMBO_TAG_LAST + 1] = {
    [GUMBO_TAG_A] = HTML_LINK,
    [GUMBO_TAG_AREA] = HTML_LINK | HTML_EMPTY,
    [GUMBO_TAG_IMG] = HTML_IMAGE | HTML_EMPTY,
    [GUMBO_TAG_HTML] = HTML_OUTER | HTML_LOOSE,
    [GUMBO_TAG_BODY] = HTML_OUTER | HTML_LOOSE,
    [GUMBO_TAG_SCRIPT] = HTML_RAW,
    [GUMBO_TAG_STYLE] = HTML_RAW,
    [GUMBO_TAG_TITLE] = HTML_RAW,
    [GUMBO_TAG_TEXTAREA] = HTML_RAW,
    [GUMBO_TAG_XMP] = HTML_RAW,
    [GUMBO_TAG_IFRAME] = HTML_RAW,
    [GUMBO_TAG_NOEMBED] = HTML_RAW,
    [GUMBO_TAG_NOFRAMES] = HTML_RAW,
    [GUMBO_TAG_PLAINTEXT] = HTML_RAW,
    [GUMBO_TAG_BASE] = HTML_EMPTY,
    [GUMBO_TAG_BASEFONT] = HTML_EMPTY,
    [GUMBO_TAG_BGSOUND] = HTML_EMPTY,
    [GUMBO_TAG_BR] = HTML_EMPTY,
    [GUMBO_TAG_COL] = HTML_EMPTY,
    [GUMBO_TAG_EMBED] = HTML_EMPTY,
    [GUMBO_TAG_HR] = HTML_EMPTY,
    [GUMBO_TAG_INPUT] = HTML_EMPTY,
    [GUMBO_TAG_LINK] = HTML_EMPTY,
    [GUMBO_TAG_META] = HTML_EMPTY,
    [GUMBO_TAG_PARAM] = HTML_EMPTY,
    [GUMBO_TAG_SOURCE] = HTML_EMPTY,
    [GUMBO_TAG_TRACK] = HTML_EMPTY,
    [GUMBO_TAG_WBR] = HTML_EMPTY,
    [GUMBO_TAG_HEAD] = HTML_LOOSE,
    [GUMBO_TAG_P] = HTML_LOOSE,
    [GUMBO_TAG_TD] = HTML_LOOSE,
    [GUMBO_TAG_TH] = HTML_LOOSE,
    [GUMBO_TAG_TR] = HTML_LOOSE,
    [GUMBO_TAG_TBODY] = HTML_LOOSE,
    [GUMBO_TAG_THEAD] = HTML_LOOSE,
    [GUMBO_TAG_TFOOT] = HTML_LOOSE,
    [GUMBO_TAG_COLGROUP] = HTML_LOOSE,
    [GUMBO_TAG_LI] = HTML_LOOSE,
    [GUMBO_TAG_DT] = HTML_LOOSE,
    [GUMBO_TAG_DD] = HTML_LOOSE,
    [GUMBO_TAG_OPTION] = HTML_LOOSE,
    [GUMBO_TAG_OPTGROUP] = HTML_LOOSE,
};

unsigned
html_traits(const char *name, size_t len)
{
	return traits[gumbo_tagn_enum(name, (unsigned)len)];
}

static bool
letter(char c)
{
	c |= 0x20;
	return c >= 'a' && c <= 'z';
}

static bool
space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

bool
html_plain_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!letter(name[i]) && (name[i] < '0' || name[i] > ':') &&
		    name[i] != '-')
			return false;
	return true;
}

/* Where `what` begins at or after `at`, or the end. */
static size_t
find(const struct html_reader *r, size_t at, const char *what)
{
	const char *p;

	if (at > r->len)
		return r->len;
	p = memmem(r->text + at, r->len - at, what, strlen(what));
	return p == NULL ? r->len : (size_t)(p - r->text);
}

static bool
starts(const struct html_reader *r, size_t at, const char *what)
{
	size_t n = strlen(what);

	return r->len - at >= n && strncasecmp(r->text + at, what, n) == 0;
}

static size_t
name_end(const struct html_reader *r, size_t at)
{
	while (at < r->len && !space(r->text[at]) && r->text[at] != '/' &&
	    r->text[at] != '>')
		at++;
	return at;
}

/* Skips one attribute, filling `out`; `at` is no white space nor "/" or ">". */
static size_t
attribute(const struct html_reader *r, size_t at, struct html_attr *out)
{
	const char *s = r->text;
	size_t begin = at, after;

	at++; /* a "=" that begins a name belongs to it */
	while (at < r->len && !space(s[at]) && s[at] != '/' && s[at] != '>' &&
	    s[at] != '=')
		at++;
	*out = (struct html_attr){.name = s + begin, .name_len = at - begin};
	after = at;
	while (after < r->len && space(s[after]))
		after++;
	if (after == r->len || s[after] != '=')
		return at;
	at = after + 1;
	while (at < r->len && space(s[at]))
		at++;
	if (at == r->len || s[at] == '>')
		return at;
	begin = at;
	if (s[at] == '"' || s[at] == '\'') {
		const char *q = memchr(s + at + 1, s[at], r->len - at - 1);

		begin++;
		at = q == NULL ? r->len : (size_t)(q - s);
		out->value_len = at - begin;
		at += q == NULL ? 0 : 1;
	} else {
		while (at < r->len && !space(s[at]) && s[at] != '>')
			at++;
		out->value_len = at - begin;
	}
	out->value = s + begin;
	return at;
}

static size_t
skip_to_attribute(const struct html_reader *r, size_t at)
{
	while (at < r->len && (space(r->text[at]) || r->text[at] == '/'))
		at++;
	return at;
}

bool
html_attr_next(const struct html_reader *r, const struct html_token *t,
    size_t *at, struct html_attr *out)
{
	*at = skip_to_attribute(r, *at);
	if (*at + 1 >= t->end)
		return false;
	*at = attribute(r, *at, out);
	return true;
}

bool
html_attr_get(const struct html_reader *r, const struct html_token *t,
    const char *name, struct html_attr *out)
{
	size_t at = t->name + t->name_len, n = strlen(name);

	while (html_attr_next(r, t, &at, out))
		if (out->name_len == n && strncasecmp(out->name, name, n) == 0)
			return true;
	return false;
}

/* A tag whose name begins at `name`; the whole is `*t`. */
static void
tag(const struct html_reader *r, size_t name, struct html_token *t)
{
	struct html_attr ignored;
	size_t at = name_end(r, name);

	t->kind = name == t->at + 1 ? HTML_OPEN : HTML_CLOSE;
	t->name = name;
	t->name_len = at - name;
	t->traits = html_traits(r->text + name, t->name_len);
	for (;;) {
		at = skip_to_attribute(r, at);
		if (at == r->len || r->text[at] == '>')
			break;
		at = attribute(r, at, &ignored);
	}
	if (at == r->len)
		t->kind = HTML_UNENDED;
	else
		t->end = at + 1;
}

/* Where the content of a raw element ends: at its own end tag, which must end
 * itself. */
static size_t
raw_end(const struct html_reader *r, const struct html_token *open)
{
	struct html_token close;
	size_t at = open->end;

	for (; (at = find(r, at, "</")) < r->len; at += 2) {
		const size_t name = at + 2;

		close = (struct html_token){.at = at};
		if (r->len - name <= open->name_len ||
		    strncasecmp(r->text + name, r->text + open->name,
			open->name_len) != 0 ||
		    name_end(r, name) != name + open->name_len)
			continue;
		tag(r, name, &close);
		return close.kind == HTML_UNENDED ? r->len : at;
	}
	return r->len;
}

static void
enter_raw(struct html_reader *r, struct html_token *t)
{
	if (t->kind != HTML_OPEN || (t->traits & HTML_RAW) == 0)
		return;
	r->raw = raw_end(r, t);
	if (r->raw == r->len)
		t->kind = HTML_UNENDED;
}

/* The end of the comment whose text begins at `at`; 0 if it has none. */
static size_t
comment_end(const struct html_reader *r, size_t at)
{
	if (starts(r, at, ">"))
		return at + 1;
	if (starts(r, at, "->"))
		return at + 2;
	for (; (at = find(r, at, "--")) < r->len; at++) {
		if (starts(r, at, "-->"))
			return at + 3;
		if (starts(r, at, "--!>"))
			return at + 4;
	}
	return 0;
}

static void
comment(struct html_reader *r, struct html_token *t)
{
	size_t end = comment_end(r, t->at + 4);

	t->kind = end == 0 ? HTML_UNENDED : HTML_COMMENT;
	t->end = end;
	if (end != 0 && r->conditional == 0 && starts(r, t->at + 4, "[if")) {
		size_t open = find(r, t->at, "]>");

		if (open + 2 >= end)
			return;
		r->conditional = end;
		t->end = open + 2;
	}
}

/* What begins with "<". */
static void
markup(struct html_reader *r, struct html_token *t)
{
	const size_t at = t->at;
	char c = at + 1 < r->len ? r->text[at + 1] : '\0';

	if (letter(c)) {
		tag(r, at + 1, t);
		enter_raw(r, t);
	} else if (c == '/' && at + 2 < r->len && letter(r->text[at + 2])) {
		tag(r, at + 2, t);
	} else if (starts(r, at, "<!--")) {
		comment(r, t);
	} else if (c == '!' || c == '?' || c == '/') {
		t->end = find(r, at, ">") + 1;
		t->kind = t->end > r->len ? HTML_UNENDED : HTML_COMMENT;
	} else {
		t->kind = HTML_TEXT;
		t->end = at + 1;
	}
}

/* Conditional comments end where they end for a browser that sees a comment,
 * whatever is in them. */
static void
keep_within(struct html_reader *r, struct html_token *t)
{
	if (r->conditional == 0)
		return;
	t->hidden = true;
	if (t->kind == HTML_UNENDED || t->end >= r->conditional) {
		t->kind = HTML_COMMENT;
		t->end = r->conditional;
		r->conditional = 0;
		r->raw = 0;
	} else if (r->raw > r->conditional) {
		r->raw = r->conditional;
	}
}

bool
html_next(struct html_reader *r, struct html_token *out)
{
	*out = (struct html_token){.at = r->at};
	if (r->at >= r->len)
		return false;
	if (r->raw > r->at) {
		out->kind = HTML_COMMENT;
		out->end = r->raw;
		r->raw = 0;
	} else if (r->text[r->at] == '<') {
		markup(r, out);
	} else {
		out->kind = HTML_TEXT;
		out->end = find(r, r->at, "<");
	}
	keep_within(r, out);
	if (out->kind == HTML_UNENDED)
		out->end = r->len;
	r->at = out->end;
	return true;
}

size_t
html_reference(const char *p, size_t len, char *out)
{
	static const struct {
		const char *name;
		char c;
	} known[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'},
	    {"apos;", '\''}, {"lbrace;", '{'}, {"lcub;", '{'}, {"rbrace;", '}'},
	    {"rcub;", '}'}, {"lbrack;", '['}, {"lsqb;", '['}, {"rbrack;", ']'},
	    {"rsqb;", ']'}, {"percnt;", '%'}, {"lowbar;", '_'}, {"colon;", ':'},
	    {"sol;", '/'}, {"equals;", '='}, {"quest;", '?'}, {"period;", '.'},
	    {"ast;", '*'}, {"verbar;", '|'}};
	unsigned value = 0, base = 10;
	size_t i = 2;

	if (len < 4 || p[0] != '&')
		return 0;
	for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
		size_t n = strlen(known[k].name);

		if (len > n && memcmp(p + 1, known[k].name, n) == 0) {
			*out = known[k].c;
			return n + 1;
		}
	}
	if (p[1] != '#')
		return 0;
	if ((p[2] | 0x20) == 'x') {
		base = 16;
		i++;
	}
	for (; i < len && i < REFERENCE_MAX; i++) {
		const char *digits = "0123456789abcdef", *d;

		d = memchr(digits, letter(p[i]) ? p[i] | 0x20 : p[i], base);
		if (d == NULL)
			break;
		value = value * base + (unsigned)(d - digits);
		if (value > 0x7f)
			return 0;
	}
	if (i == len || p[i] != ';' || value == 0)
		return 0;
	*out = (char)value;
	return i + 1;
}
