/* SPDX-License-Identifier: ISC */
/*
 * field - the header fields of a part, as octets
 */
#ifndef MAIL_FIELD_H
#define MAIL_FIELD_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* A field in a block of fields. */
struct field {
	size_t at, end; /* all of it, its line break included */
	size_t name_len;
	bool spaced; /* before the colon, where some look and some do not */
	size_t value, value_end; /* without leading space and line break */
};

/* The field that begins at `*at`, which moves to the next; false at the empty
 * line or the end.  A line that is no field is one with an empty name. */
bool field_next(const char *block, size_t len, size_t *at, struct field *out)
    __attribute__((nonnull, warn_unused_result));

/* How many fields have that name; `out` is the first. */
size_t field_find(const char *block, size_t len, const char *name,
    struct field *out) __attribute__((nonnull, warn_unused_result));

/* A Content-Type's value with another charset, everything else as it is.  NULL
 * if it cannot be done with certainty, or the arena is full. */
char *field_charset(struct arena *a, const char *value, size_t len,
    const char *charset) __attribute__((nonnull, warn_unused_result));

#endif
