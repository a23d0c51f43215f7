/* SPDX-License-Identifier: ISC */
/*
 * check - whether a page made of a template of one's own may be shown
 */
#ifndef PAGE_CHECK_H
#define PAGE_CHECK_H

#include "policy/buf.h"
#include "policy/err.h"

/* Whether in the text of a template nothing is filled into a link, and its
 * <meta> are those that a page may have.  0, or -1 and `e`, which names the
 * line.  What conditions hide from this, check_page() sees. */
int check_template(const char *text, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Whether `own`, made by `template`, is as strict a page as `ours`, which the
 * program's template makes of the same view: it has nothing in it that runs,
 * loads, hides or leads a form elsewhere, and the very forms that ours has,
 * field by field, and its <address>.  0, or -1 and `e`, which names the line of
 * `own`. */
int check_page(const struct buf *own, const char *template,
    const struct buf *ours, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
