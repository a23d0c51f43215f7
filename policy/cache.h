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
 * Keys are the address key and 8 octets for the owner and the generation of its
 * slot (sql/018-owners.sql): what another Redis was told, or this one before it
 * lost the slot, is not found.  A Redis that is not the owner is told nothing
 * and not believed; that it should become the owner is noted, and
 * cache_claim() says what to tell PostgreSQL.  Every operation is one command
 * or script on one key, and all keys of an address are in one slot.
 *
 * MOVED is followed.  ASK is not: what stands at the other node is not believed
 * until that owns the slot, and then it has another name.  A reader asks
 * PostgreSQL; a writer has not marked, as the slot may stay, or come back with
 * the entry that had gone ahead.
 *
 * A Redis that does not answer is left alone for a while (breaker.h): then
 * every operation fails at once, as it would have failed in time.  To a reader
 * that is CACHE_DOWN; a writer has not marked, or not published, and moves the
 * epoch on.  That other nodes may reach Redis meanwhile changes nothing, as
 * with any operation that failed here: lookup.h never asks why it did.
 */
#ifndef POLICY_CACHE_H
#define POLICY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { CACHE_OWNER = 16 };

struct addr_key;
struct buf;
struct cache;
struct conf_cache;
struct metrics;

enum cache_answer {
	CACHE_DOWN = 0, /* no answer: ask PostgreSQL, fill nothing */
	CACHE_BUSY,	/* somebody is changing or fetching: likewise */
	CACHE_MISS,	/* not there: take a ticket */
	CACHE_HIT
};

/* Whom to believe about the keys of a slot: the owner, since this generation.
 * Zeroed: nobody. */
struct cache_trust {
	int64_t generation;
	uint8_t owner[CACHE_OWNER];
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

/* The slot of `key`, below 16384; 0 unless Redis is a cluster. */
unsigned int cache_slot(const struct cache *c, const struct addr_key *key)
    __attribute__((nonnull, warn_unused_result));

/* The entry of `key`, of whose slot `t` is true.  On CACHE_HIT its octets are
 * in `out` and
 * `*len` says how many.  CACHE_DOWN fills `e`. */
enum cache_answer cache_get(struct cache *c, const struct cache_trust *t,
    const struct addr_key *key, uint8_t *out, size_t size, size_t *len,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* Sets a ticket where nothing is.  CACHE_MISS: it is ours, in `nonce`. */
enum cache_answer cache_ticket(struct cache *c, const struct cache_trust *t,
    const struct addr_key *key, struct cache_nonce *nonce, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Replaces our ticket by the permit. 0 also when the ticket was gone. */
int cache_fill(struct cache *c, const struct cache_trust *t,
    const struct addr_key *key, const struct cache_nonce *ticket,
    const uint8_t *permit, size_t len, struct err *e)
    __attribute__((nonnull(1, 3, 4, 7), warn_unused_result));

/* Marks the entry as being changed, before the commit. -1: not marked. */
int cache_mark(struct cache *c, const struct cache_trust *t,
    const struct addr_key *key, struct cache_nonce *nonce, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Publishes the permit that was committed under our mark. */
int cache_publish(struct cache *c, const struct cache_trust *t,
    const struct addr_key *key, const struct cache_nonce *mark,
    const uint8_t *permit, size_t len, struct err *e)
    __attribute__((nonnull(1, 3, 4, 7), warn_unused_result));

/* Whether every Redis that has keys answers. */
int cache_ping(struct cache *c, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Likewise, and what there is, in words. */
int cache_describe(struct cache *c, struct buf *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Whether a Redis answered that serves slots without being their owner.  Then
 * who that is goes to `owner`, and its slots, as the text of an
 * int4multirange, to `slots`. */
bool cache_claim(struct cache *c, uint8_t owner[CACHE_OWNER], struct buf *slots)
    __attribute__((nonnull, warn_unused_result));

#endif
