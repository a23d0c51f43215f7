/* SPDX-License-Identifier: ISC */
/*
 * label - the Consent-Purpose header
 *
 * Read strictly: who cannot say what a message is for without a mistake gets
 * it back, rather than have it sent for another purpose.
 */
#include "label.h"

#include <string.h>
#include <strings.h>

enum { PARAMETERS_MAX = 16 };

static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* RFC 2045 token: printable ASCII but for tspecials. */
static size_t
token(const char *p)
{
	size_t n = 0;

	while (p[n] > ' ' && p[n] < 0x7f &&
	    strchr("()<>@,;:\\\"/[]?=", p[n]) == NULL)
		n++;
	return n;
}

/* The octets of a quoted string, quotes included; 0 if it does not end. */
static size_t
quoted(const char *p)
{
	size_t n = 1;

	while (p[n] != '"') {
		if (p[n] == '\\')
			n++;
		if (p[n] == '\0' || p[n] == '\r' || p[n] == '\n')
			return 0;
		n++;
	}
	return n + 1;
}

static bool
same(const struct label_part *a, const struct label_part *b)
{
	return a->len == b->len && strncasecmp(a->text, b->text, a->len) == 0;
}

static bool
is(const struct label_part *name, const char *word)
{
	const struct label_part want = {word, strlen(word)};

	return same(name, &want);
}

/* Reads "name=value" at `*p`. */
static bool
parameter(const char **p, struct label_part *name, struct label_part *value)
{
	*name = (struct label_part){*p, token(*p)};
	*p = skip_space(*p + name->len);
	if (name->len == 0 || **p != '=')
		return false;
	*p = skip_space(*p + 1);
	*value = (struct label_part){*p, **p == '"' ? quoted(*p) : token(*p)};
	*p = skip_space(*p + value->len);
	return value->len > 0;
}

bool
label_parse(const char *value, struct label *out)
{
	struct label_part names[PARAMETERS_MAX], part;
	const char *p = skip_space(value);
	size_t n = 0;

	*out = (struct label){.purpose = {p, token(p)}};
	p = skip_space(p + out->purpose.len);
	while (*p == ';' && n < PARAMETERS_MAX) {
		p = skip_space(p + 1);
		if (!parameter(&p, &names[n], &part))
			return false;
		for (size_t i = 0; i < n; i++)
			if (same(&names[i], &names[n]))
				return false;
		if (is(&names[n], "campaign"))
			out->campaign = part;
		else if (is(&names[n], "lang"))
			out->lang = part;
		n++;
	}
	return out->purpose.len > 0 && *p == '\0';
}
