/* SPDX-License-Identifier: ISC */
/*
 * repack - compute permits anew after a change of the trees
 *
 * The change itself has committed; until this is done, permits still say what
 * held before.  Each batch is a transaction of its own, so that nobody waits
 * for long, and moves the cache's epoch; at the end the nodes' leases are
 * waited out.  assent.outdated remembers what was interrupted: the next one of
 * these, by whatever command, finishes it.
 */
#include <stdio.h>
#include <unistd.h>

#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/clock.h"
#include "policy/store.h"

#define PAUSE (50 * CLOCK_MS)

enum { BATCH = 200 };

struct progress {
	long long done, total, permits;
	int64_t shown;
	bool showed;
};

/* The generation to be computed, NULL when there is none. */
static int
find_outdated(
    struct ctl *c, const char **generation, struct progress *p, struct err *e)
{
	static const struct pg_statement find = {
	    .sql = "SELECT generation, (SELECT count(*) FROM assent.contact) "
		   "FROM assent.outdated",
	};
	struct pg_rows *rows;
	int rc = 0;

	*generation = NULL;
	if (store_exec(c->store, &find, NULL, 0, &rows, e) != 0)
		return -1;
	if (pg_rows_count(rows) > 0) {
		*generation = arena_strdup(c->arena, pg_rows_text(rows, 0, 0));
		p->total = pg_rows_int(rows, 0, 1);
		p->done = 0;
		if (*generation == NULL)
			rc = err_set(e, ERR_FATAL, "out of memory");
	}
	pg_rows_free(&rows);
	return rc;
}

/* One line that is written over, for an eye only, and once it takes time. */
static void
show(struct progress *p, bool last)
{
	int64_t now = clock_now();

	if (!isatty(STDERR_FILENO) ||
	    (now - p->shown < CLOCK_S && !(last && p->showed)))
		return;
	fprintf(stderr, "\rcomputing permits: %lld of %lld contacts%s", p->done,
	    p->total, last ? "\n" : "");
	p->shown = now;
	p->showed = true;
}

/* Computes the batch after `*after`; false in `*more` at the end. */
static int
run_batch(struct ctl *c, int64_t *after, struct progress *p, bool *more,
    struct err *e)
{
	static const struct pg_statement batch = {
	    .name = "repack",
	    .sql = "SELECT last, contacts, permits FROM "
		   "assent.repack_batch($1::text::bigint, $2::text::int)",
	};
	char from[24], count[12];
	const struct pg_param params[] = {{from, 0}, {count, 0}};
	struct pg_rows *rows;

	snprintf(from, sizeof(from), "%lld", (long long)*after);
	snprintf(count, sizeof(count), "%d", BATCH);
	if (store_exec(c->store, &batch, params, 2, &rows, e) != 0)
		return -1;
	*more = !pg_rows_null(rows, 0, 0);
	if (*more)
		*after = pg_rows_int(rows, 0, 0);
	p->done += pg_rows_int(rows, 0, 1);
	p->permits += pg_rows_int(rows, 0, 2);
	pg_rows_free(&rows);
	return 0;
}

/* What is needed to know that no transaction from before now goes on. */
static int
find_horizon(struct ctl *c, const char **horizon, struct err *e)
{
	static const struct pg_statement find = {
	    .sql = "SELECT pg_snapshot_xmax(pg_current_snapshot())",
	};
	struct pg_rows *rows;

	if (store_exec(c->store, &find, NULL, 0, &rows, e) != 0)
		return -1;
	*horizon = arena_strdup(c->arena, pg_rows_text(rows, 0, 0));
	pg_rows_free(&rows);
	return *horizon == NULL ? err_set(e, ERR_FATAL, "out of memory") : 0;
}

/* Waits for the transactions that may have computed with the old trees: a
 * contact that one of them makes is not seen by any batch before it commits. */
static int
outlive(struct ctl *c, struct err *e)
{
	static const struct pg_statement past = {
	    .name = "past",
	    .sql = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= "
		   "$1::text::xid8",
	};
	int64_t begun = clock_now();
	const char *horizon;
	struct pg_rows *rows;
	bool over = false, told = false;

	if (find_horizon(c, &horizon, e) != 0)
		return -1;
	const struct pg_param params[] = {{horizon, 0}};
	while (!over) {
		if (store_exec(c->store, &past, params, 1, &rows, e) != 0)
			return -1;
		over = pg_rows_text(rows, 0, 0)[0] == 't';
		pg_rows_free(&rows);
		if (!over)
			clock_sleep_until(clock_now() + PAUSE);
		if (!over && !told && clock_now() - begun > CLOCK_S) {
			out_error("waiting for database transactions that "
				  "began before the change");
			told = true;
		}
	}
	return 0;
}

static int
run_batches(struct ctl *c, struct progress *p, struct err *e)
{
	int64_t after = 0;
	bool more = true;

	if (outlive(c, e) != 0)
		return -1;
	while (more) {
		if (run_batch(c, &after, p, &more, e) != 0)
			return -1;
		show(p, !more);
	}
	return change_wait(&c->changer, e);
}

static int
finish(struct ctl *c, const char *generation, struct err *e)
{
	static const struct pg_statement done = {
	    .sql = "SELECT assent.repacked($1::text::uuid)",
	};
	const struct pg_param params[] = {{generation, 0}};

	return store_exec(c->store, &done, params, 1, NULL, e);
}

int
ctl_repack(struct ctl *c, long long *permits, struct err *e)
{
	struct progress p = {.shown = clock_now()};
	const char *generation;
	int rc = ctl_changer(c, e);

	while (rc == 0) {
		rc = find_outdated(c, &generation, &p, e);
		if (rc != 0 || generation == NULL)
			break;
		rc = run_batches(c, &p, e);
		if (rc == 0)
			rc = finish(c, generation, e);
	}
	*permits += p.permits;
	if (rc != 0)
		return err_prefix(e,
		    "changed, but not yet in force (\"assentctl repack\" "
		    "finishes it)");
	return 0;
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	long long permits = 0;

	(void)a;
	if (ctl_changer(c, e) != 0 || ctl_repack(c, &permits, e) != 0)
		return OUTCOME_FAILED;
	out_int(out, "permits", permits);
	return OUTCOME_DONE;
}

static void
print(const json_t *out)
{
	printf("%lld permits changed\n",
	    (long long)json_integer_value(json_object_get(out, "permits")));
}

const struct command commands_repack[] = {
    {
	.name = "repack",
	.arguments = "",
	.summary = "Finishes a change of the trees that was interrupted",
	.run = run,
	.print = print,
    },
    {0},
};
