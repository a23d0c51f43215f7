/* SPDX-License-Identifier: ISC */
/*
 * census - whether what GMime builds of a message is small, and of what
 */
#ifndef MAIL_CENSUS_H
#define MAIL_CENSUS_H

#include <stdbool.h>
#include <stddef.h>

enum { BOUNDARIES_MAX = 250 };

/* Stretches of the body, in its order, that are whole lines amid a content: no
 * header and no boundary, nor next to one. */
struct cuts {
	struct cut {
		size_t at, len;
	} list[BOUNDARIES_MAX + 1];
	size_t n;
};

/* True if it takes less than a megabyte, the message itself aside; then `out`
 * has what GMime need not see. */
bool census_modest(const char *head, size_t head_len, const char *body,
    size_t len, struct cuts *out) __attribute__((nonnull, warn_unused_result));

/* Where an octet of the body without the cuts is in the body. */
size_t census_place(const struct cuts *c, size_t at) __attribute__((nonnull));

#endif
