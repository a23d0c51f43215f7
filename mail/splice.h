/* SPDX-License-Identifier: ISC */
/*
 * splice - places of a text that get other octets
 *
 * Whoever finds something to do adds to the list, in any order; settling it
 * leaves splices in the order of the text that do not overlap.  An insertion
 * replaces nothing.
 */
#ifndef MAIL_SPLICE_H
#define MAIL_SPLICE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct splice {
	size_t at, len;	  /* what is replaced */
	const char *text; /* by this */
	size_t text_len;
};

struct splices {
	struct arena *arena;
	struct splice *list;
	size_t n, size;
	bool failed; /* the arena was full: the list is not to be used */
};

void splice_add(struct splices *s, const struct splice *one)
    __attribute__((nonnull));

/* Orders the list.  Of two that overlap the one that begins first stays, of
 * two that begin together the longer one. */
void splice_settle(struct splices *s) __attribute__((nonnull));

/* Adds to settled splices of a text of `len` octets others, settled too, whose
 * positions are in what the first ones make of it. */
void splice_then(struct splices *s, size_t len, const struct splices *next)
    __attribute__((nonnull));

/* The text with the splices made, from octet `from` on, before which there
 * must be none; NULL when the arena is full. */
char *splice_apply(struct arena *a, const char *text, size_t len, size_t from,
    const struct splices *s, size_t *out_len)
    __attribute__((nonnull, warn_unused_result));

#endif
