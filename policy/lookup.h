/* SPDX-License-Identifier: ISC */
/*
 * lookup - the read path: cache, else PostgreSQL and fill, else defer
 *
 * Why an acknowledged withdrawal is never followed by an acceptance (P2), for
 * checks that begin after the acknowledgement.  A check needs a lease, so the
 * primary, P, had proved itself by a commit that was asked for within the
 * length of a lease.  Had the withdrawal been written to a server that was
 * promoted in P's place, it would have been after that commit, which such a
 * server confirmed while it was none yet; and its writer would have waited out
 * our lease before the acknowledgement, since the timeline was new to it.  So
 * the withdrawal was written to P, or to one that P took the place of, which
 * had every commit confirmed that was acknowledged.
 *
 * - Read from P: the change had committed.
 * - Read from Redis under generation G, which our live lease trusts, and so
 *   from G's owner, which is one process with one memory.  (a) After its commit
 *   the writer published in G: whatever stood there, its permit or a contested
 *   mark came in its place, and a reader's ticket was lost; what is filled
 * later was read after the commit.  (b) The writer did not publish in G: it
 * could not mark, or not publish, and the epoch moved on; or it found a later
 *   generation than G after committing.  Then it waited until no lease on G was
 *   left before it acknowledged; but ours is live.  (c) G began after the
 * writer had committed: so did all that is named by it.
 *
 * Should the writer die after its commit, its mark keeps the old permit out,
 * as SQL moves the epoch on unless the mark was made in the generation in which
 * the transaction commits.  A commit that hangs, for want of a standby, may
 * outlast its mark; but then no proof returns either, and nobody has a lease to
 * fill anything, until it is visible.
 *
 * Assumed: clocks of different machines run at rates within a quarter of each
 * other; PostgreSQL's clock is not set forward by a minute just after an epoch
 * moved or an owner changed; a server that may be promoted has confirmed every
 * commit, and follows nobody afterwards; no Redis loses a slot, or its being
 * master, and has it back within half a second.
 */
#ifndef POLICY_LOOKUP_H
#define POLICY_LOOKUP_H

#include "err.h"
#include "permit.h"

struct addr_key;
struct cache;
struct lease;
struct store;

enum lookup_source {
	LOOKUP_NONE = 0,
	LOOKUP_CACHE,  /* Redis knew */
	LOOKUP_FILLED, /* PostgreSQL knew, Redis was told */
	LOOKUP_STORE,  /* PostgreSQL knew, Redis could not be used */
	LOOKUP_SOURCES
};

struct lookup {
	struct store *store;
	struct cache *cache;
	struct lease *lease;
};

/* A permit with the octets it points into. */
struct lookup_result {
	enum lookup_source source;
	struct permit permit;
	uint8_t octets[PERMIT_MAX];
};

/* The word for logs and metrics. */
const char *lookup_source_word(enum lookup_source s);

/* Fetches the permit of `key`.  -1 and `e` when nobody could be asked, without
 * a lease, or when what was found is damaged: defer, never accept. `cache_err`,
 * if given, gets the cache's complaint when PostgreSQL had to answer in its
 * place. Blocks for at most the cache's and the database's timeouts together.
 */
int lookup_permit(const struct lookup *l, const struct addr_key *key,
    struct lookup_result *out, struct err *cache_err, struct err *e)
    __attribute__((nonnull(1, 2, 3, 5), warn_unused_result));

#endif
