/* SPDX-License-Identifier: ISC */
/*
 * stage - parts of an import on their way into the database
 *
 * A part is a transaction of its own: its rows are copied, applied, and how
 * far the file has come is noted with them.
 */
#ifndef CTL_STAGE_H
#define CTL_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/buf.h"
#include "policy/err.h"

enum { STAGE_IDENTITY = 32 };

struct ctl;
struct stage;

/* How far an import has come. */
struct stage_progress {
	int64_t octets, rejects; /* of the file, and of its rejects */
	long long line;		 /* the next one */
	long long records, changed, unchanged, rejected;
};

/* Told of each record of a part that the rules refused, by its number. */
typedef void stage_refused(void *arg, size_t number, const char *reason);

/* Connects.  `identity` is the file's, to go on where it was interrupted, NULL
 * when that is not to be; `dry`: nothing is ever committed.  `progress` says
 * where to begin. NULL and `e`. */
struct stage *stage_open(struct ctl *c, const uint8_t *identity,
    const char *name, bool dry, struct stage_progress *progress, struct err *e)
    __attribute__((nonnull(1, 3, 5, 6), warn_unused_result));
void stage_close(struct stage **s);

/* Applies `rows`, ROW_LANES buffers of them (row.h), and adds to `p` what
 * became of them.  The caller goes on to stage_commit(), or closes the stage.
 */
int stage_apply(struct stage *s, const struct buf *rows,
    struct stage_progress *p, stage_refused *refused, void *arg, struct err *e)
    __attribute__((nonnull(1, 2, 3, 4, 6), warn_unused_result));

/* Commits the part together with `p`; `last` ends the import. */
int stage_commit(struct stage *s, const struct stage_progress *p, bool last,
    struct err *e) __attribute__((nonnull, warn_unused_result));

#endif
