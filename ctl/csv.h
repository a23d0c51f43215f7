/* SPDX-License-Identifier: ISC */
/*
 * csv - a record of comma-separated values, taken apart (RFC 4180)
 *
 * Stricter than most: a quote that stands where none may, or that nothing
 * closes, is an error, because every reader guesses differently what it means.
 * Blanks around a value belong to it.
 */
#ifndef CTL_CSV_H
#define CTL_CSV_H

#include <stddef.h>

#include "policy/buf.h"
#include "policy/err.h"

enum { CSV_FIELDS_MAX = 256 };

/* What may separate the fields of a file. */
extern const char csv_delimiters[];

/* The delimiter of a file whose first record is `text`: the one that it has
 * most of outside quotes; a comma when it has none. */
char csv_detect(const char *text, size_t len) __attribute__((nonnull));

/* Takes a record apart in place: `text` has `len` octets, no NUL among them,
 * and room for one more.  0 and `*n` strings in `fields`, which point into
 * `text`; or -1 and `e`. */
int csv_split(char *text, size_t len, char delimiter,
    const char *fields[CSV_FIELDS_MAX], size_t *n, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Appends a field, quoted if it must be. */
void csv_put(struct buf *b, const char *text, size_t len)
    __attribute__((nonnull));

#endif
