/* SPDX-License-Identifier: ISC */
/*
 * lookup - the read path: cache, else PostgreSQL and fill, else defer
 *
 * Why an acknowledged withdrawal is never followed by an acceptance (P2), for
 * checks that begin after the acknowledgement:
 *
 * - Read from PostgreSQL: the change had committed.
 * - Read from Redis under epoch E, which our live lease trusts.  (a) The
 *   writer marked the entry in E: from then until after its commit no permit
 *   could stand there (see cache.h), and what was published or filled later
 *   was read after the commit.  (b) The writer did not, or marked in another
 *   epoch: then its transaction moved the epoch on, or the epoch it read after
 *   committing was younger than a lease, and it waited until no lease on E was
 *   left before it acknowledged; but ours is live.
 *
 * Assumed: clocks of different machines run at rates within a quarter of each
 * other (only lengths are compared, never times of day), and a Redis process
 * that died does not answer.
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

/* Fetches the permit of `key`.  -1 and `e` when nobody could be asked or what
 * was found is damaged: defer, never accept.  `cache_err`, if given, gets the
 * cache's complaint when PostgreSQL had to answer in its place. Blocks for at
 * most the cache's and the database's timeouts together. */
int lookup_permit(const struct lookup *l, const struct addr_key *key,
    struct lookup_result *out, struct err *cache_err, struct err *e)
    __attribute__((nonnull(1, 2, 3, 5), warn_unused_result));

#endif
