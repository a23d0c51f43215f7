/* SPDX-License-Identifier: ISC */
/*
 * migrate - bring the database to the schema of this program
 *
 * Each migration is one transaction together with its row in assent.migration,
 * so that the table never says more or less than what is there; an advisory
 * lock keeps two of these from running at once.  Nothing is ever taken back,
 * and a database that is ahead of this program is left alone.
 */
#include "migrations.h"

#include <assert.h>
#include <stdio.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/clock.h"
#include "policy/pg.h"
#include "policy/store.h"

/* Building an index over years of consent takes its time. */
#define MIGRATION_TIME (3600 * CLOCK_S)
#define LOCK_TIME (120 * CLOCK_S)
#define QUICK_TIME (15 * CLOCK_S)

enum { LABEL = 80 };

static int
run_sql(struct pg *p, const char *sql, int64_t time, struct err *e)
{
	const struct pg_statement s = {.sql = sql};

	return pg_exec(p, &s, NULL, 0, NULL, clock_now() + time, e);
}

/* Ends with the connection. */
static int
lock(struct pg *p, struct err *e)
{
	if (run_sql(p, "SET lock_timeout = '60s'", QUICK_TIME, e) != 0)
		return -1;
	if (run_sql(p,
		"SELECT pg_advisory_lock("
		"hashtextextended('assent.migration', 0))",
		LOCK_TIME, e) != 0)
		return err_prefix(
		    e, "waiting for another \"assentctl migrate\"");
	return 0;
}

/* The number of the last migration the database has seen, or -1. */
static long
version(struct pg *p, struct err *e)
{
	static const struct pg_statement there = {
	    .sql = "SELECT to_regclass('assent.migration') IS NOT NULL",
	};
	static const struct pg_statement last = {
	    .sql = "SELECT coalesce(max(number), 0) FROM assent.migration",
	};
	struct pg_rows *rows;
	bool exists;
	long number;

	if (pg_exec(p, &there, NULL, 0, &rows, clock_now() + QUICK_TIME, e) !=
	    0)
		return -1;
	exists = pg_rows_text(rows, 0, 0)[0] == 't';
	pg_rows_free(&rows);
	if (!exists)
		return 0;
	if (pg_exec(p, &last, NULL, 0, &rows, clock_now() + QUICK_TIME, e) != 0)
		return -1;
	number = (long)pg_rows_int(rows, 0, 0);
	pg_rows_free(&rows);
	if (number > (long)n_migrations)
		return err_set(e, ERR_REFUSED,
		    "the database is at migration %ld, this program knows "
		    "%zu: install the newer Assent",
		    number, n_migrations);
	return number;
}

static int
apply(struct pg *p, const struct migration *m, struct err *e)
{
	static const struct pg_statement note = {
	    .sql = "INSERT INTO assent.migration (number, name) "
		   "VALUES ($1::int, $2)",
	};
	char number[12];
	const struct pg_param params[] = {{number, 0}, {m->name, 0}};

	snprintf(number, sizeof(number), "%d", m->number);
	if (run_sql(p, "BEGIN", QUICK_TIME, e) != 0 ||
	    run_sql(p, m->start, MIGRATION_TIME, e) != 0 ||
	    pg_exec(p, &note, params, 2, NULL, clock_now() + QUICK_TIME, e) !=
		0)
		return -1;
	/* Deferred checks run here. */
	return run_sql(p, "COMMIT", MIGRATION_TIME, e);
}

static const char *
label(const struct migration *m, char out[LABEL])
{
	snprintf(out, LABEL, "%03d-%s", m->number, m->name);
	return out;
}

static enum outcome
apply_missing(struct pg *p, bool dry, json_t *out, struct err *e)
{
	long at = version(p, e);
	char text[LABEL];
	json_t *list;

	if (at < 0)
		return OUTCOME_FAILED;
	list = out_array(out, dry ? "pending" : "applied");
	out_int(out, "schema", at);
	for (size_t i = (size_t)at; i < n_migrations; i++) {
		const struct migration *m = &migrations[i];

		if (!dry && apply(p, m, e) != 0) {
			err_prefix(e, "%s", label(m, text));
			return OUTCOME_FAILED;
		}
		out_item(list, label(m, text));
		if (!dry)
			out_int(out, "schema", m->number);
	}
	return OUTCOME_DONE;
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	bool dry = args_flag(a, "dry-run");
	enum outcome outcome = OUTCOME_FAILED;
	struct pg *p;

	assert(migrations[n_migrations - 1].number == STORE_SCHEMA);
	p = ctl_owner(c, args_value(a, "url"), e);
	if (p == NULL)
		return OUTCOME_FAILED;
	if (dry || lock(p, e) == 0)
		outcome = apply_missing(p, dry, out, e);
	pg_close(&p);
	return outcome;
}

static void
print_list(const json_t *list, const char *what)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	    printf("%s %s\n", json_string_value(item), what);
}

static void
print(const json_t *out)
{
	const json_t *pending = json_object_get(out, "pending");
	long long at = json_integer_value(json_object_get(out, "schema"));

	print_list(pending, "pending");
	print_list(json_object_get(out, "applied"), "applied");
	if (at == (long long)n_migrations)
		printf("up to date: %lld migrations\n", at);
}

const struct command commands_migrate[] = {
    {
	.name = "migrate",
	.arguments = "",
	.summary = "Brings the database to this program's schema",
	.about = "Connects as the user that the URL names, who must own the "
		 "database and may\ncreate roles.",
	.options =
	    {
		{"url", "URL", "the owner's, instead of database.url"},
		{"dry-run", NULL, "only say what would be applied"},
	    },
	.run = run,
	.print = print,
    },
    {0},
};
