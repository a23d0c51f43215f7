/* SPDX-License-Identifier: ISC */
/*
 * proofread - words and templates of one's own, looked at before they are used
 */
#ifndef CTL_PROOFREAD_H
#define CTL_PROOFREAD_H

#include <stddef.h>

#include "page/part.h"
#include "policy/err.h"

struct ctl;
struct locale;
struct share;

enum { PROOFREAD_TEMPLATE_MAX = 32768 };

/* Whether the page `p` can be made with these words, of at most `max`
 * characters, or this template: 0, or -1 and `e`, which names the line.  Each
 * reads the program's templates. */
int proofread_words(struct ctl *c, enum page p, const char *text, size_t max,
    struct err *e) __attribute__((nonnull, warn_unused_result));
int proofread_template(struct ctl *c, enum page p, const char *text,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* The language of a tag (NULL: English), if the pages speak it; NULL and `e`.
 */
const struct locale *proofread_locale(const struct share *s, const char *tag,
    struct err *e) __attribute__((nonnull(1, 3), warn_unused_result));

#endif
