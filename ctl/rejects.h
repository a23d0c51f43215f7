/* SPDX-License-Identifier: ISC */
/*
 * rejects - the records that were not applied, with the reason, as CSV
 *
 * line,reason,record: what can be corrected and imported again.  The file is
 * personal data, so it is its owner's only, and it is made when there is
 * something to write.
 */
#ifndef CTL_REJECTS_H
#define CTL_REJECTS_H

#include <stddef.h>
#include <stdint.h>

#include "policy/err.h"

struct rejects;

/* Goes on after the first `octets` of the file at `path`; 0 begins anew and
 * takes away what was there.  `path` NULL: nothing is written. */
struct rejects *rejects_open(const char *path, int64_t octets, struct err *e)
    __attribute__((nonnull(3), warn_unused_result));
void rejects_close(struct rejects **r);

/* Adds a record, of which at most REJECTS_RECORD octets are kept. */
enum { REJECTS_RECORD = 1 << 16 };
void rejects_add(struct rejects *r, long long line, const char *reason,
    const char *record, size_t len) __attribute__((nonnull));

/* Writes what was added to the disk, and how long the file is then. */
int rejects_flush(struct rejects *r, int64_t *octets, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
