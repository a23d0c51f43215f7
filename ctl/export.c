/* SPDX-License-Identifier: ISC */
/*
 * export - all that is held about one person, for that person (GDPR Art. 15,
 * 20)
 *
 * Read as the role that may read a person's ledger; written as the profile
 * page writes it (policy/dossier.c).
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
#include "policy/dossier.h"
#include "save.h"

/* NULL and `e`, also when nobody has the address. */
static json_t *
read_person(struct pg *p, const struct endpoint *to, const struct addr_key *key,
    struct err *e)
{
	static const struct pg_statement get = {
	    .sql = "SELECT assent.person_data($1, 'export')",
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
		data = dossier_read(pg_rows_text(rows, 0, 0), e);
	pg_rows_free(&rows);
	return data;
}

static int
write_out(const struct args *a, bool csv, const json_t *data, struct err *e)
{
	const char *path = args_value(a, "output");
	FILE *f = save_open(path, e);

	if (f == NULL)
		return -1;
	dossier_write(data, csv, f);
	return save_close(f, path, true, e);
}

static enum outcome
finish(const struct args *a, bool csv, json_t *data, json_t *out, struct err *e)
{
	const char *path = args_value(a, "output");

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
	dossier_write(out, false, stdout);
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
