/* SPDX-License-Identifier: ISC */
/*
 * topology - who has which slots, as one server says
 *
 * A sentinel names the master of all, which are slot 0.  A node of a cluster
 * knows each master and its part of the 16384 slots.  What they say may be
 * old; masters.h has what is made of it.
 */
#ifndef POLICY_TOPOLOGY_H
#define POLICY_TOPOLOGY_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "redis.h"
#include "slots.h"

enum { TOPOLOGY_SERVERS = 1024 };

struct buf;
struct redis_url;

struct topology {
	size_t n;
	struct redis_server servers[TOPOLOGY_SERVERS];
	uint16_t of[SLOTS]; /* place in the list, from 1; 0: nobody's */
};

/* Asks a sentinel or a node, whichever `u` is of; each answer may take
 * `timeout`.  0 and `*out`, whose hosts are the caller's to free; -1 and `e`
 * when it does not know. */
int topology_ask(const struct redis_url *u, const struct redis_server *server,
    int64_t timeout, struct topology *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Which slots `r` itself says it serves, as text of an int4multirange. */
int topology_served(const struct redis_url *u, struct redis *r, struct buf *out,
    struct err *e) __attribute__((nonnull, warn_unused_result));

#endif
