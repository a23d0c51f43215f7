/* SPDX-License-Identifier: ISC */
/*
 * exemption - what may be sent without consent, for a while
 *
 * The only thing that overrides a missing or an older refused consent, so each
 * has a name, somebody who answers for it, a reason and an end; it is never
 * removed, only ended.  It is in force, or over, when the command answers.
 */
#include <stdio.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/store.h"

static int
needed(const struct args *a, const char *option, struct err *e)
{
	const char *value = args_value(a, option);

	if (value != NULL && value[0] != '\0')
		return 0;
	return err_set(e, ERR_REFUSED, "exemption add needs --%s", option);
}

static int
add(struct ctl *c, const struct args *a, const struct store_purpose *p,
    const char *until, struct err *e)
{
	static const struct pg_statement st = {
	    .sql = "SELECT assent.exemption_add($1, $2::text::int, $3, $4, "
		   "$5::text::timestamptz)",
	};
	char number[8];
	const struct pg_param params[] = {
	    {a->words[0], 0},
	    {number, 0},
	    {args_value(a, "owner"), 0},
	    {args_value(a, "reason"), 0},
	    {until, 0},
	};

	snprintf(number, sizeof(number), "%u", p->id);
	return store_exec(c->store, &st, params, 5, NULL, e);
}

static enum outcome
run_add(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	struct store_purpose p;
	long long permits = 0;
	const char *until;

	if (needed(a, "owner", e) != 0 || needed(a, "reason", e) != 0 ||
	    needed(a, "until", e) != 0)
		return OUTCOME_USAGE;
	if (ctl_slug("exemption", a->words[0], e) != 0 ||
	    ctl_purpose(c, a->words[1], &p, e) != 0)
		return OUTCOME_FAILED;
	until = ctl_time(c, "until", args_value(a, "until"), e);
	if (until == NULL || add(c, a, &p, until, e) != 0 ||
	    ctl_repack(c, &permits, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "exemption", a->words[0]);
	out_text(out, "purpose", ctl_purpose_name(c, &p));
	out_text(out, "until", until);
	out_int(out, "permits", permits);
	return OUTCOME_DONE;
}

static void
print_add(const json_t *out)
{
	printf("exemption %s: %s until %s, %lld permits changed\n",
	    out_get(out, "exemption"), out_get(out, "purpose"),
	    out_get(out, "until"),
	    (long long)json_integer_value(json_object_get(out, "permits")));
}

static enum outcome
run_end(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement st = {
	    .sql = "SELECT assent.exemption_end($1)",
	};
	const struct pg_param params[] = {{a->words[0], 0}};
	struct pg_rows *rows;
	long long permits = 0;
	bool ended;

	if (ctl_store(c, e) != 0 ||
	    store_exec(c->store, &st, params, 1, &rows, e) != 0)
		return OUTCOME_FAILED;
	ended = pg_rows_text(rows, 0, 0)[0] == 't';
	pg_rows_free(&rows);
	if (ctl_repack(c, &permits, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "exemption", a->words[0]);
	out_bool(out, "changed", ended);
	out_int(out, "permits", permits);
	return OUTCOME_DONE;
}

static void
print_end(const json_t *out)
{
	printf("exemption %s %s, %lld permits changed\n",
	    out_get(out, "exemption"),
	    json_is_true(json_object_get(out, "changed")) ? "ended"
							  : "was over already",
	    (long long)json_integer_value(json_object_get(out, "permits")));
}

static enum outcome
run_list(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement list = {
	    .sql = "SELECT x.name, b.slug || '/' || p.slug, x.owner, x.reason, "
		   "x.until > now(), floor(extract(epoch FROM x.since)), "
		   "floor(extract(epoch FROM x.until)) "
		   "FROM assent.exemption x "
		   "JOIN assent.purpose p ON p.id = x.purpose_id "
		   "JOIN assent.brand b ON b.id = p.brand_id "
		   "WHERE x.until > now() OR $1 = 'all' ORDER BY x.until, 1",
	};
	static const char *const keys[] = {
	    "exemption", "purpose", "owner", "reason"};
	const struct pg_param params[] = {
	    {args_flag(a, "all") ? "all" : "", 0}};
	struct pg_rows *rows;
	json_t *exemptions;

	if (ctl_store(c, e) != 0 ||
	    store_exec(c->store, &list, params, 1, &rows, e) != 0)
		return OUTCOME_FAILED;
	exemptions = out_array(out, "exemptions");
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_t *one = out_object(exemptions);

		for (size_t k = 0; k < 4; k++)
			out_text(one, keys[k], pg_rows_text(rows, i, k));
		out_bool(one, "in_force", pg_rows_text(rows, i, 4)[0] == 't');
		out_time(one, "since", pg_rows_int(rows, i, 5));
		out_time(one, "until", pg_rows_int(rows, i, 6));
	}
	pg_rows_free(&rows);
	return OUTCOME_DONE;
}

static void
print_list(const json_t *out)
{
	static const struct out_column columns[] = {
	    {"exemption", "EXEMPTION"},
	    {"purpose", "PURPOSE"},
	    {"since", "SINCE"},
	    {"until", "UNTIL"},
	    {"owner", "OWNER"},
	    {"reason", "REASON"},
	};

	out_table(json_object_get(out, "exemptions"), columns, 6);
}

const struct command commands_exemption[] = {
    {
	.name = "exemption add",
	.arguments = "NAME PURPOSE --owner TEXT --reason TEXT --until TIME",
	.summary = "Lets a purpose be sent for without consent",
	.about =
	    "It gives way to whoever objected, is restricted or suspended, "
	    "and to whoever\nwithdraws while it lasts.",
	.min = 2,
	.max = 2,
	.options =
	    {
		{"owner", "TEXT", "who answers for it"},
		{"reason", "TEXT", "why it is right"},
		{"until", "TIME", "when it ends by itself"},
	    },
	.run = run_add,
	.print = print_add,
    },
    {
	.name = "exemption end",
	.arguments = "NAME",
	.summary = "Ends an exemption now",
	.min = 1,
	.max = 1,
	.run = run_end,
	.print = print_end,
    },
    {
	.name = "exemption list",
	.arguments = "",
	.summary = "Lists the exemptions in force",
	.options = {{"all", NULL, "those that are over, too"}},
	.run = run_list,
	.print = print_list,
    },
    {0},
};
