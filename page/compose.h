/* SPDX-License-Identifier: ISC */
/*
 * compose - a page, as it is sent
 */
#ifndef PAGE_COMPOSE_H
#define PAGE_COMPOSE_H

#include <jansson.h>

#include "page/part.h"
#include "policy/buf.h"
#include "policy/err.h"

struct locale;
struct look;
struct share;

struct composed {
	struct buf html;
	char policy[256];   /* its Content-Security-Policy */
	struct err trouble; /* what of its own could not be used; or "" */
};

/* Makes the page `p` of `view`, an object for its template, to which what all
 * pages have is added.  What is wrong with a page of one's own never keeps it
 * from being made: it then has the program's words, or template, and `trouble`
 * says why.  0, or -1 and `e`; the caller disposes of html either way. */
int compose(const struct share *s, const struct locale *l, enum page p,
    const struct look *look, json_t *view, struct composed *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
