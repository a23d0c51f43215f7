/* SPDX-License-Identifier: ISC */
/*
 * csv - a record of comma-separated values, taken apart (RFC 4180)
 *
 * libcsv reads the same grammar, but has no limit on a record, does not say
 * on which line one begins, and keeps no copy of it for the rejects; all three
 * need a reader that knows quotes (source.c), and two that know them could
 * disagree.  What is left is this.
 */
#include "csv.h"

#include <string.h>

const char csv_delimiters[] = ",;\t";

char
csv_detect(const char *text, size_t len)
{
	size_t counts[sizeof(csv_delimiters)] = {0}, best = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		const char *d = strchr(csv_delimiters, text[i]);

		if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && d != NULL && *d != '\0')
			counts[d - csv_delimiters]++;
	}
	for (size_t i = 1; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (counts[i] > counts[best])
			best = i;
	return csv_delimiters[best];
}

/* Takes the quotes off the field that `*from` begins with, writing at `*to`,
 * which never overtakes it.  What follows the closing quote, or NULL. */
static char *
unquote(char *from, const char *end, char **to)
{
	char *p = from + 1;

	for (;;) {
		char *quote = memchr(p, '"', (size_t)(end - p));

		if (quote == NULL)
			return NULL;
		memmove(*to, p, (size_t)(quote - p));
		*to += quote - p;
		p = quote + 1;
		if (p == end || *p != '"')
			return p;
		*(*to)++ = *p++;
	}
}

/* Moves an unquoted field to `*to`; its end, or NULL if it has a quote. */
static char *
take_plain(char *from, const char *end, char delimiter, char **to)
{
	char *p = memchr(from, delimiter, (size_t)(end - from));
	size_t len = (size_t)(p == NULL ? end - from : p - from);

	if (memchr(from, '"', len) != NULL)
		return NULL;
	memmove(*to, from, len);
	*to += len;
	return from + len;
}

int
csv_split(char *text, size_t len, char delimiter,
    const char *fields[CSV_FIELDS_MAX], size_t *n, struct err *e)
{
	char *p = text, *to = text;
	const char *end = text + len;

	for (*n = 0;;) {
		bool quoted = p < end && *p == '"';

		if (*n == CSV_FIELDS_MAX)
			return err_set(e, ERR_REFUSED, "more than %d fields",
			    CSV_FIELDS_MAX);
		fields[(*n)++] = to;
		p = quoted ? unquote(p, end, &to)
			   : take_plain(p, end, delimiter, &to);
		if (p == NULL)
			return err_set(e, ERR_REFUSED,
			    quoted ? "a quote is not closed"
				   : "a quote within a field without quotes");
		if (p < end && *p != delimiter)
			return err_set(
			    e, ERR_REFUSED, "text after a closing quote");
		if (p == end) {
			*to = '\0';
			return 0;
		}
		/* The delimiter's place is free for the end of the string. */
		p++;
		*to++ = '\0';
	}
}

void
csv_put(struct buf *b, const char *text, size_t len)
{
	bool plain = len == 0 || (text[0] != ' ' && text[len - 1] != ' ');

	for (size_t i = 0; plain && i < len; i++)
		plain = strchr("\",;\t\r\n", text[i]) == NULL;
	if (plain) {
		buf_add(b, text, len);
		return;
	}
	buf_add(b, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			buf_add(b, "\"", 1);
		buf_add(b, text + i, 1);
	}
	buf_add(b, "\"", 1);
}
