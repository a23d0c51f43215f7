/* SPDX-License-Identifier: ISC */
/*
 * depend - one purpose tied to another of a different branch
 *
 * "A requires B": A counts only while B does.  "A withdraws B": leaving A
 * leaves B too.  What would go in a circle is refused by SQL, which names it.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/store.h"

/* Makes or removes one. Whether it changed anything. */
static int
depend(struct ctl *c, uint16_t purpose, const char *kind, uint16_t on,
    bool remove, bool *changed, struct err *e)
{
	static const struct pg_statement st = {
	    .sql = "SELECT assent.purpose_depend($1::text::int, "
		   "$2::text::assent.dependency_kind, $3::text::int, "
		   "$4::text::boolean)",
	};
	char from[8], to[8];
	const struct pg_param params[] = {
	    {from, 0}, {kind, 0}, {to, 0}, {remove ? "true" : "false", 0}};
	struct pg_rows *rows;

	snprintf(from, sizeof(from), "%u", purpose);
	snprintf(to, sizeof(to), "%u", on);
	if (store_exec(c->store, &st, params, 4, &rows, e) != 0)
		return -1;
	*changed = pg_rows_text(rows, 0, 0)[0] == 't';
	pg_rows_free(&rows);
	return 0;
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *kind = a->words[1];
	struct store_purpose from, to;
	long long permits = 0;
	bool changed;

	if (strcmp(kind, "requires") != 0 && strcmp(kind, "withdraws") != 0) {
		err_set(e, ERR_REFUSED,
		    "\"%s\" is neither requires nor withdraws", kind);
		return OUTCOME_USAGE;
	}
	if (ctl_purpose(c, a->words[0], &from, e) != 0 ||
	    ctl_purpose(c, a->words[2], &to, e) != 0 ||
	    depend(c, from.id, kind, to.id, args_flag(a, "remove"), &changed,
		e) != 0 ||
	    ctl_repack(c, &permits, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "purpose", ctl_purpose_name(c, &from));
	out_text(out, "kind", kind);
	out_text(out, "on", ctl_purpose_name(c, &to));
	out_bool(out, "removed", args_flag(a, "remove"));
	out_bool(out, "changed", changed);
	out_int(out, "permits", permits);
	return OUTCOME_DONE;
}

static void
print(const json_t *out)
{
	const char *no =
	    json_is_true(json_object_get(out, "removed")) ? "no longer " : "";

	printf("%s %s%s %s%s\n", out_get(out, "purpose"), no,
	    out_get(out, "kind"), out_get(out, "on"),
	    json_is_true(json_object_get(out, "changed")) ? "" : ": unchanged");
}

const struct command commands_depend[] = {
    {
	.name = "purpose depend",
	.arguments = "PURPOSE requires|withdraws PURPOSE",
	.summary = "Ties a purpose to another",
	.about = "A requires B: A counts only while B does. A withdraws B: "
		 "leaving A leaves B\ntoo, and B does not come back with A.",
	.min = 3,
	.max = 3,
	.options =
	    {
		{"remove", NULL, "unties them"},
	    },
	.in_batch = true,
	.run = run,
	.print = print,
    },
    {0},
};
