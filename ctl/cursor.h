/* SPDX-License-Identifier: ISC */
/*
 * cursor - a look through a whole table, some rows at a time
 *
 * All rows are of one snapshot, and memory does not grow with them.
 */
#ifndef CTL_CURSOR_H
#define CTL_CURSOR_H

#include "policy/err.h"
#include "policy/pg.h"

/* Runs `query`, "DECLARE look CURSOR FOR ...", and calls `each` with its rows
 * (binary) until there are none, the last time with none.  -1 and `e` when it
 * failed, or `each` did. */
int cursor_run(struct pg *p, const char *query,
    int (*each)(void *arg, const struct pg_rows *rows, struct err *e),
    void *arg, struct err *e)
    __attribute__((nonnull(1, 2, 3, 5), warn_unused_result));

#endif
