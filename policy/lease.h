/* SPDX-License-Identifier: ISC */
/*
 * lease - the right to trust the cache for a little while
 *
 * PostgreSQL holds the cache's epoch.  A change that could not mark the cache
 * moves the epoch on, in its own transaction, and is acknowledged only when
 * every lease on the old epoch has run out.  A reader holds a lease from the
 * moment it asked for the epoch; one thread asks again four times a lease, and
 * at once when PostgreSQL notifies that the epoch moved.  No answer, no lease:
 * then readers ask PostgreSQL for each permit.
 */
#ifndef POLICY_LEASE_H
#define POLICY_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct conf;
struct lease;

/* Starts the thread, which connects as `role`.  `c` must outlive the lease. */
struct lease *lease_start(
    const struct conf *c, const char *role, const char *program, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Stops and joins the thread; accepts NULL. */
void lease_stop(struct lease **l);

/* Whether the cache may be trusted now, and then in which epoch. */
bool lease_holds(struct lease *l, int64_t *epoch) __attribute__((nonnull));

/* How long a writer waits out other nodes' leases of length `lease`: a
 * quarter more, for clocks that run at different rates. */
int64_t lease_wait(int64_t lease);

#endif
