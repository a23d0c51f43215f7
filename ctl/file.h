/* SPDX-License-Identifier: ISC */
/*
 * file - the whole of a file, or of standard input
 */
#ifndef CTL_FILE_H
#define CTL_FILE_H

#include <stddef.h>

#include "policy/err.h"

struct buf;

/* Adds what is in the file at `path`, - being standard input, to `b`, of which
 * the caller disposes also when it fails: -1 and `e`, as for a file of more
 * than `max` octets. */
int file_read(const char *path, size_t max, struct buf *b, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
