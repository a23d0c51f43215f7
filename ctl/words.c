/* SPDX-License-Identifier: ISC */
/*
 * words - a line split as a shell would
 *
 * Taking quotes away only ever shortens a word, so it is done in place: `to`
 * never overtakes `p`.
 */
#include "words.h"

#include <string.h>

static const char blanks[] = " \t\r\n";

/* Copies what stands between quotes; the end, or NULL when none closes. */
static char *
copy_quoted(char *p, char **to)
{
	char quote = *p++;

	while (*p != quote) {
		if (quote == '"' && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		if (*p == '\0')
			return NULL;
		*(*to)++ = *p++;
	}
	return p + 1;
}

/* Takes the quotes off the word at `p`; its end, or NULL and `e`. */
static char *
take_word(char *p, char **to, struct err *e)
{
	while (*p != '\0' && strchr(blanks, *p) == NULL) {
		if (*p == '\'' || *p == '"') {
			char quote = *p;

			p = copy_quoted(p, to);
			if (p == NULL) {
				err_set(e, ERR_REFUSED,
				    "a %c is not closed on its line", quote);
				return NULL;
			}
			continue;
		}
		if (*p == '\\' && p[1] != '\0' && strchr("\r\n", p[1]) == NULL)
			p++;
		*(*to)++ = *p++;
	}
	return p;
}

int
words_split(char *line, const char **out, size_t max, struct err *e)
{
	char *p = line + strspn(line, blanks), *to;
	size_t n = 0;

	while (*p != '\0' && *p != '#') {
		if (n == max)
			return err_set(
			    e, ERR_REFUSED, "more than %zu words", max);
		out[n++] = to = p;
		p = take_word(p, &to, e);
		if (p == NULL)
			return -1;
		/* What ended the word is skipped before it is overwritten. */
		p += strspn(p, blanks);
		*to = '\0';
	}
	return (int)n;
}
