/* SPDX-License-Identifier: ISC */
/*
 * locale - what the pages say, in each language
 *
 * A language is a file: NAME.po, where NAME is its tag.  English is what the
 * templates are written in and needs none.
 */
#ifndef PAGE_LOCALE_H
#define PAGE_LOCALE_H

#include <stddef.h>

#include "policy/err.h"

/* Marks a sentence for translators. */
#define N_(text) text

struct locales;
struct locale;

/* Reads every .po file of a directory.  NULL and an error that names file and
 * line. */
struct locales *locales_load(const char *directory, struct err *e)
    __attribute__((nonnull, warn_unused_result));
void locales_free(struct locales **l);

/* The language that a reader gets: the first of `wanted` (a tag, or the list
 * of RFC 9110's Accept-Language; NULL or "" is none) that there is, by weight
 * and then order; NULL when there is none of them. */
const struct locale *locales_choose(const struct locales *l, const char *wanted)
    __attribute__((nonnull(1), warn_unused_result));

/* The languages one by one, English first; NULL at the end. */
const struct locale *locales_at(const struct locales *l, size_t i)
    __attribute__((nonnull));

/* English. */
const struct locale *locales_default(const struct locales *l)
    __attribute__((nonnull, returns_nonnull));

/* Its tag, such as "pl". */
const char *locale_tag(const struct locale *l)
    __attribute__((nonnull, returns_nonnull));

/* A sentence in that language, as it is where
 * nobody translated it. Lives as long as the locales, or as `text`, which must
 * be NUL-terminated too. */
const char *locale_text(const struct locale *l, const char *text)
    __attribute__((nonnull, returns_nonnull));

#endif
