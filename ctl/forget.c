/* SPDX-License-Identifier: ISC */
/*
 * forget - a person wants nothing to be left of them
 *
 * What is left is a keyed hash of each address, which refuses mail, imports
 * and every other way back but one.  It cannot be undone, so a person at a
 * terminal is asked, and a script must say that it means it.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/store.h"

/* A long history takes its time; less than the life of a mark (cache.h). */
#define FORGET_TIME (30 * CLOCK_S)

enum { ANSWER = 16 };

static int
count_held(struct ctl *c, const struct addr_key *key, int64_t *addresses,
    int64_t *consents, struct err *e)
{
	static const struct pg_statement count = {
	    .sql =
		"SELECT count(DISTINCT o.key), count(DISTINCT (c.purpose_id, "
		"c.channel)) FILTER (WHERE c.purpose_id IS NOT NULL) "
		"FROM assent.endpoint e "
		"JOIN assent.endpoint o ON o.contact_id = e.contact_id "
		"LEFT JOIN assent.consent c ON c.contact_id = e.contact_id "
		"WHERE e.key = $1",
	};
	const struct pg_param params[] = {{key->octets, sizeof(key->octets)}};
	struct pg_rows *rows;

	if (store_exec(c->store, &count, params, 1, &rows, e) != 0)
		return -1;
	*addresses = pg_rows_int(rows, 0, 0);
	*consents = pg_rows_int(rows, 0, 1);
	pg_rows_free(&rows);
	return 0;
}

/* Whether somebody at the terminal says yes. */
static int
ask(struct ctl *c, const struct endpoint *to, const struct addr_key *key,
    struct err *e)
{
	int64_t addresses, consents;
	char answer[ANSWER] = "";

	if (count_held(c, key, &addresses, &consents, e) != 0)
		return -1;
	out_error(to->canonical);
	fprintf(stderr,
	    "%lld addresses and %lld consents of this person will be erased "
	    "for good, and\nall that is personal in the ledger. "
	    "Type \"yes\" to go on: ",
	    (long long)addresses, (long long)consents);
	fflush(stderr);
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    strcmp(answer, "yes\n") == 0)
		return 0;
	return err_set(e, ERR_REFUSED, "nothing was erased");
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	struct change_forgotten done;
	struct addr_key key;
	struct endpoint to;

	if (!args_flag(a, "yes") && !isatty(STDIN_FILENO)) {
		err_set(e, ERR_REFUSED,
		    "forget asks on a terminal; a script must say --yes");
		return OUTCOME_USAGE;
	}
	if (ctl_endpoint(c, args_value(a, "kind"), a->words[0], &to, &key, e) !=
	    0)
		return OUTCOME_FAILED;
	if (c->conf->database.timeout < FORGET_TIME)
		c->conf->database.timeout = FORGET_TIME;
	if (ctl_changer(c, e) != 0 ||
	    (!args_flag(a, "yes") && ask(c, &to, &key, e) != 0) ||
	    ctl_forget(c, &key, &done, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "address", to.canonical);
	out_bool(out, "changed", done.changed);
	out_int(out, "addresses", done.addresses);
	out_int(out, "consents", done.consents);
	out_int(out, "events", done.events);
	return OUTCOME_DONE;
}

static long long
number(const json_t *out, const char *key)
{
	return (long long)json_integer_value(json_object_get(out, key));
}

static void
print(const json_t *out)
{
	out_print(out_get(out, "address"));
	if (!json_is_true(json_object_get(out, "changed")))
		puts(": was forgotten already");
	else
		printf(": forgotten: %lld addresses, %lld consents, the "
		       "personal data of %lld events\n",
		    number(out, "addresses"), number(out, "consents"),
		    number(out, "events"));
}

const struct command commands_forget[] = {
    {
	.name = "forget",
	.arguments = "ADDRESS",
	.summary = "Erases a person for good (GDPR Art. 17)",
	.about = "All that is held about the contact who has ADDRESS is "
		 "erased, their other\naddresses too. What remains is a keyed "
		 "hash of each, which refuses mail and\nimports until the "
		 "person opts in anew.",
	.min = 1,
	.max = 1,
	.options =
	    {
		{"yes", NULL, "do not ask"},
		CTL_KIND,
	    },
	.run = run,
	.print = print,
    },
    {0},
};
