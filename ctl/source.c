/* SPDX-License-Identifier: ISC */
/*
 * source - the records of a file, one after the other, in bounded memory
 *
 * Finding where a record ends needs to know about quotes and braces, and
 * nothing else: what a record says is read by others.  One that is too long is
 * followed to its end all the same, so that what comes after a quote that is
 * not closed, which may be anybody's words, is never taken for records.
 */
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "csv.h"

enum { CHUNK = 1 << 16, WRAPPER_WITHIN = 256 };

/* Where in a record the reader is. */
enum place {
	FIELD = 0, /* at the start of a field; JSON: outside strings */
	PLAIN,	   /* in a field without quotes */
	QUOTED,	   /* within quotes */
	AFTER	   /* CSV: behind a quote; JSON: behind a backslash */
};

struct source {
	int fd;
	enum source_form form;
	char delimiter; /* 0: not known yet */
	bool at_end;
	int64_t offset; /* of in[at] */
	long long line;
	size_t at, n;
	size_t len; /* of the record */
	bool special[256];
	char in[CHUNK];
	char record[SOURCE_RECORD_MAX + 1];
};

/* Sees to it that there is an octet at in[at]. 1, 0 at the end, -1. */
static int
fill(struct source *s, struct err *e)
{
	ssize_t n;

	if (s->at < s->n)
		return 1;
	if (s->at_end)
		return 0;
	do
		n = read(s->fd, s->in, sizeof(s->in));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(e, ERR_FATAL, "%s", strerror(errno));
	s->at = 0;
	s->n = (size_t)n;
	s->at_end = n == 0;
	return n > 0;
}

static void
advance(struct source *s)
{
	s->line += s->in[s->at] == '\n';
	s->at++;
	s->offset++;
}

static void
keep(struct source *s, const char *text, size_t n)
{
	size_t room =
	    s->len < SOURCE_RECORD_MAX ? SOURCE_RECORD_MAX - s->len : 0;

	memcpy(s->record + (s->len < SOURCE_RECORD_MAX ? s->len : 0), text,
	    n < room ? n : room);
	s->len += n;
}

/* Keeps the octets that no rule is about; whether there were any. */
static bool
keep_ordinary(struct source *s)
{
	size_t from = s->at;

	while (s->at < s->n && !s->special[(unsigned char)s->in[s->at]])
		s->at++;
	s->offset += (int64_t)(s->at - from);
	keep(s, s->in + from, s->at - from);
	return s->at > from;
}

static void
set_special(struct source *s, const char *characters)
{
	memset(s->special, 0, sizeof(s->special));
	for (const char *p = characters; *p != '\0'; p++)
		s->special[(unsigned char)*p] = true;
}

static bool
is_delimiter(const struct source *s, char c)
{
	if (s->delimiter != '\0')
		return c == s->delimiter;
	return c != '\0' && strchr(csv_delimiters, c) != NULL;
}

/* The place after `c`. */
static enum place
step_csv(const struct source *s, enum place p, char c)
{
	if (p == QUOTED)
		return c == '"' ? AFTER : QUOTED;
	if (c == '"' && p != PLAIN)
		return QUOTED;
	return is_delimiter(s, c) ? FIELD : PLAIN;
}

/* One line, or as many as its quotes span. */
static int
frame_lines(struct source *s, struct err *e)
{
	enum place p = FIELD;
	int rc;

	while ((rc = fill(s, e)) > 0) {
		char c = s->in[s->at];

		if (keep_ordinary(s)) {
			p = p == QUOTED ? QUOTED : PLAIN;
			continue;
		}
		advance(s);
		if (c == '\n' && p != QUOTED)
			break;
		if (s->form == SOURCE_CSV)
			p = step_csv(s, p, c);
		keep(s, &c, 1);
	}
	/* CRLF ends a line as well. */
	if (s->len > 0 && s->len <= SOURCE_RECORD_MAX &&
	    s->record[s->len - 1] == '\r')
		s->len--;
	return rc < 0 ? -1 : 0;
}

/* Skips what stands between the objects of an array. */
static int
skip_between(struct source *s, struct err *e)
{
	int rc;

	while ((rc = fill(s, e)) > 0 &&
	    memchr(" \t\r\n,[]}", s->in[s->at], 8) != NULL)
		advance(s);
	return rc;
}

/* An object, to the brace that closes it; what is none, to the line's end. */
static int
frame_object(struct source *s, struct err *e)
{
	enum place p = FIELD;
	size_t depth = 0;
	int rc;

	while ((rc = fill(s, e)) > 0) {
		char c = s->in[s->at];

		if (depth == 0 && c == '\n')
			break;
		advance(s);
		keep(s, &c, 1);
		if (p == AFTER)
			p = QUOTED;
		else if (p == QUOTED)
			p = c == '\\' ? AFTER : c == '"' ? FIELD : QUOTED;
		else if (c == '"')
			p = QUOTED;
		else if (c == '{')
			depth++;
		else if (c == '}' && depth > 0 && --depth == 0)
			break;
	}
	return rc < 0 ? -1 : 0;
}

int
source_next(struct source *s, struct source_record *r, struct err *e)
{
	int rc;

	do {
		s->len = 0;
		if (s->form == SOURCE_ARRAY && skip_between(s, e) < 0)
			return -1;
		r->line = s->line;
		rc = fill(s, e);
		if (rc <= 0)
			return rc;
		rc = s->form == SOURCE_ARRAY ? frame_object(s, e)
					     : frame_lines(s, e);
		if (rc != 0)
			return -1;
	} while (s->len == 0);
	r->too_long = s->len > SOURCE_RECORD_MAX;
	r->len = r->too_long ? SOURCE_RECORD_MAX : s->len;
	r->text = s->record;
	r->text[r->len] = '\0';
	return 1;
}

/* Leaves a byte order mark of UTF-8 out; refuses those of UTF-16. */
static int
skip_mark(struct source *s, struct err *e)
{
	if (s->n >= 2 &&
	    (memcmp(s->in, "\xff\xfe", 2) == 0 ||
		memcmp(s->in, "\xfe\xff", 2) == 0))
		return err_set(e, ERR_REFUSED,
		    "this is UTF-16: convert it with iconv -f UTF-16 -t UTF-8");
	if (s->n >= 3 && memcmp(s->in, "\xef\xbb\xbf", 3) == 0)
		s->at = 3;
	s->offset = (int64_t)s->at;
	return 0;
}

static bool
is_wrapped(const struct source *s, size_t from, const char *wrapper)
{
	size_t left = s->n - from;

	return wrapper != NULL && s->in[from] == '{' &&
	    memmem(s->in + from, left < WRAPPER_WITHIN ? left : WRAPPER_WITHIN,
		wrapper, strlen(wrapper)) != NULL;
}

static int
find_form(struct source *s, const char *wrapper, struct err *e)
{
	size_t from = s->at;
	int rc = 1;

	while (from < s->n && memchr(" \t\r\n", s->in[from], 4) != NULL)
		from++;
	if (from == s->n)
		return 0;
	if (s->in[from] == '[')
		s->form = SOURCE_ARRAY;
	else if (is_wrapped(s, from, wrapper)) {
		s->form = SOURCE_ARRAY;
		while ((rc = fill(s, e)) > 0 && s->in[s->at] != '[')
			advance(s);
	} else if (s->in[from] == '{') {
		s->form = SOURCE_LINES;
		set_special(s, "\n");
	}
	return rc < 0 ? -1 : 0;
}

struct source *
source_open(int fd, const char *wrapper, struct err *e)
{
	struct source *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	s->fd = fd;
	s->line = 1;
	set_special(s, "\n\",;\t");
	if (fill(s, e) < 0 || skip_mark(s, e) != 0 ||
	    find_form(s, wrapper, e) != 0)
		source_close(&s);
	return s;
}

void
source_close(struct source **s)
{
	free(*s);
	*s = NULL;
}

enum source_form
source_form(const struct source *s)
{
	return s->form;
}

void
source_set_delimiter(struct source *s, char delimiter)
{
	s->delimiter = delimiter;
	set_special(s, (const char[]){'\n', '"', delimiter, '\0'});
}

int64_t
source_offset(const struct source *s)
{
	return s->offset;
}

long long
source_line(const struct source *s)
{
	return s->line;
}

int
source_seek(struct source *s, int64_t offset, long long line, struct err *e)
{
	if (lseek(s->fd, offset, SEEK_SET) != offset)
		return err_set(e, ERR_FATAL, "%s", strerror(errno));
	s->at = s->n = 0;
	s->at_end = false;
	s->offset = offset;
	s->line = line;
	return 0;
}
