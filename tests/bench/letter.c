/* SPDX-License-Identifier: ISC */
/*
 * letter - the message that the client sends
 *
 * Read once, cut into headers and body once, then only handed out: what is
 * measured is the filter, not the reading. Header values keep the blank after
 * the colon, for the filter that asks for it.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "letter.h"

enum {
	OWN_BODY_LINES = 48,
};

static const char own_headers[] =
    "From: Acme <news@news.example.com>\n"
    "To: You <you@rcpt.test>\n"
    "Subject: This week at Acme\n"
    "Date: Mon, 02 Nov 2026 10:00:00 +0100\n"
    "Message-ID: <campaign-2026-11@news.example.com>\n"
    "MIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "\n";
static const char own_line[] = "The quick brown fox jumps over the lazy dog; "
			       "see example.com for more news.\n";

static char *
own_text(size_t *len)
{
	FILE *f;
	char *text = NULL;

	f = open_memstream(&text, len);
	if (f == NULL)
		return NULL;
	fputs(own_headers, f);
	for (int i = 0; i < OWN_BODY_LINES; i++)
		fputs(own_line, f);
	fclose(f);
	return text;
}

/* Every line ends in LF afterwards; NUL octets become blanks. */
static char *
file_text(const char *path, size_t *len)
{
	FILE *in, *out;
	char *text = NULL;
	int c, before = 0;

	in = fopen(path, "rb");
	if (in == NULL)
		return NULL;
	out = open_memstream(&text, len);
	if (out == NULL) {
		fclose(in);
		return NULL;
	}
	for (; (c = getc(in)) != EOF; before = c) {
		if (c == '\n' && before == '\r')
			fseek(out, -1, SEEK_CUR);
		putc(c != '\0' ? c : ' ', out);
	}
	if (before != '\n')
		putc('\n', out);
	fclose(out);
	fclose(in);
	return text;
}

static int
add_header(struct letter *l, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	struct letter_header *h;

	if (colon == NULL)
		return -1;
	h = realloc(l->header, (l->headers + 1) * sizeof(*h));
	if (h == NULL)
		return -1;
	l->header = h;
	h += l->headers++;
	h->name = strndup(line, (size_t)(colon - line));
	h->value = strndup(colon + 1, len - (size_t)(colon + 1 - line));
	return h->name != NULL && h->value != NULL ? 0 : -1;
}

/* The end of the header that starts at p: a LF with no blank behind it. */
static const char *
header_end(const char *p)
{
	p = strchr(p, '\n');
	while (p[1] == ' ' || p[1] == '\t')
		p = strchr(p + 1, '\n');
	return p;
}

static int
set_body(struct letter *l, const char *text)
{
	FILE *f = open_memstream(&l->body, &l->body_len);

	if (f == NULL)
		return -1;
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			putc('\r', f);
		putc(*text, f);
	}
	return fclose(f) == 0 ? 0 : -1;
}

static int
cut(struct letter *l, const char *p)
{
	const char *end;

	for (; *p != '\n' && *p != '\0'; p = end + 1) {
		end = header_end(p);
		if (add_header(l, p, (size_t)(end - p)) != 0)
			return -1;
	}
	return set_body(l, *p == '\n' ? p + 1 : p);
}

int
letter_load(struct letter *l, const char *path)
{
	size_t len = 0;
	char *text;
	int rc;

	*l = (struct letter){0};
	text = path != NULL ? file_text(path, &len) : own_text(&len);
	if (text == NULL) {
		fprintf(stderr, "mclient: %s: %s\n",
		    path != NULL ? path : "message", strerror(errno));
		return -1;
	}
	rc = cut(l, text);
	if (rc != 0)
		fprintf(stderr, "mclient: %s: not a message\n", path);
	free(text);
	return rc;
}

void
letter_free(struct letter *l)
{
	for (size_t i = 0; i < l->headers; i++) {
		free(l->header[i].name);
		free(l->header[i].value);
	}
	free(l->header);
	free(l->body);
	*l = (struct letter){0};
}
