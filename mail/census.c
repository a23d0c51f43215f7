/* SPDX-License-Identifier: ISC */
/*
 * census - whether what GMime builds of a message is small, and of what
 *
 * Its objects take up to a hundred times the octets they stand for, and it
 * compares each parameter with all before.  So everything is counted that may
 * be a header, which is more than what turns out to be one: a line that begins
 * like a boundary, and what follows until an empty line.  Of what is left, the
 * contents, it would look at each line for a boundary that is not there.
 */
#include "census.h"

#include <string.h>
#include <strings.h>

enum {
	FIELDS_MAX = 600,
	PARAMETERS_MAX = 500,
	FIELD_OCTETS_MAX = 64 * 1024,
	EDGE = 1024, /* of a content stays, at least */
	CUT_MIN = 4096
};

/* The next line that begins like a boundary, at or after the line at `p`. */
static const char *
next_boundary(const char *p, const char *begin, const char *end)
{
	for (; (p = memchr(p, '-', (size_t)(end - p))) != NULL; p++)
		if ((p == begin || p[-1] == '\n') && end - p > 1 && p[1] == '-')
			return p;
	return end;
}

/* What GMime is going to build objects of. */
struct census {
	size_t boundaries, fields, parameters, octets;
	bool digest; /* parts may be messages without saying so */
};

static bool
mentions(const char *p, size_t len, const char *word)
{
	const size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++)
		if ((p[i] | 0x20) == *word && strncasecmp(p + i, word, n) == 0)
			return true;
	return false;
}

/* Counts a header that begins at `p`, and the one after its empty line if it
 * may be a message's that begins there.  Returns where that ends. */
static const char *
count_head(const char *p, const char *end, struct census *c)
{
	bool nested = c->digest;

	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const size_t n = (size_t)((eol == NULL ? end : eol) - p);

		if (n == 0 || (n == 1 && *p == '\r')) {
			if (!nested)
				return p;
			nested = false;
		} else if (n > 1 && p[0] == '-' && p[1] == '-') {
			return p;
		}
		nested |= mentions(p, n, "message");
		c->digest |= mentions(p, n, "digest");
		for (size_t i = 0; i < n; i++)
			c->parameters += p[i] == ';';
		c->fields++;
		c->octets += n;
		p += n + (eol == NULL ? 0 : 1);
	}
	return end;
}

static bool
few(const struct census *c)
{
	return c->boundaries <= BOUNDARIES_MAX && c->fields <= FIELDS_MAX &&
	    c->parameters <= PARAMETERS_MAX && c->octets <= FIELD_OCTETS_MAX;
}

/* Cuts the middle out of the content from `p` to `end`. */
static void
cut(const char *body, const char *p, const char *end, struct cuts *out)
{
	const char *from, *to;

	if (end - p < 2 * EDGE + CUT_MIN)
		return;
	from = memchr(p + EDGE, '\n', (size_t)(end - p) - 2 * EDGE);
	to = memrchr(p + EDGE, '\n', (size_t)(end - p) - 2 * EDGE);
	if (from != NULL && to - from >= CUT_MIN)
		out->list[out->n++] = (struct cut){
		    (size_t)(from + 1 - body), (size_t)(to - from)};
}

size_t
census_place(const struct cuts *c, size_t at)
{
	for (size_t i = 0; i < c->n && at >= c->list[i].at; i++)
		at += c->list[i].len;
	return at;
}

bool
census_modest(const char *head, size_t head_len, const char *body, size_t len,
    struct cuts *out)
{
	const char *p = body, *content = body, *end = body + len, *eol;
	struct census c = {.digest = mentions(head, head_len, "digest")};

	out->n = 0;
	(void)count_head(head, head + head_len, &c);
	while (few(&c)) {
		p = next_boundary(p, body, end);
		cut(body, content, p, out);
		if (p == end)
			break;
		c.boundaries++;
		eol = memchr(p, '\n', (size_t)(end - p));
		if (eol == NULL)
			break;
		p = content = count_head(eol + 1, end, &c);
	}
	return few(&c);
}
