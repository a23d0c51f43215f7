/* SPDX-License-Identifier: ISC */
/*
 * diagnose - which row it was, and what was done to it
 *
 * Three hashes should be one: what the facts come to, what the event says and
 * what the tree has.  The one that differs from the two others is what was
 * changed; a hash that belongs to another event was swapped.  Looking for its
 * owner may read a whole table, once, when the answer is worth it.
 */
#include "audit.h"

#include <stdio.h>

enum { NEAR = 1000, NUMBER = 24 };

/* The event that a statement finds for a hash: 0 for none, -1 for an error. */
static int64_t
owner(struct audit *a, const char *sql, const struct merkle_hash *hash)
{
	const struct pg_statement s = {.sql = sql};
	const struct pg_param params[] = {{hash->octets, MERKLE_HASH}};
	struct pg_rows *rows;
	int64_t found;

	if (ledger_exec(a->pg, &s, params, 1, &rows, a->err) != 0)
		return -1;
	found = pg_rows_count(rows) == 0 ? 0 : pg_rows_int(rows, 0, 0);
	pg_rows_free(&rows);
	return found;
}

static int64_t
owner_of_leaf(struct audit *a, const struct merkle_hash *leaf)
{
	return owner(
	    a, "SELECT id FROM assent.event WHERE leaf = $1 LIMIT 1", leaf);
}

/* Whether the stored nodes lead from this leaf to the last root. */
static bool
in_tree(struct audit *a, int64_t number, const struct merkle_hash *leaf)
{
	struct merkle_source s = ledger_source(a->pg);
	struct checkpoint newest;
	struct merkle_path path;
	struct err ignored;

	return ledger_checkpoint(a->pg, -1, &newest, &ignored) == 1 &&
	    number < newest.size &&
	    merkle_inclusion(&s, (uint64_t)number, (uint64_t)newest.size, &path,
		&ignored) == 0 &&
	    merkle_included(leaf, (uint64_t)number, (uint64_t)newest.size,
		&path, &newest.root);
}

/* The event near by whose facts these are: 0 for none, -1 for an error. */
static int64_t
facts_of(struct audit *a, const struct audit_row *row)
{
	static const struct pg_statement get = {
	    .sql = "SELECT event_id, hash FROM assent.leaf "
		   "WHERE number >= $1::bigint AND number <= $2::bigint",
	    .binary = true,
	};
	char low[NUMBER], high[NUMBER];
	const struct pg_param params[] = {{low, 0}, {high, 0}};
	struct event e = row->event;
	struct merkle_hash hash, leaf;
	struct pg_rows *rows;
	int64_t found = 0;

	snprintf(low, sizeof(low), "%lld", (long long)row->number - NEAR);
	snprintf(high, sizeof(high), "%lld", (long long)row->number + NEAR);
	if (ledger_exec(a->pg, &get, params, 2, &rows, a->err) != 0)
		return -1;
	for (size_t i = 0; found == 0 && i < pg_rows_count(rows); i++) {
		e.id = pg_rows_int(rows, i, 0);
		ledger_hash(rows, i, 1, &hash);
		event_leaf(&e, &leaf);
		if (e.id != row->event_id && merkle_equal(&leaf, &hash))
			found = e.id;
	}
	pg_rows_free(&rows);
	return found;
}

static int
no_event(struct audit *a, const struct audit_row *row)
{
	int64_t other = owner_of_leaf(a, &row->hash);

	if (other < 0)
		return -1;
	if (other > 0)
		return audit_wrong(a, "leaf", "changed", other,
		    "leaf %lld was changed: it names event %lld, and its hash "
		    "is that of event %lld",
		    (long long)row->number, (long long)row->event_id,
		    (long long)other);
	return audit_wrong(a, "event", "removed", row->event_id,
	    "event %lld was removed", (long long)row->event_id);
}

/* The event is sound in itself, and is not what the tree has. */
static int
wrong_leaf(struct audit *a, const struct audit_row *row)
{
	int64_t other = owner_of_leaf(a, &row->hash);

	if (other < 0)
		return -1;
	if (other > 0)
		return audit_wrong(a, "leaf", "swapped", row->event_id,
		    "leaf %lld was changed or swapped: it names event %lld, "
		    "and its hash is that of event %lld",
		    (long long)row->number, (long long)row->event_id,
		    (long long)other);
	if (in_tree(a, row->number, &row->leaf))
		return audit_wrong(a, "leaf", "changed", row->event_id,
		    "leaf %lld of event %lld was changed: its hash is not "
		    "what was signed",
		    (long long)row->number, (long long)row->event_id);
	return audit_wrong(a, "event", "changed", row->event_id,
	    "event %lld was changed, and its leaf hash with it: they are not "
	    "what the tree has",
	    (long long)row->event_id);
}

/* The facts are not those of the leaf. */
static int
wrong_facts(struct audit *a, const struct audit_row *row)
{
	int64_t other = row->number < 0 ? 0 : facts_of(a, row);

	if (other < 0)
		return -1;
	if (other > 0)
		return audit_wrong(a, "event", "swapped", row->event_id,
		    "event %lld was swapped: it has the facts of event %lld",
		    (long long)row->event_id, (long long)other);
	return audit_wrong(a, "event", "changed", row->event_id,
	    "event %lld was changed or re-dated: its facts do not give its "
	    "leaf hash",
	    (long long)row->event_id);
}

static int
check_person(struct audit *a, const struct audit_row *row)
{
	int64_t other;

	if (row->opened && row->erased)
		return audit_wrong(a, "event_person", "inserted", row->event_id,
		    "the personal fields of event %lld were erased, and are "
		    "back",
		    (long long)row->event_id);
	if (!row->opened && !row->erased)
		return audit_wrong(a, "event_person", "removed", row->event_id,
		    "the personal fields of event %lld were removed, and no "
		    "erasure is recorded",
		    (long long)row->event_id);
	if (!row->opened ||
	    merkle_equal(&row->commitment, &row->event.commitment))
		return 0;
	other = owner(a,
	    "SELECT id FROM assent.event WHERE commitment = $1 LIMIT 1",
	    &row->commitment);
	if (other < 0)
		return -1;
	if (other > 0)
		return audit_wrong(a, "event_person", "swapped", row->event_id,
		    "the personal fields of event %lld were swapped: they "
		    "are those of event %lld",
		    (long long)row->event_id, (long long)other);
	return audit_wrong(a, "event_person", "changed", row->event_id,
	    "the personal fields of event %lld, or their salt, were changed",
	    (long long)row->event_id);
}

int
diagnose_row(struct audit *a, const struct audit_row *row)
{
	struct merkle_hash computed;

	if (!row->there)
		return no_event(a, row);
	event_leaf(&row->event, &computed);
	if (!merkle_equal(&computed, &row->leaf)) {
		if (row->number < 0 || !merkle_equal(&computed, &row->hash))
			return wrong_facts(a, row);
		return audit_wrong(a, "event", "changed", row->event_id,
		    "event %lld was changed: its leaf hash is not that of its "
		    "facts",
		    (long long)row->event_id);
	}
	if (!merkle_equal(&row->leaf, &row->hash))
		return wrong_leaf(a, row);
	return check_person(a, row);
}

/* A leaf is missing; the first event without one should be its. */
int
diagnose_gap(struct audit *a, int64_t number)
{
	static const struct pg_statement get = {
	    .sql = "SELECT id FROM assent.event e WHERE NOT EXISTS "
		   "(SELECT FROM assent.leaf l WHERE l.event_id = e.id) "
		   "ORDER BY id LIMIT 1",
	};
	struct pg_rows *rows;
	int64_t event;

	if (ledger_exec(a->pg, &get, NULL, 0, &rows, a->err) != 0)
		return -1;
	event = pg_rows_count(rows) == 0 ? 0 : pg_rows_int(rows, 0, 0);
	pg_rows_free(&rows);
	return audit_wrong(a, "leaf", "removed", event,
	    "leaf %lld was removed, or given another number; the first event "
	    "without one is %lld",
	    (long long)number, (long long)event);
}

/* The events of the two ends of what a node covers. */
static int
ends_of(struct audit *a, unsigned int level, uint64_t index, int64_t end[2])
{
	static const struct pg_statement get = {
	    .sql = "SELECT event_id FROM assent.leaf WHERE number IN "
		   "($1::bigint, $2::bigint) ORDER BY number",
	};
	char low[NUMBER], high[NUMBER];
	const struct pg_param params[] = {{low, 0}, {high, 0}};
	struct pg_rows *rows;

	snprintf(low, sizeof(low), "%llu", (unsigned long long)index << level);
	snprintf(high, sizeof(high), "%llu",
	    (((unsigned long long)index + 1) << level) - 1);
	if (ledger_exec(a->pg, &get, params, 2, &rows, a->err) != 0)
		return -1;
	end[0] = end[1] = 0;
	for (size_t i = 0; i < 2 && i < pg_rows_count(rows); i++)
		end[i] = pg_rows_int(rows, i, 0);
	pg_rows_free(&rows);
	return 0;
}

/* Whether the stored nodes lead from this node to the last root. */
static bool
node_in_tree(struct audit *a, unsigned int level, uint64_t index,
    const struct merkle_hash *stored)
{
	struct merkle_source s = ledger_source(a->pg);
	struct merkle_path path, up = {.n = 0};
	struct checkpoint newest;
	struct err ignored;
	uint64_t leaf = index << level;

	if (ledger_checkpoint(a->pg, -1, &newest, &ignored) != 1 ||
	    merkle_inclusion(
		&s, leaf, (uint64_t)newest.size, &path, &ignored) != 0)
		return false;
	/* What is left of the path above the node: a tree of such nodes. */
	for (size_t i = level; i < path.n; i++)
		up.hash[up.n++] = path.hash[i];
	return merkle_included(stored, index,
	    (((uint64_t)newest.size - 1) >> level) + 1, &up, &newest.root);
}

int
diagnose_node(struct audit *a, unsigned int level, uint64_t index,
    const struct merkle_hash *stored)
{
	int64_t end[2];

	if (ends_of(a, level, index, end) != 0)
		return -1;
	if (stored == NULL)
		return audit_wrong(a, "merkle_node", "removed", end[0],
		    "node %u/%llu over the events %lld to %lld was removed",
		    level, (unsigned long long)index, (long long)end[0],
		    (long long)end[1]);
	if (node_in_tree(a, level, index, stored))
		return audit_wrong(a, "event", "changed", end[0],
		    "event %lld or one up to event %lld was rewritten, and "
		    "its leaf with it: they are not what was signed",
		    (long long)end[0], (long long)end[1]);
	return audit_wrong(a, "merkle_node", "changed", end[0],
	    "node %u/%llu over the events %lld to %lld was changed or "
	    "swapped: it is not the hash of what is below",
	    level, (unsigned long long)index, (long long)end[0],
	    (long long)end[1]);
}
