/* SPDX-License-Identifier: ISC */
/*
 * check - whether a page made of a template of one's own may be shown
 */
#ifndef PAGE_CHECK_H
#define PAGE_CHECK_H

#include "policy/buf.h"
#include "policy/err.h"

/* Whether `own` is as strict a page as `ours`, which the program's template
 * makes of the same view: it has nothing in it that runs, loads, hides or leads
 * a form elsewhere, and the very forms that ours has, field by field, and its
 * <address>.  0, or -1 and `e`, which names the line of `own`. */
int check_page(const struct buf *own, const struct buf *ours, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
