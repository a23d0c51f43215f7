/* SPDX-License-Identifier: ISC */
/*
 * lease - the right to answer for a little while
 *
 * PostgreSQL holds the cache's epoch, and says which Redis is the owner of each
 * slot.  A change that could not mark the cache moves the epoch on, in its own
 * transaction, and is acknowledged only when every lease on the old epoch has
 * run out; so is one that follows a change of owner, and the first change of a
 * server that has become the primary, for leases of the old one.  A reader
 * holds a lease from the moment it asked for the owners, and then the primary
 * to prove itself by a commit; one thread asks again four times a lease, and at
 * once when PostgreSQL notifies that the epoch or an owner changed.  No answer,
 * no lease: then nothing can be checked, as another server may know better.
 *
 * The thread also claims slots for a Redis that serves them and is not their
 * owner, as readers found (cache_claim()).
 */
#ifndef POLICY_LEASE_H
#define POLICY_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "cache.h"
#include "err.h"

struct conf;
struct lease;
struct metric_histogram;

/* What a lease is on. */
struct lease_term {
	int64_t epoch;		  /* of the cache */
	int timeline;		  /* that the primary writes */
	struct cache_trust trust; /* in the slot that was asked about */
};

/* Starts the thread, which connects as `role`, when the first lease has been
 * asked for: blocks for the database's timeout and the length of a lease at
 * most.  `c` and `cache` must outlive the lease. */
struct lease *lease_start(const struct conf *c, struct cache *cache,
    const char *role, const char *program, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Has recorded in `h`, which may be NULL, how old a new epoch or timeline is
 * when it becomes known. */
void lease_observe(struct lease *l, struct metric_histogram *h)
    __attribute__((nonnull(1)));

/* Stops and joins the thread; accepts NULL. */
void lease_stop(struct lease **l);

/* Whether answers may be given now, and then on whose word, also about keys of
 * this slot. */
bool lease_holds(struct lease *l, unsigned int slot, struct lease_term *term)
    __attribute__((nonnull));

/* How long a writer waits out other nodes' leases of length `lease`: a
 * quarter more, for clocks that run at different rates. */
int64_t lease_wait(int64_t lease);

#endif
