/* SPDX-License-Identifier: ISC */
/*
 * save - a file that holds personal data
 *
 * Always a new one, which only its owner reads; whole and on the disk, or not
 * there.
 */
#ifndef CTL_SAVE_H
#define CTL_SAVE_H

#include <stdbool.h>
#include <stdio.h>

#include "policy/err.h"

/* A new file, or standard output when `path` is NULL. NULL and `e`. */
FILE *save_open(const char *path, struct err *e)
    __attribute__((nonnull(2), warn_unused_result));

/* Ends it: 0 when all that was written is there; -1, and the file is not, when
 * it cannot be, or not `good`, of which `e` tells already. */
int save_close(FILE *f, const char *path, bool good, struct err *e)
    __attribute__((nonnull(1, 4), warn_unused_result));

#endif
