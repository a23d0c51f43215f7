/* SPDX-License-Identifier: ISC */
/*
 * audit - every row of the ledger, looked at in one pass
 *
 * The leaves come in their order, a window at a time, each with the event it
 * stands for; the tree is grown again from them.  A node is compared when its
 * last leaf comes in, a root when the tree has reached its size.  Then follow
 * the events that have no leaf yet, and what no leaf accounts for.  All of it
 * sees one snapshot of the database.
 */
#include "audit.h"

#include <stdarg.h>
#include <stdio.h>

#include "policy/instant.h"
#include "policy/keys.h"

enum { WINDOW = 8192, NUMBER = 24 };

/* Plans that fit a window: statistics of a table that grows are always of
 * yesterday. */
static const char begin[] =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;"
    "SET LOCAL enable_seqscan = off; SET LOCAL jit = off";

#define ERASED                                                                 \
	"EXISTS (SELECT FROM assent.event x WHERE x.about = e.id "             \
	"AND x.act = 'erase')"

/* The columns of a row. */
enum {
	LEAF_NUMBER,
	LEAF_EVENT,
	LEAF_HASH,
	EVENT_LEAF,
	OPENED,
	WAS_ERASED,
	FACTS,
	COLUMNS = FACTS + LEDGER_FACTS_COUNT
};

int
audit_wrong(struct audit *a, const char *table, const char *kind, int64_t event,
    const char *fmt, ...)
{
	va_list ap;

	a->problem.table = table;
	a->problem.kind = kind;
	a->problem.event = event;
	va_start(ap, fmt);
	vsnprintf(a->problem.text, sizeof(a->problem.text), fmt, ap);
	va_end(ap);
	return -1;
}

/* Runs a statement over [from, to). */
static int
over(struct audit *a, const struct pg_statement *s, int64_t from, int64_t to,
    struct pg_rows **rows)
{
	char low[NUMBER], high[NUMBER];
	const struct pg_param params[] = {{low, 0}, {high, 0}};

	snprintf(low, sizeof(low), "%lld", (long long)from);
	snprintf(high, sizeof(high), "%lld", (long long)to);
	return ledger_exec(a->pg, s, params, 2, rows, a->err);
}

static void
tell(struct audit *a, int64_t done)
{
	a->done += done;
	if (a->progress != NULL)
		a->progress(a->arg, a->done, a->total);
}

static void
read_row(const struct pg_rows *rows, size_t i, struct audit_row *row)
{
	*row = (struct audit_row){
	    .number = pg_rows_null(rows, i, LEAF_NUMBER)
		? -1
		: pg_rows_int(rows, i, LEAF_NUMBER),
	    .event_id = pg_rows_int(rows, i, LEAF_EVENT),
	    .there = !pg_rows_null(rows, i, FACTS),
	    .opened = !pg_rows_null(rows, i, OPENED),
	    .erased = pg_rows_int(rows, i, WAS_ERASED) != 0,
	};
	ledger_hash(rows, i, LEAF_HASH, &row->hash);
	ledger_hash(rows, i, EVENT_LEAF, &row->leaf);
	ledger_hash(rows, i, OPENED, &row->commitment);
	if (row->there)
		ledger_event(rows, i, FACTS, &row->event);
}

/* The checkpoint after the last good one must be the next number, bigger, and
 * signed. */
static int
load_next(struct audit *a)
{
	struct checkpoint *n = &a->next;
	const struct keys_ledger *key;
	int rc = ledger_checkpoint(a->pg, a->last.number + 1, n, a->err);

	a->has_next = rc == 1;
	if (rc <= 0)
		return rc;
	if (n->number != a->last.number + 1)
		return audit_wrong(a, "checkpoint", "removed", 0,
		    "checkpoint %lld was removed",
		    (long long)a->last.number + 1);
	key = keys_ledger_numbered(a->keys, n->key);
	if (key == NULL)
		return audit_wrong(a, "checkpoint", "changed", 0,
		    "checkpoint %lld is signed with ledger key %d, which the "
		    "keys file does not have",
		    (long long)n->number, n->key);
	if (!checkpoint_signed(n, key->public) || n->size <= a->last.size)
		return audit_wrong(a, "checkpoint", "changed", 0,
		    "checkpoint %lld was changed or inserted: the signature "
		    "is not of what it says",
		    (long long)n->number);
	return 0;
}

static int
check_root(struct audit *a)
{
	struct merkle_hash root;

	if (!a->has_next || a->tree.size != (uint64_t)a->next.size)
		return 0;
	merkle_root(&a->tree, &root);
	if (!merkle_equal(&root, &a->next.root))
		return audit_wrong(a, "leaf", "changed", 0,
		    "the leaves %lld to %lld are not those that checkpoint "
		    "%lld signed: they were rewritten, and the tree with them",
		    (long long)a->last.size, (long long)a->next.size - 1,
		    (long long)a->next.number);
	a->last = a->next;
	return load_next(a);
}

/* A node of the tree, as computed: is it the stored one? */
static int
check_node(void *arg, unsigned int level, uint64_t index,
    const struct merkle_hash *hash)
{
	struct audit *a = arg;
	struct merkle_hash stored;
	size_t at;

	if (level == 0)
		return 0;
	at = a->at[level];
	if (at >= pg_rows_count(a->nodes) ||
	    pg_rows_int(a->nodes, at, 0) != (int64_t)level ||
	    pg_rows_int(a->nodes, at, 1) != (int64_t)index)
		return diagnose_node(a, level, index, NULL);
	a->at[level]++;
	ledger_hash(a->nodes, at, 2, &stored);
	if (merkle_equal(&stored, hash))
		return 0;
	return diagnose_node(a, level, index, &stored);
}

/* Fetches the nodes that the leaves of a window complete. */
static int
load_nodes(struct audit *a, int64_t from, int64_t to)
{
	static const struct pg_statement get = {
	    .sql = "SELECT n.level::int, n.index, n.hash "
		   "FROM generate_series(1, 62) AS l, LATERAL ("
		   "SELECT level, index, hash FROM assent.merkle_node "
		   "WHERE level = l::smallint AND index >= $1::bigint >> l "
		   "AND index < $2::bigint >> l) AS n ORDER BY 1, 2",
	    .binary = true,
	};
	int64_t level = 0;

	if (over(a, &get, from, to, &a->nodes) != 0)
		return -1;
	for (size_t i = pg_rows_count(a->nodes); i > 0; i--) {
		level = pg_rows_int(a->nodes, i - 1, 0);
		if (level > 0 && level < MERKLE_LEVELS)
			a->at[level] = i - 1;
	}
	return 0;
}

static int
check_leaves(struct audit *a, const struct pg_rows *rows, int64_t to)
{
	struct audit_row row;

	for (size_t i = 0; (int64_t)a->tree.size < to; i++) {
		int64_t number = (int64_t)a->tree.size;

		if (i >= pg_rows_count(rows) ||
		    pg_rows_int(rows, i, LEAF_NUMBER) != number)
			return diagnose_gap(a, number);
		read_row(rows, i, &row);
		if (diagnose_row(a, &row) != 0 ||
		    merkle_add(&a->tree, &row.hash) != 0 || check_root(a) != 0)
			return -1;
		a->erased += row.erased;
	}
	return 0;
}

static int
check_window(struct audit *a, int64_t to)
{
	static const struct pg_statement get = {
	    .sql =
		"SELECT l.number, l.event_id, l.hash, e.leaf, "
		"o.commitment, " ERASED ", " LEDGER_FACTS " FROM assent.leaf l "
		"LEFT JOIN assent.event e ON e.id = l.event_id "
		"LEFT JOIN assent.opened o ON o.event_id = l.event_id "
		"WHERE l.number >= $1::bigint AND l.number < $2::bigint "
		"ORDER BY l.number",
	    .binary = true,
	};
	int64_t from = (int64_t)a->tree.size;
	struct pg_rows *rows = NULL;
	int rc = over(a, &get, from, to, &rows);

	if (rc == 0)
		rc = load_nodes(a, from, to);
	if (rc == 0)
		rc = check_leaves(a, rows, to);
	pg_rows_free(&a->nodes);
	pg_rows_free(&rows);
	tell(a, to - from);
	return rc;
}

/* What is beyond the last root that was signed. */
static int
check_surplus(struct audit *a)
{
	static const struct pg_statement leaf = {
	    .sql = "SELECT number, event_id FROM assent.leaf "
		   "WHERE number >= $1::bigint AND $2::bigint >= 0 "
		   "ORDER BY 1 LIMIT 1",
	};
	static const struct pg_statement node = {
	    .sql = "SELECT n.level, n.index FROM generate_series(1, 62) AS l, "
		   "LATERAL (SELECT level, index FROM assent.merkle_node "
		   "WHERE level = l::smallint AND index >= $1::bigint >> l "
		   "AND $2::bigint >= 0 ORDER BY index LIMIT 1) AS n "
		   "ORDER BY 1 LIMIT 1",
	};
	int64_t size = a->last.size;
	struct pg_rows *rows;
	int rc = 0;

	if (over(a, &leaf, size, 0, &rows) != 0)
		return -1;
	if (pg_rows_count(rows) > 0)
		rc = audit_wrong(a, "checkpoint", "removed",
		    pg_rows_int(rows, 0, 1),
		    "leaf %s (event %s) is under no signed root: checkpoint "
		    "%lld was removed, or the leaf inserted",
		    pg_rows_text(rows, 0, 0), pg_rows_text(rows, 0, 1),
		    (long long)a->last.number + 1);
	pg_rows_free(&rows);
	if (rc != 0 || over(a, &node, size, 0, &rows) != 0)
		return -1;
	if (pg_rows_count(rows) > 0)
		rc = audit_wrong(a, "merkle_node", "inserted", 0,
		    "node %s/%s was inserted: the tree of %lld leaves has "
		    "none there",
		    pg_rows_text(rows, 0, 0), pg_rows_text(rows, 0, 1),
		    (long long)size);
	pg_rows_free(&rows);
	return rc;
}

/* Events without a leaf: too old for that, or not yet at a checkpoint. */
static int
check_pending(struct audit *a, int64_t from, int64_t to)
{
	static const struct pg_statement get = {
	    .sql = "SELECT NULL::bigint, e.id, e.leaf, e.leaf, "
		   "o.commitment, " ERASED ", " LEDGER_FACTS
		   " FROM assent.event e "
		   "LEFT JOIN assent.opened o ON o.event_id = e.id "
		   "WHERE e.id >= $1::bigint AND e.id < $2::bigint "
		   "AND NOT EXISTS (SELECT FROM assent.leaf l "
		   "WHERE l.event_id = e.id) ORDER BY e.id",
	    .binary = true,
	};
	struct pg_rows *rows;
	struct audit_row row;
	int rc = over(a, &get, from, to, &rows);

	if (rc != 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < pg_rows_count(rows); i++) {
		read_row(rows, i, &row);
		if (row.event_id <= a->last.settled)
			rc = audit_wrong(a, "event", "inserted", row.event_id,
			    "event %lld was inserted: it has no leaf, and "
			    "when checkpoint %lld was signed every event up "
			    "to %lld had one",
			    (long long)row.event_id, (long long)a->last.number,
			    (long long)a->last.settled);
		else
			rc = diagnose_row(a, &row);
		a->pending++;
	}
	pg_rows_free(&rows);
	return rc;
}

static int
check_orphans(struct audit *a, int64_t from, int64_t to)
{
	static const struct pg_statement get = {
	    .sql = "SELECT o.event_id FROM assent.opened o "
		   "WHERE o.event_id >= $1::bigint AND o.event_id < $2::bigint "
		   "AND NOT EXISTS (SELECT FROM assent.event e "
		   "WHERE e.id = o.event_id) ORDER BY 1 LIMIT 1",
	};
	struct pg_rows *rows;
	int rc = over(a, &get, from, to, &rows);

	if (rc != 0)
		return -1;
	if (pg_rows_count(rows) > 0)
		rc = audit_wrong(a, "event_person", "inserted",
		    pg_rows_int(rows, 0, 0),
		    "personal fields stand for event %s, which is not there: "
		    "they were inserted, or the event removed",
		    pg_rows_text(rows, 0, 0));
	pg_rows_free(&rows);
	return rc;
}

/* The first and the last number an event may have. */
static int
id_range(struct audit *a, int64_t *from, int64_t *to)
{
	static const struct pg_statement get = {
	    .sql = "SELECT least((SELECT min(id) FROM assent.event), "
		   "(SELECT min(event_id) FROM assent.opened), 1), "
		   "greatest((SELECT max(id) FROM assent.event), "
		   "(SELECT max(event_id) FROM assent.opened), 0) + 1",
	};
	struct pg_rows *rows;

	if (ledger_exec(a->pg, &get, NULL, 0, &rows, a->err) != 0)
		return -1;
	*from = pg_rows_int(rows, 0, 0);
	*to = pg_rows_int(rows, 0, 1);
	pg_rows_free(&rows);
	return 0;
}

static int
check_ids(struct audit *a, int64_t from, int64_t end)
{
	for (int64_t to; from < end; from = to) {
		to = from + WINDOW < end ? from + WINDOW : end;
		if (check_pending(a, from, to) != 0 ||
		    check_orphans(a, from, to) != 0)
			return -1;
		tell(a, to - from);
	}
	return 0;
}

static int
check_all(struct audit *a)
{
	struct checkpoint newest = {.size = 0};
	int64_t from, end;

	if (ledger_checkpoint(a->pg, -1, &newest, a->err) < 0 ||
	    id_range(a, &from, &end) != 0)
		return -1;
	a->total = newest.size + end - from;
	if (load_next(a) != 0)
		return -1;
	while (a->has_next) {
		int64_t to = (int64_t)a->tree.size + WINDOW;

		if (check_window(a, to < newest.size ? to : newest.size) != 0)
			return -1;
	}
	if (check_surplus(a) != 0)
		return -1;
	return check_ids(a, from, end);
}

int
audit_run(struct audit *a, struct err *e)
{
	int rc;

	a->err = e;
	a->tree.complete = check_node;
	a->tree.arg = a;
	if (ledger_run(a->pg, begin, e) != 0)
		return -1;
	rc = check_all(a);
	return rc != 0 && a->problem.table == NULL ? -1 : 0;
}
