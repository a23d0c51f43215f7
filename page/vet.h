/* SPDX-License-Identifier: ISC */
/*
 * vet - whether words and templates of one's own may be used for a page
 */
#ifndef PAGE_VET_H
#define PAGE_VET_H

#include "page/part.h"
#include "policy/err.h"

struct share;

/* Whether words can be filled in for the part `p`: tags in them name what its
 * template names, or {{brand}} or {{purpose}}, and nothing else, and something
 * of them can be seen.  0, or -1 and `e`, which names the line. */
int vet_words(const struct share *s, enum page p, const char *text,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* Whether a template can be filled in for the part: it names what the program's
 * own names, includes templates that there are, escapes what it fills in, and
 * fills nothing into links.
 * 0, or -1 and `e`, which names the line. */
int vet_template(const struct share *s, enum page p, const char *text,
    struct err *e) __attribute__((nonnull, warn_unused_result));

#endif
