/* SPDX-License-Identifier: ISC */
/*
 * masters - which Redis has the keys of which slot
 *
 * One server as configured; or the master that the sentinels name; or those of
 * a cluster, each with a part of the 16384 slots.  What is known may be old:
 * who finds that it is says so, and the next who asks looks again, alone, and
 * not more than every few hundred milliseconds.  Whether what a master says
 * may be believed is decided elsewhere (cache.h).
 */
#ifndef POLICY_MASTERS_H
#define POLICY_MASTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "breaker.h"
#include "err.h"
#include "redis.h"

struct buf;
struct conf_cache;
struct masters;
struct metrics;
struct pool;

/* One server; stays where it is for as long as `struct masters`. */
struct master {
	struct redis_server server;
	const struct masters *all;
	struct pool *pool; /* of struct redis */
	struct breaker breaker;
	_Atomic bool unclaimed;	 /* it answered, and is not the owner */
	_Atomic bool left_alone; /* as its breaker last said */
	bool serving;		 /* it has slots, as far as known */
};

/* Nothing is connected to yet.  `c` must outlive it; `m` may be NULL. NULL
 * and `e` for a URL that cannot be understood. */
struct masters *masters_new(const struct conf_cache *c, struct metrics *m,
    struct err *e) __attribute__((nonnull(1, 3), warn_unused_result));
void masters_free(struct masters **m);

/* The slot of keys whose hash tag is `tag`: as Redis counts in a cluster,
 * otherwise 0. */
unsigned int masters_slot(const struct masters *m, const char *tag, size_t len)
    __attribute__((nonnull, warn_unused_result));

/* The master of `slot`, or NULL and `e`.  May look for it, for about the
 * cache's timeout. */
struct master *masters_find(struct masters *m, unsigned int slot, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* What was found may no longer be right; the next look goes to the servers. */
void masters_doubt(struct masters *m) __attribute__((nonnull));

/* What the breaker of `s` says now, for the metrics. */
void masters_note(struct masters *m, struct master *s, bool left_alone)
    __attribute__((nonnull));

/* `by` answered "MOVED SLOT HOST:PORT". */
void masters_moved(struct masters *m, const struct master *by, const char *text)
    __attribute__((nonnull));

/* A master that answered without being the owner, once; or NULL. */
struct master *masters_unclaimed(struct masters *m)
    __attribute__((nonnull, warn_unused_result));

/* Which slots `r` itself says it serves, as text of an int4multirange. */
int masters_served(const struct masters *m, struct redis *r, struct buf *out,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* The server at the place `*i` or after it that has keys, as far as known; `*i`
 * moves on.  NULL at the end. */
struct master *masters_serving(struct masters *m, size_t *i)
    __attribute__((nonnull, warn_unused_result));

/* What was found, for who checks a configuration.  -1 and `e` when slots have
 * no master.  May look, as masters_find(). */
int masters_describe(struct masters *m, struct buf *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
