/* SPDX-License-Identifier: ISC */
/*
 * pool - a few connections lent to many threads
 *
 * A handle is borrowed for one question and given back; a callback of the
 * milter may run on any thread, so no thread ever owns one.  While a server is
 * down, opening is tried once per pause and everybody else is told "down" at
 * once: a dead server costs a message nothing.
 */
#ifndef POLICY_POOL_H
#define POLICY_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct metric_histogram;
struct pool;

struct pool_ops {
	/* A new handle by `deadline`, or NULL and `e`. */
	void *(*open)(void *arg, int64_t deadline, struct err *e);
	void (*close)(void *handle);
	const char *what; /* the server's name in errors */
	size_t waiters;	  /* most that wait for each handle; 0: any number */
};

/* A pool of at most `max` handles, opened as needed; NULL without memory.
 * `arg` is handed to `open` and must outlive the pool. */
struct pool *pool_new(const struct pool_ops *ops, void *arg, size_t max)
    __attribute__((nonnull(1), warn_unused_result));

/* Has each borrower's wait for a place recorded in `h`, which may be NULL. */
void pool_observe(struct pool *p, struct metric_histogram *h)
    __attribute__((nonnull(1)));

/* Closes all; nobody may hold a handle any more.  Accepts NULL. */
void pool_free(struct pool **p);

/* Borrows a handle.  `*fresh`, if given, says that it was opened just now, so
 * that a caller whose old handle turned out dead knows when to stop trying.
 * Waits for one to come free until `deadline`.  NULL and `e` otherwise:
 * ERR_BUSY when none came free, or too many wait already. */
void *pool_borrow(struct pool *p, int64_t deadline, bool *fresh, struct err *e)
    __attribute__((nonnull(1, 4), warn_unused_result));

/* Gives a handle back; one that is not `good` is closed, and all that nobody
 * holds. */
void pool_return(struct pool *p, void *handle, bool good)
    __attribute__((nonnull));

#endif
