/* SPDX-License-Identifier: ISC */
/*
 * erasures - who was forgotten, for when a backup is restored
 *
 * A backup knows the person again whom it was made before forgetting.  So the
 * list of erasures is kept elsewhere, and applied to what was restored: keys
 * and dates, nothing personal.
 *
 * Each line is read and checked before the first one is applied.  Applying is
 * in batches, each a transaction; interrupted, it is run again: what is done
 * already changes nothing.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "cursor.h"
#include "ledger.h"
#include "out.h"
#include "policy/addr.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/instant.h"
#include "save.h"

enum { LINE = 512, BATCH = 500 };

static void
put_instant(json_t *one, const char *key, const struct pg_rows *rows, size_t i,
    size_t col)
{
	char text[INSTANT_TEXT];

	out_text(one, key,
	    pg_rows_null(rows, i, col)
		? NULL
		: instant_text(pg_rows_int(rows, i, col), text));
}

struct saving {
	FILE *f;
	long long keys;
};

static int
write_rows(void *arg, const struct pg_rows *rows, struct err *e)
{
	struct saving *s = arg;

	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_t *one = out_new();

		out_text(one, "key", pg_rows_text(rows, i, 0));
		put_instant(one, "erased_at", rows, i, 1);
		put_instant(one, "lifted_at", rows, i, 2);
		json_dumpf(one, s->f, JSON_COMPACT);
		putc('\n', s->f);
		json_decref(one);
		s->keys++;
	}
	if (ferror(s->f))
		return err_set(e, ERR_FATAL, "the list cannot be written");
	return 0;
}

static enum outcome
run_export(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const char query[] =
	    "DECLARE look CURSOR FOR SELECT encode(key, 'hex'), erased_at, "
	    "lifted_at FROM assent.erasure ORDER BY erased_at, key";
	const char *path = a->words[0];
	struct saving s = {.keys = 0};
	struct pg *p = NULL;
	int rc = -1;

	if (ctl_conf(c, e) == 0)
		p = ledger_open(c, c->conf->database.operator_role, e);
	if (p != NULL)
		s.f = save_open(path, e);
	if (s.f != NULL)
		rc = save_close(
		    s.f, path, cursor_run(p, query, write_rows, &s, e) == 0, e);
	pg_close(&p);
	if (rc != 0)
		return OUTCOME_FAILED;
	if (path != NULL)
		out_text(out, "file", path);
	out_int(out, "keys", s.keys);
	return OUTCOME_DONE;
}

/* On standard output there is the list, and nothing else. */
static void
print_export(const json_t *out)
{
	if (json_object_get(out, "file") == NULL)
		return;
	out_print(out_get(out, "file"));
	printf(": %lld keys\n",
	    (long long)json_integer_value(json_object_get(out, "keys")));
}

static bool
is_key(const char *text)
{
	return strlen(text) == (size_t)ADDR_KEY_HEX - 1 &&
	    strspn(text, "0123456789abcdef") == (size_t)ADDR_KEY_HEX - 1;
}

static int
check_dates(const json_t *one, struct err *e)
{
	const char *lifted = out_get(one, "lifted_at");
	int64_t from, to;

	if (!instant_parse(out_get(one, "erased_at"), &from))
		return err_set(e, ERR_REFUSED,
		    "erased_at is no time such as "
		    "2026-11-21T18:00:00.000000Z");
	if (json_is_null(json_object_get(one, "lifted_at")))
		return from > instant_now()
		    ? err_set(e, ERR_REFUSED, "erased_at is in the future")
		    : 0;
	if (!instant_parse(lifted, &to) || to < from || to > instant_now())
		return err_set(e, ERR_REFUSED,
		    "lifted_at is neither null nor a time between erased_at "
		    "and now");
	return 0;
}

/* One line as an object; NULL and `e`. */
static json_t *
read_line(const char *line, struct err *e)
{
	json_error_t why;
	json_t *one = json_loads(line, JSON_REJECT_DUPLICATES, &why);

	if (one == NULL || !json_is_object(one))
		err_set(e, ERR_REFUSED, "no JSON object");
	else if (json_object_size(one) != 3 ||
	    json_object_get(one, "lifted_at") == NULL)
		err_set(e, ERR_REFUSED,
		    "it must have key, erased_at and lifted_at, and nothing "
		    "else");
	else if (!is_key(out_get(one, "key")))
		err_set(e, ERR_REFUSED, "key is not %d hexadecimal digits",
		    ADDR_KEY_HEX - 1);
	else if (check_dates(one, e) == 0)
		return one;
	json_decref(one);
	return NULL;
}

/* A file of lines on the way to the database. */
struct applying {
	struct pg *pg; /* NULL: lines are only checked */
	json_t *batch;
	long long lines, total, applied;
	int64_t shown;
};

static void
show(struct applying *a, bool last)
{
	int64_t now = clock_now();

	if (!isatty(STDERR_FILENO) || (!last && now - a->shown < CLOCK_S))
		return;
	fprintf(stderr, "\r%lld of %lld erasures%s", a->lines, a->total,
	    last ? "\n" : "");
	a->shown = now;
}

static int
apply_batch(struct applying *a, struct err *e)
{
	static const struct pg_statement apply = {
	    .sql = "SELECT assent.erasures_apply($1::jsonb)",
	};
	char *text = json_dumps(a->batch, JSON_COMPACT);
	const struct pg_param params[] = {{text, 0}};
	struct pg_rows *rows;
	int rc;

	rc = text == NULL ? err_set(e, ERR_FATAL, "out of memory")
			  : ledger_exec(a->pg, &apply, params, 1, &rows, e);
	free(text);
	if (rc != 0)
		return -1;
	a->applied += pg_rows_int(rows, 0, 0);
	pg_rows_free(&rows);
	json_array_clear(a->batch);
	show(a, false);
	return 0;
}

static int
take_line(struct applying *a, const char *line, struct err *e)
{
	json_t *one = read_line(line, e);

	if (one == NULL)
		return -1;
	a->lines++;
	if (a->pg == NULL) {
		json_decref(one);
		return 0;
	}
	if (json_array_append_new(a->batch, one) != 0)
		return err_set(e, ERR_FATAL, "out of memory");
	return json_array_size(a->batch) < BATCH ? 0 : apply_batch(a, e);
}

/* Takes every line; an error names the file and, of a line, its number. */
static int
take_file(struct applying *a, FILE *f, const char *name, struct err *e)
{
	char line[LINE];
	long long number = 0;

	while (fgets(line, sizeof(line), f) != NULL) {
		size_t len = strlen(line);
		int rc;

		number++;
		rc = len > 0 && line[len - 1] == '\n'
		    ? take_line(a, line, e)
		    : err_set(e, ERR_REFUSED,
			  "too long, cut off, or with a NUL octet");
		if (rc != 0 && a->pg == NULL)
			return err_prefix(e, "%s:%lld", name, number);
		if (rc != 0)
			return -1;
	}
	if (ferror(f))
		return err_set(e, ERR_FATAL, "%s: %s", name, strerror(errno));
	return a->pg == NULL ? 0 : apply_batch(a, e);
}

/* Checks all lines, then applies them, then waits until they are in force. */
static int
apply_file(struct ctl *c, const struct args *a, FILE *f, struct applying *l,
    struct err *e)
{
	int rc = take_file(l, f, a->words[0], e);

	if (rc != 0 || ctl_changer(c, e) != 0)
		return -1;
	if (fseek(f, 0, SEEK_SET) != 0)
		return err_set(e, ERR_REFUSED, "%s: %s: it is read twice",
		    a->words[0], strerror(errno));
	l->pg = ctl_owner(c, args_value(a, "url"), e);
	if (l->pg == NULL)
		return -1;
	l->total = l->lines;
	l->lines = 0;
	l->batch = json_array();
	rc = take_file(l, f, a->words[0], e);
	show(l, true);
	json_decref(l->batch);
	pg_close(&l->pg);
	return rc == 0 ? change_wait(&c->changer, e) : -1;
}

static enum outcome
run_apply(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	struct applying l = {.shown = clock_now()};
	FILE *f = fopen(a->words[0], "re");
	int rc;

	if (f == NULL) {
		err_set(e, ERR_REFUSED, "%s: %s", a->words[0], strerror(errno));
		return OUTCOME_FAILED;
	}
	rc = apply_file(c, a, f, &l, e);
	fclose(f);
	if (rc != 0)
		return OUTCOME_FAILED;
	out_int(out, "lines", l.lines);
	out_int(out, "applied", l.applied);
	return OUTCOME_DONE;
}

static void
print_apply(const json_t *out)
{
	printf("%lld erasures, %lld of them new here\n",
	    (long long)json_integer_value(json_object_get(out, "lines")),
	    (long long)json_integer_value(json_object_get(out, "applied")));
}

const struct command commands_erasures[] = {
    {
	.name = "erasures export",
	.arguments = "[FILE]",
	.summary = "Writes down who was forgotten, by keyed hash",
	.about = "Keep it apart from the backups of the database, and apply "
		 "it when one is restored.",
	.max = 1,
	.run = run_export,
	.print = print_export,
    },
    {
	.name = "erasures apply",
	.arguments = "FILE",
	.summary = "Forgets again whom a restored backup remembers",
	.about = "FILE is what \"erasures export\" wrote. Connects as the user "
		 "that the URL names, who\nmust own the database. A line that "
		 "cannot be read is named, and nothing is applied.",
	.min = 1,
	.max = 1,
	.options =
	    {
		{"url", "URL", "the owner's, instead of database.url"},
	    },
	.run = run_apply,
	.print = print_apply,
    },
    {0},
};
