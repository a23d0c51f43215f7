/* SPDX-License-Identifier: ISC */
/*
 * footers - the footers of the database, kept for a while
 *
 * What a footer says decides about nobody's consent, so it may be up to
 * FOOTERS_AGE old; and when the database cannot be asked, older.
 */
#ifndef MILTER_FOOTERS_H
#define MILTER_FOOTERS_H

#include <stdint.h>

#include "policy/err.h"

struct arena;
struct footers;
struct store;

/* How long a footer is used before the database is asked again, in seconds. */
enum { FOOTERS_AGE = 30 };

/* As the database has it, its placeholders not yet filled in. */
struct footers_one {
	const char *text, *html, *brand, *title;
};

/* `s` must outlive it.  NULL without memory. */
struct footers *footers_new(struct store *s)
    __attribute__((nonnull, warn_unused_result));
void footers_free(struct footers **f);

/* The footer of a purpose in the language of that number (language.h), else in
 * English, else in any; its strings are put into `a`.  -1 and `e` when it was
 * never read and cannot be now, or `a` is full. */
int footers_get(struct footers *f, uint16_t purpose, unsigned int language,
    struct arena *a, struct footers_one *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
