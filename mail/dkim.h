/* SPDX-License-Identifier: ISC */
/*
 * dkim - what a DKIM-Signature says about itself (RFC 6376, 3.5)
 *
 * Whether it verifies is not asked here: that needs the DNS, and is the
 * business of who receives the message.
 */
#ifndef MAIL_DKIM_H
#define MAIL_DKIM_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct dkim {
	const char *domain; /* d=, in lower case */
	const char *fields; /* h=, between colons, without blanks */
};

/* Reads an unfolded value into `out`, whose strings live in `a`; false when it
 * lacks v=1, or a tag that it must have, or `a` is full. */
bool dkim_parse(struct arena *a, const char *value, struct dkim *out)
    __attribute__((nonnull, warn_unused_result));

/* How many times the signature names a field. */
size_t dkim_covers(const struct dkim *d, const char *field)
    __attribute__((nonnull));

/* Whether two domains, in lower case and as A-labels, belong to one
 * organisation: RFC 7489, 3.1.1, "relaxed". */
bool dkim_aligned(const char *one, const char *two) __attribute__((nonnull));

#endif
