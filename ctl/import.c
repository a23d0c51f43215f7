/* SPDX-License-Identifier: ISC */
/*
 * import - consents of a file, and those whom other systems suppress
 *
 * A part of the file is a transaction, in which also stands how far the file
 * has come.  So an import that was interrupted, by whatever, goes on there
 * when the same command is run again, and what comes of it is the same.  It
 * answers when what it took away is in force on every node.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "directory.h"
#include "intake.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/clock.h"
#include "policy/instant.h"
#include "policy/keys.h"
#include "rejects.h"
#include "stage.h"
#include "suppress.h"

enum { SHOWN = 20, READ = 1 << 16 };

struct import {
	struct ctl *ctl;
	const struct args *args;
	const char *path, *name, *rejects_path;
	int fd;
	bool regular, dry;
	int64_t size;
	uint8_t identity[STAGE_IDENTITY];
	struct intake_options options;
	struct directory *directory;
	struct intake *intake;
	struct stage *stage;
	struct rejects *rejects;
	struct stage_progress progress;
	json_t *shown; /* the first rejects */
	int64_t begun, told;
	int64_t begun_octets;
	long long begun_records;
};

static int
open_file(struct import *im, struct err *e)
{
	bool standard = strcmp(im->path, "-") == 0;
	const char *slash = strrchr(im->path, '/');
	struct stat st;

	im->fd = standard ? STDIN_FILENO : open(im->path, O_RDONLY | O_CLOEXEC);
	if (im->fd < 0 || fstat(im->fd, &st) != 0)
		return err_set(
		    e, ERR_REFUSED, "%s: %s", im->path, strerror(errno));
	im->regular = !standard && S_ISREG(st.st_mode);
	im->size = im->regular ? st.st_size : 0;
	im->name = args_value(im->args, "name");
	if (im->name == NULL)
		im->name = standard ? "standard input"
		    : slash == NULL ? im->path
				    : slash + 1;
	im->rejects_path = args_value(im->args, "rejects");
	if (im->rejects_path == NULL && !standard)
		im->rejects_path =
		    arena_printf(im->ctl->arena, "%s.rejects", im->path);
	return 0;
}

/* What tells an import from another: the file, and how it is read. */
static int
identify(struct import *im, struct err *e)
{
	crypto_generichash_state st;
	uint8_t data[READ];
	ssize_t n;

	crypto_generichash_init(&st, NULL, 0, sizeof(im->identity));
	for (size_t i = 0; i < OPTIONS_MAX; i++) {
		const char *value = im->args->values[i];
		const char *name = im->args->command->options[i].name;

		if (value == NULL || strcmp(name, "progress") == 0)
			continue;
		crypto_generichash_update(
		    &st, (const uint8_t *)name, strlen(name) + 1);
		crypto_generichash_update(
		    &st, (const uint8_t *)value, strlen(value) + 1);
	}
	while ((n = read(im->fd, data, sizeof(data))) > 0)
		crypto_generichash_update(&st, data, (size_t)n);
	crypto_generichash_final(&st, im->identity, sizeof(im->identity));
	if (n < 0 || lseek(im->fd, 0, SEEK_SET) != 0)
		return err_set(
		    e, ERR_FATAL, "%s: %s", im->path, strerror(errno));
	return 0;
}

static int
read_delimiter(const struct args *a, char *delimiter, struct err *e)
{
	const char *value = args_value(a, "delimiter");

	*delimiter = '\0';
	if (value == NULL)
		return 0;
	*delimiter = strcmp(value, "tab") == 0 ? '\t' : value[0];
	if (strchr(csv_delimiters, *delimiter) == NULL || *delimiter == '\0' ||
	    (value[1] != '\0' && strcmp(value, "tab") != 0))
		return err_set(e, ERR_REFUSED,
		    "--delimiter \"%s\" is none of , ; tab", value);
	return 0;
}

/* What the command line says; needs no server. */
static int
read_options(struct import *im, struct err *e)
{
	static const struct {
		const char *option;
		enum column column;
	} defaults[] = {{"purpose", COLUMN_PURPOSE}, {"state", COLUMN_STATE},
	    {"channel", COLUMN_CHANNEL}, {"source", COLUMN_SOURCE},
	    {"at", COLUMN_AT}};
	struct intake_options *o = &im->options;
	const char *format = args_value(im->args, "format");
	const char *map = args_value(im->args, "map");

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		o->rules.of[defaults[i].column] =
		    args_value(im->args, defaults[i].option);
	o->rules.brand = args_value(im->args, "brand");
	o->encoding = args_value(im->args, "encoding");
	if (args_flag(im->args, "all-of-brand")) {
		if (o->rules.of[COLUMN_PURPOSE] != NULL ||
		    o->rules.brand == NULL)
			return err_set(e, ERR_REFUSED,
			    "--all-of-brand goes with --brand, and not with "
			    "--purpose");
		o->rules.of[COLUMN_PURPOSE] = "all";
	}
	if (format != NULL) {
		o->rules.suppress = suppress_find(format, e);
		if (o->rules.suppress == NULL)
			return -1;
		o->columns.suppress = o->rules.suppress;
	}
	if (o->rules.of[COLUMN_SOURCE] == NULL)
		o->rules.of[COLUMN_SOURCE] = format != NULL ? format : "import";
	if (read_delimiter(im->args, &o->delimiter, e) != 0)
		return -1;
	return map == NULL ? 0
			   : columns_map(&o->columns, im->ctl->arena, map, e);
}

static int
open_database(struct import *im, struct err *e)
{
	struct row_rules *rules = &im->options.rules;

	if (ctl_keys(im->ctl, e) != 0 || ctl_changer(im->ctl, e) != 0)
		return -1;
	im->directory = directory_load(im->ctl, e);
	if (im->directory == NULL)
		return -1;
	rules->directory = im->directory;
	rules->secret = keys_index(im->ctl->keys);
	rules->now = instant_now();
	return row_check_defaults(rules, e);
}

/* Where to begin, or to go on. */
static int
begin(struct import *im, struct err *e)
{
	im->intake = intake_open(&im->options, im->fd, e);
	if (im->intake == NULL)
		return err_prefix(e, "%s", im->path);
	im->stage = stage_open(im->ctl, im->regular ? im->identity : NULL,
	    im->name, im->dry, &im->progress, e);
	if (im->stage == NULL)
		return -1;
	if (im->progress.octets > 0 &&
	    intake_seek(
		im->intake, im->progress.octets, im->progress.line, e) != 0)
		return err_prefix(e, "%s", im->path);
	im->rejects = rejects_open(im->rejects_path, im->progress.rejects, e);
	im->begun = im->told = clock_now();
	im->begun_records = im->progress.records;
	im->begun_octets = im->progress.octets;
	return im->rejects == NULL ? -1 : 0;
}

static void
take_reject(void *arg, long long line, const char *reason, const char *record,
    size_t len)
{
	struct import *im = arg;
	json_t *one;

	rejects_add(im->rejects, line, reason, record, len);
	if (json_array_size(im->shown) == SHOWN)
		return;
	one = out_object(im->shown);
	out_int(one, "line", line);
	out_text(one, "reason", reason);
}

/* One line that is written over: for an eye, or when it was asked for. */
static void
show(struct import *im, bool last)
{
	const struct stage_progress *p = &im->progress;
	int64_t now = clock_now(), took = now - im->begun;
	bool eye = isatty(STDERR_FILENO) != 0;
	double rate = (double)(p->records - im->begun_records) * CLOCK_S /
	    (double)(took > 0 ? took : 1);

	if ((!eye && !args_flag(im->args, "progress")) ||
	    (!last && now - im->told < CLOCK_S))
		return;
	fprintf(stderr, "%s%lld records, %.0f a second", eye ? "\r" : "",
	    p->records, rate);
	if (!last && im->size > 0 && p->octets > im->begun_octets) {
		double left = (double)(im->size - p->octets) * (double)took /
		    (double)(p->octets - im->begun_octets) / CLOCK_S;

		fprintf(stderr, ", %.0f s left", left);
	}
	fputs(last || !eye ? "\n" : "   ", stderr);
	im->told = now;
}

/* Reads, applies and commits a part. */
static int
run_part(struct import *im, struct err *e)
{
	struct stage_progress *p = &im->progress;

	if (intake_part(im->intake, e) != 0)
		return err_prefix(e, "%s", im->path);
	p->records += (long long)intake_records(im->intake);
	p->rejected += (long long)intake_refused(im->intake);
	p->octets = intake_offset(im->intake);
	p->line = intake_line(im->intake);
	if (stage_apply(im->stage, intake_rows(im->intake), p, intake_refuse,
		im->intake, e) != 0 ||
	    intake_rejects(im->intake, take_reject, im, e) != 0 ||
	    rejects_flush(im->rejects, &p->rejects, e) != 0)
		return -1;
	return stage_commit(im->stage, p, intake_last(im->intake), e);
}

static int
run_parts(struct import *im, struct err *e)
{
	bool last = false;

	while (!last) {
		if (run_part(im, e) != 0)
			return err_prefix(e, "stopped after %lld records%s",
			    im->progress.records,
			    im->regular ? " (run it again to go on)" : "");
		last = intake_last(im->intake);
		show(im, last);
	}
	return im->dry ? 0 : change_wait(&im->ctl->changer, e);
}

static void
release(struct import *im)
{
	rejects_close(&im->rejects);
	stage_close(&im->stage);
	intake_close(&im->intake);
	directory_free(&im->directory);
	if (im->fd > STDIN_FILENO)
		close(im->fd);
}

static void
report(const struct import *im, json_t *out)
{
	const struct stage_progress *p = &im->progress;

	out_bool(out, "dry_run", im->dry);
	out_int(out, "records", p->records);
	out_int(out, "changed", p->changed);
	out_int(out, "unchanged", p->unchanged);
	out_int(out, "rejected", p->rejected);
	out_text(out, "rejects", p->rejects > 0 ? im->rejects_path : NULL);
	out_put(out, "first_rejects", json_incref(im->shown));
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	struct import im = {.ctl = c,
	    .args = a,
	    .path = a->words[0],
	    .fd = -1,
	    .dry = args_flag(a, "dry-run")};
	enum outcome outcome = OUTCOME_FAILED;

	if (read_options(&im, e) != 0)
		return OUTCOME_USAGE;
	im.shown = json_array();
	if (open_file(&im, e) == 0 && (!im.regular || identify(&im, e) == 0) &&
	    open_database(&im, e) == 0 && begin(&im, e) == 0) {
		if (run_parts(&im, e) == 0)
			outcome = im.progress.rejected > 0 ? OUTCOME_NO
							   : OUTCOME_DONE;
		report(&im, out);
	}
	release(&im);
	json_decref(im.shown);
	return outcome;
}

static long long
number(const json_t *out, const char *key)
{
	return (long long)json_integer_value(json_object_get(out, key));
}

static void
print(const json_t *out)
{
	const json_t *shown = json_object_get(out, "first_rejects"), *one;
	size_t i;

	printf("%s%lld records: %lld changes, %lld unchanged, %lld rejected\n",
	    json_is_true(json_object_get(out, "dry_run")) ? "dry run, " : "",
	    number(out, "records"), number(out, "changed"),
	    number(out, "unchanged"), number(out, "rejected"));
	json_array_foreach(shown, i, one)
	{
		printf("line %lld: ", number(one, "line"));
		out_print(out_get(one, "reason"));
		putchar('\n');
	}
	if (number(out, "rejected") > (long long)json_array_size(shown))
		printf("and %lld more\n",
		    number(out, "rejected") -
			(long long)json_array_size(shown));
	if (out_get(out, "rejects")[0] != '\0')
		printf("rejects are in %s\n", out_get(out, "rejects"));
}

const struct command commands_import[] = {
    {
	.name = "import",
	.arguments = "FILE|-",
	.summary =
	    "Records the consents and withdrawals in a CSV or NDJSON file",
	.about =
	    "Columns are address, purpose, state and, if need be, channel, "
	    "at, expires, source,\nlanguage, text_version, evidence and "
	    "attr.NAME.  Never gives to who has refused,\nunless a row "
	    "has a newer date and evidence; may always take away.  What is "
	    "not\napplied is written to FILE.rejects.  Run again, an import "
	    "that was interrupted\ngoes on where it was.",
	.min = 1,
	.max = 1,
	.options =
	    {
		{"map", "NAME=COLUMN,...", "what other names of columns mean"},
		{"purpose", "PURPOSE,...", "of rows that say none"},
		{"state", "STATE", "likewise"},
		{"channel", "CHANNEL", "likewise (email)"},
		{"at", "TIME", "likewise: when the person acted"},
		{"source", "TEXT", "likewise: by which door it came (import)"},
		{"brand", "BRAND", "whose purposes are named"},
		{"all-of-brand", NULL, "the purpose is all that --brand says"},
		{"format", "NAME",
		    "a list of suppressions: mailchimp, sendgrid, mautic, "
		    "listmonk, ses"},
		{"name", "TEXT", "what the source is called (the file's name)"},
		{"delimiter", "CHARACTER", "of CSV: , ; tab (found out)"},
		{"encoding", "NAME", "of the file, as iconv calls it (UTF-8)"},
		{"rejects", "FILE", "where rejects go (FILE.rejects)"},
		{"dry-run", NULL, "change nothing, and say what would be"},
		{"progress", NULL, "tell it also when no terminal reads it"},
	    },
	.run = run,
	.print = print,
    },
    {0},
};
