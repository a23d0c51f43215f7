/* SPDX-License-Identifier: ISC */
/*
 * placeholder - the marks in a text that stand for a link or a name
 *
 * One pass over the text stops only at octets that some placeholder begins
 * with.  Of several that fit at one place the longest is taken.
 */
#include "placeholder.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "ascii.h"
#include "edit.h"
#include "html.h"
#include "policy/arena.h"
#include "splice.h"

static const struct edit_alias builtin[] = {
    {"{{unsubscribe_url}}", EDIT_UNSUBSCRIBE},
    {"{{preferences_url}}", EDIT_PREFERENCES},
    {"{{why_url}}", EDIT_WHY},
    {"{{brand}}", EDIT_BRAND},
    {"{{amazonSESUnsubscribeUrl}}", EDIT_UNSUBSCRIBE},
    {"{{{pm:unsubscribe}}}", EDIT_UNSUBSCRIBE},
    {"{{{unsubscribe}}}", EDIT_UNSUBSCRIBE},
    {"[unsubscribe]", EDIT_UNSUBSCRIBE},
    {"<%asm_group_unsubscribe_raw_url%>", EDIT_UNSUBSCRIBE},
    {"%unsubscribe_url%", EDIT_UNSUBSCRIBE},
    {"%tag_unsubscribe_url%", EDIT_UNSUBSCRIBE},
    {"{unsubscribe_url}", EDIT_UNSUBSCRIBE},
    {"{dnc_url}", EDIT_UNSUBSCRIBE},
};

enum {
	BUILTIN = sizeof(builtin) / sizeof(builtin[0]),
	VALUES = EDIT_BRAND + 1
};

struct match {
	size_t len;
	bool url_escaped;
	enum edit_value value;
};

/* The octets that the character at `p` is written with, one at least. */
static size_t
character(const char *p, size_t len, bool html, char *c, bool *url_escaped)
{
	size_t n;

	*c = *p;
	if (len >= 3 && *p == '%' && ascii_hex(p[1]) >= 0 &&
	    ascii_hex(p[2]) >= 0) {
		*c = (char)(ascii_hex(p[1]) << 4 | ascii_hex(p[2]));
		*url_escaped = true;
		return 3;
	}
	if (html && *p == '&' && (n = html_reference(p, len, c)) > 0)
		return n;
	return 1;
}

/* How many octets at `p` spell `name`; 0 if they do not. */
static size_t
spelt(const char *p, size_t len, bool html, const char *name, bool *url_escaped)
{
	size_t at = 0;
	char c;

	for (; *name != '\0'; name++) {
		if (at == len)
			return 0;
		/* A percent sign of the name may look like an escape. */
		if (p[at] == *name && *name != '%' && *name != '&') {
			at++;
			continue;
		}
		size_t n = character(p + at, len - at, html, &c, url_escaped);
		if (c == *name)
			at += n;
		else if (p[at] == *name)
			at++;
		else
			return 0;
	}
	return at;
}

/* All placeholders, found by their first octet. */
struct index {
	const struct edit_plan *plan;
	uint16_t first[256]; /* a number of one that begins so, or 0 */
	uint16_t *next;	     /* by number, another one; or 0 */
	bool starts[256];
	const char *values[VALUES];
	const char *written[VALUES][2]; /* as text; within an address */
};

static const struct edit_alias *
numbered(const struct index *x, size_t i)
{
	return i <= BUILTIN ? &builtin[i - 1]
			    : &x->plan->aliases[i - BUILTIN - 1];
}

static bool
build(struct index *x, struct arena *a, bool html)
{
	const size_t n = BUILTIN + x->plan->n_aliases;

	x->next = arena_alloc(a, (n + 1) * sizeof(*x->next));
	if (x->next == NULL || n > UINT16_MAX)
		return false;
	for (size_t i = 1; i <= n; i++) {
		uint8_t c = (uint8_t)numbered(x, i)->name[0];

		x->next[i] = x->first[c];
		x->first[c] = (uint16_t)i;
		x->starts[c] = true;
	}
	x->starts['%'] = true;
	x->starts['&'] |= html;
	return true;
}

/* The longest of those that begin with `first`. */
static void
try(const struct index *x, char first, const char *p, size_t len, bool html,
    struct match *best)
{
	for (size_t i = x->first[(uint8_t)first]; i != 0; i = x->next[i]) {
		const struct edit_alias *one = numbered(x, i);
		bool url_escaped = false;
		size_t got = spelt(p, len, html, one->name, &url_escaped);

		if (got > best->len && x->values[one->value] != NULL)
			*best = (struct match){got, url_escaped, one->value};
	}
}

char *
placeholder_escape(struct arena *a, const char *utf8, size_t len)
{
	char *out = arena_alloc(a, 6 * len + 1), *w = out;

	for (size_t i = 0; out != NULL && i < len; i++)
		switch (utf8[i]) {
		case '&':
			w = mempcpy(w, "&amp;", 5);
			break;
		case '<':
			w = mempcpy(w, "&lt;", 4);
			break;
		case '>':
			w = mempcpy(w, "&gt;", 4);
			break;
		case '"':
			w = mempcpy(w, "&quot;", 6);
			break;
		case '\'':
			w = mempcpy(w, "&#39;", 5);
			break;
		default:
			*w++ = utf8[i];
		}
	return out;
}

static char *
url_escape(struct arena *a, const char *s)
{
	static const char digits[] = "0123456789ABCDEF";
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-._~";
	char *out = arena_alloc(a, 3 * strlen(s) + 1), *w = out;

	for (; out != NULL && *s != '\0'; s++) {
		if (strchr(plain, *s) != NULL) {
			*w++ = *s;
			continue;
		}
		*w++ = '%';
		*w++ = digits[(uint8_t)*s >> 4];
		*w++ = digits[(uint8_t)*s & 15];
	}
	return out;
}

/* Whether an address may begin here: nothing of one comes before. */
static bool
begins(const char *text, size_t at)
{
	if (at == 0 || (unsigned char)text[at - 1] <= ' ' ||
	    strchr("\"'<>()[]", text[at - 1]) != NULL)
		return true;
	return at > 5 && strncasecmp(text + at - 5, "href=", 5) == 0;
}

/* The value as it goes into the text, made when it is first needed. */
static const char *
written(
    struct index *x, enum edit_value v, bool within, bool html, struct arena *a)
{
	const char **w = &x->written[v][within];
	const char *value = x->values[v];

	if (*w == NULL && within)
		*w = url_escape(a, value);
	else if (*w == NULL)
		*w = html ? placeholder_escape(a, value, strlen(value)) : value;
	return *w;
}

static void
add(struct index *x, const struct match *m, const char *text, size_t at,
    bool html, struct splices *out)
{
	const bool within =
	    m->url_escaped && (m->value == EDIT_BRAND || !begins(text, at));
	const char *value = written(x, m->value, within, html, out->arena);

	if (value == NULL)
		out->failed = true;
	else
		splice_add(
		    out, &(struct splice){at, m->len, value, strlen(value)});
}

/* Where the next octet is, from `i` on, that one may begin with. */
static size_t
next_start(const struct index *x, const char *text, size_t i, size_t len)
{
	while (i < len && !x->starts[(uint8_t)text[i]])
		i++;
	return i;
}

void
placeholder_find(const struct edit_plan *plan, const char *text, size_t len,
    bool html, struct splices *out)
{
	struct index x = {
	    .plan = plan,
	    .values =
		{
		    [EDIT_UNSUBSCRIBE] = plan->unsubscribe_url,
		    [EDIT_PREFERENCES] = plan->preferences_url,
		    [EDIT_WHY] = plan->why_url,
		    [EDIT_BRAND] = plan->brand,
		},
	};

	if (!build(&x, out->arena, html)) {
		out->failed = true;
		return;
	}
	for (size_t i = next_start(&x, text, 0, len); i < len;
	     i = next_start(&x, text, i + 1, len)) {
		struct match best = {0};
		bool escaped = false;
		char first;

		(void)character(text + i, len - i, html, &first, &escaped);
		try(&x, text[i], text + i, len - i, html, &best);
		if (first != text[i])
			try(&x, first, text + i, len - i, html, &best);
		if (best.len == 0)
			continue;
		add(&x, &best, text, i, html, out);
		i += best.len - 1;
	}
}
