/* SPDX-License-Identifier: ISC */
/*
 * file - the whole of a file, or of standard input
 */
#ifndef CTL_FILE_H
#define CTL_FILE_H

#include "policy/err.h"

struct buf;

enum { FILE_MAX = 64 << 20 };

/* Adds what is in the file at `path`, - being standard input, to `b`, of which
 * the caller disposes also when it fails: -1 and `e`, as for a file of more
 * than FILE_MAX octets. */
int file_read(const char *path, struct buf *b, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
