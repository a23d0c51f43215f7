/* SPDX-License-Identifier: ISC */
/*
 * fold - text as it is compared, whatever its case and its Unicode form
 */
#ifndef POLICY_FOLD_H
#define POLICY_FOLD_H

#include "err.h"

struct arena;

/* `text` in NFKC, case-folded, in `a`; folding it again changes nothing.  NULL
 * and an error: ERR_REFUSED when it is not UTF-8 (`what` names it), ERR_FATAL
 * when the arena is full. */
char *fold_text(struct arena *a, const char *what, const char *text,
    struct err *e) __attribute__((nonnull, warn_unused_result));

#endif
