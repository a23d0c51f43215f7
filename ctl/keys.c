/* SPDX-License-Identifier: ISC */
/*
 * keys - make the installation's secrets, and a new one to sign with
 *
 * A keys file is never replaced by "new": its index secret is what every
 * address in the database is known by, and could never be had again.
 */
#include "policy/keys.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/conf.h"

static enum outcome
run_new(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *path;

	(void)a;
	if (ctl_conf(c, e) != 0)
		return OUTCOME_FAILED;
	path = c->conf->keys.file;
	if (access(path, F_OK) == 0) {
		err_set(e, ERR_REFUSED,
		    "%s is there already and will not be replaced: the "
		    "database knows every address by its index secret; "
		    "\"keys rotate\" adds a key that signs",
		    path);
		return OUTCOME_FAILED;
	}
	if (keys_create(path, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "file", path);
	return OUTCOME_DONE;
}

static void
print_new(const json_t *out)
{
	out_print(out_get(out, "file"));
	puts(" made; keep a copy in a safe place.");
}

static enum outcome
run_rotate(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	bool ledger = args_flag(a, "ledger");
	int number;

	if (ctl_conf(c, e) != 0 ||
	    keys_rotate(c->conf->keys.file, ledger ? KEYS_LEDGER : KEYS_TOKEN,
		&number, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "file", c->conf->keys.file);
	out_text(out, "kind", ledger ? "ledger" : "token");
	out_int(out, "signing", number);
	return OUTCOME_DONE;
}

static void
print_rotate(const json_t *out)
{
	long long number = json_integer_value(json_object_get(out, "signing"));

	out_print(out_get(out, "file"));
	if (strcmp(out_get(out, "kind"), "ledger") == 0)
		printf(": ledger key %lld signs the next checkpoint; give its "
		       "public half (assentctl ledger key) to whoever checks "
		       "proofs.\n",
		    number);
	else
		printf(": token key %lld signs, once assent-web and then "
		       "assent-milter have been reloaded; the older keys "
		       "still open their links.\n",
		    number);
}

const struct command commands_keys[] = {
    {
	.name = "keys new",
	.arguments = "",
	.summary = "Makes the keys file named in the configuration",
	.about = "Run it as the user that assent-milter and assent-web run "
		 "as: a keys file\nmust belong to who reads it or to root.",
	.run = run_new,
	.print = print_new,
    },
    {
	.name = "keys rotate",
	.arguments = "",
	.summary = "Adds a key that signs new links; old links stay good",
	.about = "Reload assent-web first and assent-milter second, so that "
		 "no link is sent that\nthe pages cannot open yet.",
	.options = {{"ledger", NULL, "a key for the ledger instead"}},
	.run = run_rotate,
	.print = print_rotate,
    },
    {0},
};
