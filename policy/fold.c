/* SPDX-License-Identifier: ISC */
/*
 * fold - text as it is compared, whatever its case and its Unicode form
 *
 * Folding would make one character of whatever is not UTF-8, and so one text
 * of many: that is refused before.
 */
#include "fold.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

#include "arena.h"

char *
fold_text(struct arena *a, const char *what, const char *text, struct err *e)
{
	const uint8_t *octets = (const uint8_t *)text;
	size_t len = strlen(text), n = 0;
	uint8_t *folded;
	char *copy;

	if (u8_check(octets, len) != NULL) {
		err_set(e, ERR_REFUSED, "%s is not UTF-8", what);
		return NULL;
	}
	folded = u8_casefold(octets, len, NULL, UNINORM_NFKC, NULL, &n);
	copy =
	    folded == NULL ? NULL : arena_strndup(a, (const char *)folded, n);
	free(folded);
	if (copy == NULL)
		err_set(e, ERR_FATAL, "out of memory for %s", what);
	return copy;
}
