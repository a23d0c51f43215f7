/* SPDX-License-Identifier: ISC */
/*
 * source - the records of a file, one after the other, in bounded memory
 *
 * A file is CSV, whose records may span lines, or NDJSON, one object a line,
 * or one JSON document with an array of objects; its first character tells.
 * Whatever the file says, no more than SOURCE_RECORD_MAX octets of one record
 * are kept.
 */
#ifndef CTL_SOURCE_H
#define CTL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/err.h"

enum { SOURCE_RECORD_MAX = 1 << 18 };

enum source_form { SOURCE_CSV = 0, SOURCE_LINES, SOURCE_ARRAY };

struct source;

struct source_record {
	char *text;	/* the source's, until the next one; NUL after it */
	size_t len;	/* without the end of line */
	long long line; /* on which it begins, from 1 */
	bool too_long;	/* `text` is only the beginning */
};

/* Reads from `fd`, which stays the caller's, and finds the form out.  In a
 * JSON document that is an object, the array is that of its member `wrapper`
 * (may be NULL).  NULL and `e`, also for an encoding that cannot be framed. */
struct source *source_open(int fd, const char *wrapper, struct err *e)
    __attribute__((nonnull(3), warn_unused_result));
void source_close(struct source **s);

enum source_form source_form(const struct source *s) __attribute__((nonnull));

/* CSV: until this is said, each of csv_delimiters counts. */
void source_set_delimiter(struct source *s, char delimiter)
    __attribute__((nonnull));

/* The next record that is not empty. 1, 0 at the end, -1 and `e`. */
int source_next(struct source *s, struct source_record *r, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Where the next record begins: octets from the start, and lines. */
int64_t source_offset(const struct source *s) __attribute__((nonnull));
long long source_line(const struct source *s) __attribute__((nonnull));

/* Goes on from there, in a file that can be positioned. */
int source_seek(struct source *s, int64_t offset, long long line, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
