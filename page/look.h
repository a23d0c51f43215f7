/* SPDX-License-Identifier: ISC */
/*
 * look - whose a page is, and what of it is their own
 */
#ifndef PAGE_LOOK_H
#define PAGE_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "page/part.h"
#include "policy/err.h"

struct pg_rows;
struct store;

/* Where a page belongs: to a purpose, to the page of that name, or to a purpose
 * whose link names a page. */
struct look_place {
	uint16_t purpose; /* 0: none */
	const char *page; /* NULL: none */
};

/* NULL where the program's own is to be used.  Zeroed, it is nobody's. */
struct look {
	const char *brand, *purpose; /* the brand's name, the purpose's title */
	const char *sender; /* where the brand's pages' mail comes from */
	const char *colour; /* "#rrggbb" */
	const char *logo;   /* a data: URI */
	const char *page;
	const char *title, *body, *button, *template;
	bool lacks; /* the page has words for the part, in other languages */
	struct pg_rows *rows; /* what all of it lives as long as */
};

/* Whether `name` can be a page's: nothing else is asked for. */
bool look_name(const char *name) __attribute__((nonnull, warn_unused_result));

/* Reads how a part looks in a language (a tag).  0, also when it is nobody's;
 * or -1 and `e`.  Asks PostgreSQL. */
int look_read(struct store *s, const struct look_place *at,
    const struct part *part, const char *language, struct look *out,
    struct err *e) __attribute__((nonnull, warn_unused_result));
void look_free(struct look *look) __attribute__((nonnull));

#endif
