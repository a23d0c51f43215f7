/* SPDX-License-Identifier: ISC */
/*
 * ledger - the ledger's tables, as the commands about it read them
 *
 * These commands use one connection each, and a role of their own: none of
 * them is the operator's.
 */
#ifndef CTL_LEDGER_H
#define CTL_LEDGER_H

#include <stdint.h>

#include "policy/checkpoint.h"
#include "policy/err.h"
#include "policy/event.h"
#include "policy/merkle.h"
#include "policy/pg.h"

struct ctl;

/* The columns that ledger_event() reads, of an event called `e`. */
#define LEDGER_FACTS                                                           \
	"e.id, e.recorded_at, e.at, e.act::text, e.contact_id, "               \
	"e.purpose_id::bigint, e.channel::text, e.expires_at, e.source, "      \
	"e.actor, e.commitment, e.about, e.text_id::bigint, e.detail"
enum { LEDGER_FACTS_COUNT = 14 };

/* Connects as `role` and compares the schema. NULL and `e`. */
struct pg *ledger_open(struct ctl *c, const char *role, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* pg_exec() with the time that a look through years may take. */
int ledger_exec(struct pg *p, const struct pg_statement *s,
    const struct pg_param *params, size_t n, struct pg_rows **rows,
    struct err *e) __attribute__((nonnull(1, 2, 6), warn_unused_result));
int ledger_run(struct pg *p, const char *sql, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* The facts from column `col` on, of a binary result; its texts live as long
 * as `rows`. */
void ledger_event(const struct pg_rows *rows, size_t row, size_t col,
    struct event *out) __attribute__((nonnull));

/* A hash in a binary result; all zero when it is NULL or no hash. */
void ledger_hash(const struct pg_rows *rows, size_t row, size_t col,
    struct merkle_hash *out) __attribute__((nonnull));

/* The checkpoint with the smallest number from `number` on, or with -1 the
 * last one: 1, 0 when there is none, -1 and `e`. */
int ledger_checkpoint(struct pg *p, int64_t number, struct checkpoint *out,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* The stored nodes of the tree. `p` must outlive it. */
struct merkle_source ledger_source(struct pg *p) __attribute__((nonnull));

#endif
