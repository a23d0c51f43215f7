/* SPDX-License-Identifier: ISC */
/*
 * signature - what a DKIM signature covers
 *
 * Reads only what it needs, tags and the names in h=, and takes what it cannot
 * make out for covered.
 */
#include "signature.h"

#include <string.h>
#include <strings.h>

/* What may stand between the words of a header field. */
#define SPACE " \t\r\n"

static const char *
skip_space(const char *p)
{
	return p + strspn(p, SPACE);
}

/* Whether one of the names between the colons is `name`. */
static bool
lists(const char *p, const char *name)
{
	size_t len = strlen(name), n;

	for (;; p++) {
		p = skip_space(p);
		n = strcspn(p, SPACE ":;");
		if (n == len && strncasecmp(p, name, n) == 0)
			return true;
		p = skip_space(p + n);
		if (*p != ':')
			return *p != ';' && *p != '\0';
	}
}

bool
signature_covers(const char *value, const char *name)
{
	bool found = false;

	for (const char *p = value; *p != '\0'; p += *p == ';') {
		p = skip_space(p);
		if (*p == 'h' && *skip_space(p + 1) == '=') {
			found = true;
			if (lists(skip_space(p + 1) + 1, name))
				return true;
		}
		p += strcspn(p, ";");
	}
	return !found;
}
