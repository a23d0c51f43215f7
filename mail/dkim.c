/* SPDX-License-Identifier: ISC */
/*
 * dkim - what a DKIM-Signature says about itself (RFC 6376, 3.5)
 *
 * Blanks may stand between any two of its words and case tells nothing apart
 * in what is read here, so both are taken away before it is taken apart.
 */
#include "dkim.h"

#include <ctype.h>
#include <libpsl.h>
#include <string.h>
#include <strings.h>

#include "policy/arena.h"

static void
squeeze(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++)
		if (strchr(" \t\r\n", *s) == NULL)
			*to++ = (char)tolower((unsigned char)*s);
	*to = '\0';
}

bool
dkim_parse(struct arena *a, const char *value, struct dkim *out)
{
	static const char tags[] = "vabdhs"; /* one letter each, and bh */
	const char *values[sizeof(tags)] = {NULL}, *hash = NULL, *at;
	char *p = arena_strdup(a, value), *next;

	if (p == NULL)
		return false;
	squeeze(p);
	for (; p != NULL; p = next) {
		next = strchr(p, ';');
		if (next != NULL)
			*next++ = '\0';
		at = p[0] == '\0' ? NULL : strchr(tags, p[0]);
		if (at != NULL && p[1] == '=' && p[2] != '\0')
			values[at - tags] = p + 2;
		else if (strncmp(p, "bh=", 3) == 0 && p[3] != '\0')
			hash = p + 3;
	}
	for (size_t i = 0; i < strlen(tags); i++)
		if (values[i] == NULL)
			return false;
	out->domain = values[strchr(tags, 'd') - tags];
	out->fields = values[strchr(tags, 'h') - tags];
	return hash != NULL && strcmp(values[0], "1") == 0;
}

size_t
dkim_covers(const struct dkim *d, const char *field)
{
	size_t n = 0, len;

	for (const char *p = d->fields; *p != '\0';
	     p += len + (p[len] == ':')) {
		len = strcspn(p, ":");
		n += len == strlen(field) && strncasecmp(p, field, len) == 0;
	}
	return n;
}

bool
dkim_aligned(const char *one, const char *two)
{
	const psl_ctx_t *list = psl_builtin();
	const char *a = psl_registrable_domain(list, one);
	const char *b = psl_registrable_domain(list, two);

	return strcmp(one, two) == 0 ||
	    (a != NULL && b != NULL && strcmp(a, b) == 0);
}
