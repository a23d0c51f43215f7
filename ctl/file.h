/* SPDX-License-Identifier: ISC */
/*
 * file - the whole of a file, read or written
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

/* Writes the file at `path`: at no time is there half of it, and what was there
 * stays until all of the new one is on the disk.  -1 and `e`, also when what is
 * there is no file. */
int file_replace(const char *path, const char *text, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
