/* SPDX-License-Identifier: ISC */
/*
 * stage - parts of an import on their way into the database
 *
 * A part goes in lanes, each a connection, a thread and a transaction, because
 * PostgreSQL uses one processor for each.  All lanes but the first commit
 * before it; the first one's commit has the progress.  What dies in between is
 * applied again, which changes nothing.
 *
 * Lanes can get into each other's way where one contact has several addresses.
 * None waits for long: then the part is rolled back and goes in one lane.
 */
#include "stage.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/pg.h"
#include "row.h"

#define CONNECT_TIME (15 * CLOCK_S)
#define STATEMENT_TIME (3600 * CLOCK_S)
#define LOCK_TIME "'5s'"

enum { PIECE = 1 << 16, NUMBER = 24, COUNTS = 8 };

/* One of the ways into the database, and what comes of a part on it. */
struct lane {
	struct pg *pg;
	const char *name;	/* the import's */
	const struct buf *rows; /* `n_rows` buffers of them */
	size_t n_rows;
	long long changed, unchanged;
	struct pg_rows *refused;
	int rc;
	struct err err;
};

struct stage {
	struct lane lanes[ROW_LANES];
	bool dry;
	char id[NUMBER];
	int64_t from; /* what is committed of the file */
};

static int
exec(struct lane *l, const struct pg_statement *st,
    const struct pg_param *params, size_t n, struct pg_rows **rows,
    struct err *e)
{
	return pg_exec(
	    l->pg, st, params, n, rows, clock_now() + STATEMENT_TIME, e);
}

static int
run(struct lane *l, const char *sql, struct err *e)
{
	const struct pg_statement st = {.sql = sql};

	return exec(l, &st, NULL, 0, NULL, e);
}

static int
begin(struct stage *s, const uint8_t *identity, struct stage_progress *p,
    struct err *e)
{
	static const struct pg_statement get = {
	    .sql = "SELECT id, octets, line, rejects, records, changed, "
		   "unchanged, rejected FROM assent.import_begin($1, $2)",
	};
	const struct pg_param params[] = {
	    {identity, identity == NULL ? 0 : STAGE_IDENTITY},
	    {s->lanes[0].name, 0}};
	struct pg_rows *rows;

	if (exec(&s->lanes[0], &get, params, 2, &rows, e) != 0)
		return -1;
	snprintf(s->id, sizeof(s->id), "%s", pg_rows_text(rows, 0, 0));
	*p = (struct stage_progress){
	    .octets = pg_rows_int(rows, 0, 1),
	    .line = pg_rows_int(rows, 0, 2),
	    .rejects = pg_rows_int(rows, 0, 3),
	    .records = pg_rows_int(rows, 0, 4),
	    .changed = pg_rows_int(rows, 0, 5),
	    .unchanged = pg_rows_int(rows, 0, 6),
	    .rejected = pg_rows_int(rows, 0, 7),
	};
	s->from = p->octets;
	pg_rows_free(&rows);
	return 0;
}

static int
open_lane(struct lane *l, const struct conf_database *db, const char *name,
    struct err *e)
{
	l->name = name;
	l->pg = pg_open(db->url, db->operator_role, "assentctl",
	    clock_now() + CONNECT_TIME, e);
	return l->pg == NULL ? -1 : run(l, "SELECT assent.import_stage()", e);
}

struct stage *
stage_open(struct ctl *c, const uint8_t *identity, const char *name, bool dry,
    struct stage_progress *progress, struct err *e)
{
	struct stage *s = calloc(1, sizeof(*s));
	int rc = 0;

	*progress = (struct stage_progress){.line = 1};
	if (s == NULL) {
		err_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	s->dry = dry;
	for (size_t i = 0; rc == 0 && i < ROW_LANES; i++)
		rc = open_lane(&s->lanes[i], &c->conf->database, name, e);
	if (rc != 0 || (!dry && begin(s, identity, progress, e) != 0))
		stage_close(&s);
	return s;
}

void
stage_close(struct stage **s)
{
	if (*s == NULL)
		return;
	for (size_t i = 0; i < ROW_LANES; i++) {
		pg_rows_free(&(*s)->lanes[i].refused);
		pg_close(&(*s)->lanes[i].pg);
	}
	free(*s);
	*s = NULL;
}

static int
copy(struct lane *l, struct err *e)
{
	int64_t deadline = clock_now() + STATEMENT_TIME;

	if (pg_copy_begin(l->pg, row_copy, deadline, e) != 0)
		return -1;
	for (size_t i = 0; i < l->n_rows; i++)
		for (size_t at = 0; at < l->rows[i].len; at += PIECE) {
			size_t left = l->rows[i].len - at;

			if (pg_copy_put(l->pg, l->rows[i].data + at,
				left < PIECE ? left : PIECE, deadline, e) != 0)
				return -1;
		}
	return pg_copy_end(l->pg, deadline, e);
}

/* Copies and applies the rows, and asks which were refused: one reason for
 * each record. */
static int
apply(struct lane *l, struct err *e)
{
	static const struct pg_statement apply_rows = {
	    .sql = "SELECT changed, unchanged FROM assent.import_apply($1)",
	};
	static const struct pg_statement refused = {
	    .sql = "SELECT number, string_agg(DISTINCT reason, '; ') "
		   "FROM staged WHERE reason IS NOT NULL "
		   "GROUP BY number ORDER BY number",
	};
	const struct pg_param params[] = {{l->name, 0}};
	struct pg_rows *done;

	if (copy(l, e) != 0 || exec(l, &apply_rows, params, 1, &done, e) != 0)
		return -1;
	l->changed = pg_rows_int(done, 0, 0);
	l->unchanged = pg_rows_int(done, 0, 1);
	pg_rows_free(&done);
	return exec(l, &refused, NULL, 0, &l->refused, e);
}

static void *
run_lane(void *arg)
{
	struct lane *l = arg;

	l->rc = run(l, "BEGIN; SET LOCAL lock_timeout = " LOCK_TIME, &l->err);
	if (l->rc == 0)
		l->rc = apply(l, &l->err);
	return NULL;
}

/* All lanes at once. -1 and the first error. */
static int
run_lanes(struct stage *s, const struct buf *rows, struct err *e)
{
	pthread_t threads[ROW_LANES];
	bool started[ROW_LANES] = {false};
	int rc = 0;

	for (size_t i = 0; i < ROW_LANES; i++) {
		struct lane *l = &s->lanes[i];

		l->rows = &rows[i];
		l->n_rows = 1;
		started[i] = i > 0 &&
		    pthread_create(&threads[i], NULL, run_lane, l) == 0;
	}
	for (size_t i = 0; i < ROW_LANES; i++) {
		if (started[i])
			pthread_join(threads[i], NULL);
		else
			run_lane(&s->lanes[i]);
		if (rc == 0 && s->lanes[i].rc != 0) {
			rc = -1;
			*e = s->lanes[i].err;
		}
	}
	return rc;
}

/* Everything in the first lane, after the lanes got into each other's way. */
static int
run_alone(struct stage *s, const struct buf *rows, struct err *e)
{
	struct lane *first = &s->lanes[0];

	for (size_t i = 0; i < ROW_LANES; i++) {
		pg_rows_free(&s->lanes[i].refused);
		s->lanes[i].changed = s->lanes[i].unchanged = 0;
		if (run(&s->lanes[i], "ROLLBACK; BEGIN", e) != 0)
			return -1;
	}
	first->rows = rows;
	first->n_rows = ROW_LANES;
	return apply(first, e);
}

int
stage_apply(struct stage *s, const struct buf *rows, struct stage_progress *p,
    stage_refused *refused, void *arg, struct err *e)
{
	if (run_lanes(s, rows, e) != 0 &&
	    (e->kind != ERR_UNREACHABLE || run_alone(s, rows, e) != 0))
		return -1;
	for (size_t i = 0; i < ROW_LANES; i++) {
		struct lane *l = &s->lanes[i];
		size_t n = l->refused == NULL ? 0 : pg_rows_count(l->refused);

		for (size_t k = 0; k < n; k++)
			refused(arg, (size_t)pg_rows_int(l->refused, k, 0),
			    pg_rows_text(l->refused, k, 1));
		p->changed += l->changed;
		p->unchanged += l->unchanged;
		p->rejected += (long long)n;
		pg_rows_free(&l->refused);
	}
	return 0;
}

/* Ends the transactions of all lanes, the first one's last. */
static int
end(struct stage *s, const char *how, struct err *e)
{
	for (size_t i = ROW_LANES; i > 0; i--)
		if (run(&s->lanes[i - 1], how, e) != 0)
			return -1;
	return 0;
}

int
stage_commit(
    struct stage *s, const struct stage_progress *p, bool last, struct err *e)
{
	static const struct pg_statement done = {
	    .sql = "SELECT assent.import_done($1::text::bigint, "
		   "$2::text::bigint, $3::text::bigint, $4::text::bigint, "
		   "$5::text::bigint, $6::text::bigint, $7::text::bigint, "
		   "$8::text::bigint, $9::text::bigint, $10::text::boolean)",
	};
	const long long counts[COUNTS] = {s->from, p->octets, p->line,
	    p->rejects, p->records, p->changed, p->unchanged, p->rejected};
	struct pg_param params[COUNTS + 2] = {{s->id, 0}};
	char texts[COUNTS][NUMBER];

	if (s->dry)
		return end(s, "ROLLBACK", e);
	for (size_t i = 0; i < COUNTS; i++) {
		snprintf(texts[i], NUMBER, "%lld", counts[i]);
		params[i + 1].value = texts[i];
	}
	params[COUNTS + 1].value = last ? "true" : "false";
	if (exec(&s->lanes[0], &done, params, COUNTS + 2, NULL, e) != 0 ||
	    end(s, "COMMIT", e) != 0)
		return -1;
	s->from = p->octets;
	return 0;
}
