/* SPDX-License-Identifier: ISC */
/*
 * cache - permits in Redis, never staler than they may be
 *
 * An entry is one of four things: a permit; a ticket of a reader that is
 * fetching the permit; a mark of a writer that is changing it; a contested
 * mark of several.  Only a permit answers a question.  The rules:
 *
 *   ticket   set by a reader on a miss, before it asks PostgreSQL; lives 5 s
 *   fill     the reader's permit replaces its own ticket, nothing else
 *   mark     set by a writer before it commits, over anything; lives 60 s;
 *            over another's mark it becomes contested
 *   publish  the writer's permit replaces its own mark; anything else that
 *            is there by then becomes contested, to be read from PostgreSQL
 *
 * so that no permit read before a commit stands in the cache after it, unless
 * the mark was lost before the commit (evicted, flushed): publishing mends
 * that too, and a writer that cannot publish moves the epoch on.  lookup.h
 * argues the rest.
 *
 * Keys are 8 octets that stand for the run of this Redis and the epoch, and
 * the address key: a Redis that restarted has a new run, nothing of the old
 * one is found.  Every operation is one command or script on one key.
 *
 * A Redis that does not answer is left alone for a while (breaker.h): then
 * every operation fails at once, as it would have failed in time.  To a reader
 * that is CACHE_DOWN; a writer has not marked, or not published, and moves the
 * epoch on.  That other nodes may reach Redis meanwhile changes nothing, as
 * with any operation that failed here: lookup.h never asks why it did.
 */
#ifndef POLICY_CACHE_H
#define POLICY_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct addr_key;
struct cache;
struct conf_cache;
struct metrics;

enum cache_answer {
	CACHE_DOWN = 0, /* no answer: ask PostgreSQL, fill nothing */
	CACHE_BUSY,	/* somebody is changing or fetching: likewise */
	CACHE_MISS,	/* not there: take a ticket */
	CACHE_HIT
};

/* Names one ticket or mark. */
struct cache_nonce {
	uint8_t octets[8];
};

/* A pool as configured; connects only when used; `c` must outlive it.  Counts
 * failures in `m`, which may be NULL.  NULL and an error for a URL that cannot
 * be understood or is not supported. */
struct cache *cache_new(const struct conf_cache *c, struct metrics *m,
    struct err *e) __attribute__((nonnull(1, 3), warn_unused_result));
void cache_free(struct cache **c);

/* The entry of `key` in `epoch`.  On CACHE_HIT its octets are in `out` and
 * `*len` says how many.  CACHE_DOWN fills `e`. */
enum cache_answer cache_get(struct cache *c, int64_t epoch,
    const struct addr_key *key, uint8_t *out, size_t size, size_t *len,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* Sets a ticket where nothing is.  CACHE_MISS: it is ours, in `nonce`. */
enum cache_answer cache_ticket(struct cache *c, int64_t epoch,
    const struct addr_key *key, struct cache_nonce *nonce, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Replaces our ticket by the permit. 0 also when the ticket was gone. */
int cache_fill(struct cache *c, int64_t epoch, const struct addr_key *key,
    const struct cache_nonce *ticket, const uint8_t *permit, size_t len,
    struct err *e) __attribute__((nonnull(1, 3, 4, 7), warn_unused_result));

/* Marks the entry as being changed, before the commit. -1: not marked. */
int cache_mark(struct cache *c, int64_t epoch, const struct addr_key *key,
    struct cache_nonce *nonce, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Publishes the permit that was committed under our mark. */
int cache_publish(struct cache *c, int64_t epoch, const struct addr_key *key,
    const struct cache_nonce *mark, const uint8_t *permit, size_t len,
    struct err *e) __attribute__((nonnull(1, 3, 4, 7), warn_unused_result));

/* Whether Redis answers at all. */
int cache_ping(struct cache *c, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
