/* SPDX-License-Identifier: ISC */
/*
 * store - the truth: PostgreSQL through a pool of connections
 *
 * A store speaks as one login role.  A statement whose connection turns out to
 * be dead is sent again on a new one: every statement of Assent may be run
 * twice, because its functions change nothing when nothing is to change.
 */
#ifndef POLICY_STORE_H
#define POLICY_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "pg.h"

/* The schema this program was built for: the number of the last migration. */
enum { STORE_SCHEMA = 19 };

struct addr_key;
struct arena;
struct cache_trust;
struct conf_database;
struct metrics;
struct store;

/* A pool for `role` as configured; connects only when used.  `c` and `role`
 * must outlive the store.  Waits for a connection are recorded in `m`, which
 * may be NULL. NULL without memory. */
struct store *store_new(const struct conf_database *c, const char *role,
    const char *program, struct metrics *m)
    __attribute__((nonnull(1, 2, 3), warn_unused_result));
void store_free(struct store **s);

/* Connects once and compares the schema: what a program does at start.  An
 * error names the server, or both versions and the command that mends it. */
int store_check(struct store *s, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* As pg_exec(), on a connection of the pool; deadline: now + the configured
 * timeout. */
int store_exec(struct store *s, const struct pg_statement *st,
    const struct pg_param *params, size_t n_params, struct pg_rows **rows,
    struct err *e) __attribute__((nonnull(1, 2, 6), warn_unused_result));

/* The permit of `key` as octets into `out` (of `size`); its length, 0 when the
 * address is unknown, or -1.  Only the server that writes `timeline` is asked;
 * 0: any that takes itself for the primary. */
long store_permit(struct store *s, int timeline, const struct addr_key *key,
    uint8_t *out, size_t size, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* The cache's epoch, on which timeline, and how long both have held, in
 * nanoseconds (see lookup.h). */
struct store_epoch {
	int64_t number, age;
	int timeline;
};

int store_epoch(struct store *s, struct store_epoch *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* The same of a server that has just proved to be the primary: a commit of its
 * was confirmed by the standbys that it waits for. */
int store_prove(struct store *s, struct store_epoch *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Whom to believe about a slot of the cache: `t` has no owner where there is
 * none.  `out` is as of store_epoch(), but that its number is the slot's
 * generation, and its age that of its owner if that is the younger. */
int store_trust(struct store *s, unsigned int slot, struct cache_trust *t,
    struct store_epoch *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Makes `owner` (CACHE_OWNER octets) the owner of `slots`, an int4multirange as
 * text. */
int store_claim(struct store *s, const uint8_t *owner, const char *slots,
    struct err *e) __attribute__((nonnull, warn_unused_result));

struct store_purpose {
	uint16_t id;
	const char *brand, *name, *title;
	unsigned int channels; /* bit 1 << enum channel */
};

/* A purpose by name; its strings go to `a`.  `brand` may be NULL when the name
 * alone is unambiguous.  ERR_REFUSED, with what to do, when it is not there or
 * is ambiguous. */
int store_purpose(struct store *s, struct arena *a, const char *brand,
    const char *name, struct store_purpose *out, struct err *e)
    __attribute__((nonnull(1, 2, 4, 5, 6), warn_unused_result));

/* The number of the purpose that allows a brand to follow a person: the
 * nearest one up its tree; 0 when there is none. */
int store_monitoring(struct store *s, const char *brand, uint16_t *purpose,
    struct err *e) __attribute__((nonnull, warn_unused_result));

#endif
