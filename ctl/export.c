/* SPDX-License-Identifier: ISC */
/*
 * export - all that is held about one person, for that person (GDPR Art. 15,
 * 20)
 *
 * The database puts it together (assent.person_data), in one snapshot and as
 * the role that may read a person's ledger; what is left to do here is to say
 * it in words and to write it down.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "ledger.h"
#include "out.h"
#include "policy/conf.h"
#include "proof.h"
#include "save.h"
#include "sheet.h"

enum { WHAT = 200, NUMBER = 24, DEPTH_MAX = 16 };

/* The address's own place in the sheet: part and number in it. */
struct place {
	FILE *f;
	const char *part;
	char number[NUMBER];
	int depth;
};

static json_t *
parse(const char *text, struct err *e)
{
	json_error_t why;
	json_t *data = json_loads(text, JSON_ALLOW_NUL, &why);

	if (data == NULL)
		err_set(e, ERR_FATAL, "the person's data cannot be read: %s",
		    why.text);
	return data;
}

/* NULL and `e`, also when nobody has the address. */
static json_t *
read_person(struct pg *p, const struct endpoint *to, const struct addr_key *key,
    struct err *e)
{
	static const struct pg_statement get = {
	    .sql = "SELECT assent.person_data($1)",
	};
	const struct pg_param params[] = {{key->octets, sizeof(key->octets)}};
	struct pg_rows *rows;
	json_t *data = NULL;

	if (ledger_exec(p, &get, params, 1, &rows, e) != 0)
		return NULL;
	if (pg_rows_null(rows, 0, 0))
		err_set(e, ERR_REFUSED,
		    "nothing is on record for %s: the address is unknown",
		    to->canonical);
	else
		data = parse(pg_rows_text(rows, 0, 0), e);
	pg_rows_free(&rows);
	return data;
}

/* What happened, in the words of the consent record. */
static void
say_acts(json_t *data)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(data, "events"), i, one)
	{
		const char *word = record_act(out_get(one, "what"));

		if (word != NULL)
			out_text(one, "what", word);
	}
}

static void
write_value(const struct place *at, const char *what, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	const char *cells[] = {at->part, at->number, what,
	    json_is_string(value) ? json_string_value(value) : text};

	if (!json_is_null(value))
		sheet_row(at->f, cells, sizeof(cells) / sizeof(cells[0]));
	free(text);
}

/* One row for each value in `value`, named by the way to it. */
static void
write_deep(struct place *at, const char *what, const json_t *value)
{
	const json_t *inner;
	const char *key;
	char name[WHAT];

	if (!json_is_object(value) || at->depth == DEPTH_MAX) {
		write_value(at, what, value);
		return;
	}
	at->depth++;
	json_object_foreach((json_t *)(uintptr_t)value, key, inner)
	{
		snprintf(name, sizeof(name), "%s%s%s", what,
		    what[0] == '\0' ? "" : " / ", key);
		write_deep(at, name, inner);
	}
	at->depth--;
}

static void
write_sheet(FILE *f, const json_t *data)
{
	static const char *const headings[] = {
	    "part", "number", "what", "value"};
	struct place at = {.f = f};
	const json_t *value, *one;
	const char *key;
	size_t i;

	sheet_row(f, headings, sizeof(headings) / sizeof(headings[0]));
	json_object_foreach((json_t *)(uintptr_t)data, key, value)
	{
		at.part = key;
		at.number[0] = '\0';
		if (!json_is_array(value))
			write_deep(&at, "", value);
		json_array_foreach(value, i, one)
		{
			snprintf(at.number, sizeof(at.number), "%zu", i + 1);
			write_deep(&at, "", one);
		}
	}
}

static int
write_out(const struct args *a, bool csv, const json_t *data, struct err *e)
{
	const char *path = args_value(a, "output");
	FILE *f = save_open(path, e);

	if (f == NULL)
		return -1;
	if (csv) {
		write_sheet(f, data);
	} else {
		json_dumpf(data, f, JSON_INDENT(2));
		putc('\n', f);
	}
	return save_close(f, path, true, e);
}

static enum outcome
finish(const struct args *a, bool csv, json_t *data, json_t *out, struct err *e)
{
	const char *path = args_value(a, "output");

	say_acts(data);
	if (path == NULL && !csv) {
		json_object_update(out, data);
		return OUTCOME_DONE;
	}
	if (write_out(a, csv, data, e) != 0)
		return OUTCOME_FAILED;
	if (path != NULL)
		out_text(out, "file", path);
	return OUTCOME_DONE;
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *format = args_value(a, "format");
	bool csv = format != NULL && strcmp(format, "csv") == 0;
	enum outcome outcome = OUTCOME_FAILED;
	struct addr_key key;
	struct endpoint to;
	json_t *data;
	struct pg *p;

	if (format != NULL && !csv && strcmp(format, "json") != 0) {
		err_set(e, ERR_REFUSED,
		    "--format \"%s\" is neither json nor csv", format);
		return OUTCOME_USAGE;
	}
	if (ctl_endpoint(c, args_value(a, "kind"), a->words[0], &to, &key, e) !=
	    0)
		return OUTCOME_FAILED;
	p = ledger_open(c, c->conf->database.dpo_role, e);
	if (p == NULL)
		return OUTCOME_FAILED;
	data = read_person(p, &to, &key, e);
	pg_close(&p);
	if (data != NULL)
		outcome = finish(a, csv, data, out, e);
	json_decref(data);
	return outcome;
}

static void
print(const json_t *out)
{
	if (json_object_get(out, "file") != NULL) {
		out_print(out_get(out, "file"));
		puts(": written");
		return;
	}
	json_dumpf(out, stdout, JSON_INDENT(2));
	putchar('\n');
}

const struct command commands_export[] = {
    {
	.name = "export",
	.arguments = "ADDRESS",
	.summary = "Exports all that is held about one person",
	.about = "For the person (GDPR Art. 15 and 20), in words. Reads as "
		 "the role database.dpo-role,\nas their ledger is in it; that "
		 "it was read is recorded there.",
	.min = 1,
	.max = 1,
	.options =
	    {
		{"format", "FORMAT", "json or csv (json)"},
		{"output", "FILE", "a new file, instead of standard output"},
		CTL_KIND,
	    },
	.run = run,
	.print = print,
    },
    {0},
};
