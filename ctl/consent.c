/* SPDX-License-Identifier: ISC */
/*
 * consent - grant, withdraw, object, restrict, suspend
 *
 * Each is an act in the name of a person, and goes through change_apply() like
 * every other door: when a command says "withdrawn", no milter anywhere lets
 * the next message through.
 *
 * --all means all that is on record.  Where nothing is, the command fails: it
 * would change nothing, and an objection must not seem recorded when it is
 * not.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "evidence.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/channel.h"
#include "policy/store.h"

/* What is said when an act changed something: those of CHANGE_ACTS. */
static const char *const done_words[] = {
    [CHANGE_PEND] = "waits for confirmation",
    [CHANGE_GRANT] = "granted",
    [CHANGE_WITHDRAW] = "withdrawn",
    [CHANGE_OBJECT] = "objected",
    [CHANGE_LIFT_OBJECTION] = "objection lifted",
    [CHANGE_RESTRICT] = "restricted",
    [CHANGE_LIFT_RESTRICTION] = "restriction lifted",
    [CHANGE_SUSPEND] = "suspended",
    [CHANGE_UNSUSPEND] = "no longer suspended",
};

/* What an act is done to, and the strings that `change` points to. */
struct request {
	struct endpoint endpoint;
	struct store_purpose purpose;
	struct change change;
};

/* Whether an act takes a permission away. */
static bool
takes(enum change_act act)
{
	return act == CHANGE_WITHDRAW || act == CHANGE_OBJECT ||
	    act == CHANGE_RESTRICT || act == CHANGE_SUSPEND;
}

static int
read_times(
    struct ctl *c, const struct args *a, struct change *change, struct err *e)
{
	const char *at = args_value(a, "at"), *expires = NULL;

	if (change->act == CHANGE_GRANT)
		expires = args_value(a, "expires");
	if (at != NULL) {
		change->at = takes(change->act) ? ctl_time_last(c, "at", at, e)
						: ctl_time(c, "at", at, e);
		if (change->at == NULL)
			return -1;
	}
	if (expires != NULL) {
		change->expires = ctl_time(c, "expires", expires, e);
		if (change->expires == NULL)
			return -1;
	}
	return 0;
}

/* Whether anything is on record that --all could be about. */
static int
check_recorded(struct ctl *c, const struct request *r, struct err *e)
{
	static const struct pg_statement count = {
	    .name = "recorded",
	    .sql = "SELECT count(*) FROM assent.consent c "
		   "JOIN assent.endpoint e USING (contact_id) "
		   "WHERE e.key = $1",
	};
	const struct addr_key *key = &r->change.key;
	const struct pg_param params[] = {{key->octets, sizeof(key->octets)}};
	struct pg_rows *rows;
	int64_t n;

	if (store_exec(c->store, &count, params, 1, &rows, e) != 0)
		return -1;
	n = pg_rows_int(rows, 0, 0);
	pg_rows_free(&rows);
	if (n == 0)
		return err_set(e, ERR_REFUSED,
		    "nothing is on record for %s, so --all changes nothing: "
		    "name a purpose to record it for that one",
		    r->endpoint.canonical);
	return 0;
}

static int
read_purpose(
    struct ctl *c, const struct args *a, struct request *r, struct err *e)
{
	if (a->words[1] == NULL)
		return check_recorded(c, r, e);
	if (ctl_purpose(c, a->words[1], &r->purpose, e) != 0)
		return -1;
	if ((r->purpose.channels & 1U << r->change.channel) == 0)
		return err_set(e, ERR_REFUSED,
		    "purpose %s/%s does not use the channel %s",
		    r->purpose.brand, r->purpose.name,
		    channel_word(r->change.channel));
	r->change.purpose = r->purpose.id;
	return 0;
}

static void
report(struct ctl *c, const struct request *r, bool changed, json_t *out)
{
	static const char *const acts[] = {
#define X(id, word) [id] = (word),
	    CHANGE_ACTS(X)
#undef X
	};
	const struct change *change = &r->change;

	out_text(out, "act", acts[change->act]);
	out_text(out, "address", r->endpoint.canonical);
	out_text(out, "purpose",
	    change->purpose == 0 ? NULL : ctl_purpose_name(c, &r->purpose));
	out_text(out, "channel",
	    change->purpose == 0 ? NULL : channel_word(change->channel));
	out_bool(out, "changed", changed);
	out_text(
	    out, "result", changed ? done_words[change->act] : "unchanged");
}

/* The proof: what the operator knows of how it came about. */
static int
read_proof(
    struct ctl *c, const struct args *a, struct request *r, struct err *e)
{
	const char *source = args_value(a, "source");
	const char *text = args_has(a, "text") ? args_value(a, "text") : NULL;

	r->change.source = source == NULL ? "operator" : source;
	if (text != NULL) {
		r->change.text = evidence_text(c, &r->purpose, text, e);
		if (r->change.text < 0)
			return -1;
	}
	return evidence_read(c, a, &r->change.proof, e);
}

static enum outcome
apply(struct ctl *c, const struct args *a, enum change_act act, json_t *out,
    struct err *e)
{
	struct request r = {.change = {.act = act, .endpoint = &r.endpoint}};
	bool changed;

	if (ctl_endpoint(c, args_value(a, "kind"), a->words[0], &r.endpoint,
		&r.change.key, e) != 0)
		return OUTCOME_FAILED;
	if (ctl_channel(args_value(a, "channel"), r.endpoint.kind,
		&r.change.channel, e) != 0 &&
	    (a->words[1] != NULL || args_value(a, "channel") != NULL))
		return OUTCOME_USAGE;
	if (ctl_changer(c, e) != 0 || read_purpose(c, a, &r, e) != 0 ||
	    read_times(c, a, &r.change, e) != 0 ||
	    read_proof(c, a, &r, e) != 0 ||
	    ctl_apply(c, &r.change, &changed, e) != 0)
		return OUTCOME_FAILED;
	report(c, &r, changed, out);
	return OUTCOME_DONE;
}

static enum outcome
run_grant(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *state = args_value(a, "state");
	bool pending = state != NULL && strcmp(state, "pending") == 0;

	if (state != NULL && !pending && strcmp(state, "granted") != 0) {
		err_set(e, ERR_REFUSED,
		    "--state \"%s\" is neither pending nor granted", state);
		return OUTCOME_USAGE;
	}
	if (pending && args_value(a, "expires") != NULL) {
		err_set(e, ERR_REFUSED,
		    "--expires does not go with --state pending: it is given "
		    "when the consent is confirmed");
		return OUTCOME_USAGE;
	}
	return apply(c, a, pending ? CHANGE_PEND : CHANGE_GRANT, out, e);
}

/* The commands that take a purpose or --all: what each does, and what it does
 * with --lift. */
static const struct {
	const char *command;
	enum change_act act, lift;
} acts[] = {
    {"withdraw", CHANGE_WITHDRAW, CHANGE_WITHDRAW},
    {"object", CHANGE_OBJECT, CHANGE_LIFT_OBJECTION},
    {"restrict", CHANGE_RESTRICT, CHANGE_LIFT_RESTRICTION},
    {"suspend", CHANGE_SUSPEND, CHANGE_SUSPEND},
    {"unsuspend", CHANGE_UNSUSPEND, CHANGE_UNSUSPEND},
};

/* A purpose or --all: exactly one of the two. */
static int
check_scope(const struct args *a, struct err *e)
{
	const char *name = a->command->name;

	if ((a->words[1] != NULL) == args_flag(a, "all"))
		return err_set(e, ERR_REFUSED,
		    a->words[1] == NULL
			? "%s needs a PURPOSE, or --all"
			: "%s takes a PURPOSE or --all, not both",
		    name);
	if (args_flag(a, "all") && args_value(a, "channel") != NULL)
		return err_set(e, ERR_REFUSED,
		    "--channel does not go with --all, which means every "
		    "channel");
	return 0;
}

static enum outcome
run_act(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	bool lift = args_has(a, "lift") && args_flag(a, "lift");
	size_t i = 0;

	if (check_scope(a, e) != 0)
		return OUTCOME_USAGE;
	while (strcmp(acts[i].command, a->command->name) != 0)
		i++;
	return apply(c, a, lift ? acts[i].lift : acts[i].act, out, e);
}

static void
print(const json_t *out)
{
	const char *purpose = out_get(out, "purpose");

	out_print(out_get(out, "address"));
	if (purpose[0] == '\0')
		printf(", everything on record");
	else
		printf(", %s by %s", purpose, out_get(out, "channel"));
	printf(": %s\n", out_get(out, "result"));
}

#define RECORD_OPTIONS                                                         \
	CTL_KIND, {"channel", "CHANNEL", "the channel (the address's)"},       \
	    {"at", "TIME", "when the person acted (now)"},                     \
	    {"source", "TEXT", "by which door it came (operator)"},            \
	    EVIDENCE_OPTIONS

#define ACT(word, says, ...)                                                   \
	{                                                                      \
		.name = (word),                                                \
		.arguments = "ADDRESS PURPOSE | ADDRESS --all",                \
		.summary = (says), .min = 1, .max = 2,                         \
		.options = {RECORD_OPTIONS,                                    \
		    {"all", NULL, "every purpose and channel on record"},      \
		    __VA_ARGS__},                                              \
		.in_batch = true, .run = run_act, .print = print,              \
	}

const struct command commands_consent[] = {
    {
	.name = "grant",
	.arguments = "ADDRESS PURPOSE",
	.summary = "Records that a person agreed",
	.about = "PURPOSE is BRAND/NAME, or NAME when only one brand has it. "
		 "A consent older than\nthe withdrawal on record is refused.",
	.min = 2,
	.max = 2,
	.options =
	    {
		RECORD_OPTIONS,
		EVIDENCE_GRANT_OPTIONS,
		{"state", "STATE", "granted, or pending: not confirmed yet"},
		{"expires", "TIME", "when it ends by itself (never)"},
	    },
	.in_batch = true,
	.run = run_grant,
	.print = print,
    },
    ACT("withdraw", "Records that a person opted out", {0}),
    ACT("object", "Records an objection (GDPR Art. 21), or lifts it",
	{"lift", NULL, "the person took the objection back"}),
    ACT("restrict", "Restricts processing (GDPR Art. 18), or lifts that",
	{"lift", NULL, "the restriction has ended"}),
    ACT("suspend", "Stops sending after bounces or complaints", {0}),
    ACT("unsuspend", "Ends a suspension", {0}),
    {0},
};
