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
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
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
	struct addr addr;
	struct store_purpose purpose;
	struct change change;
};

static int
read_channel(const struct args *a, struct change *change, struct err *e)
{
	const char *word = args_value(a, "channel");

	change->channel = CHANNEL_EMAIL;
	if (word == NULL)
		return 0;
	if (!channel_parse(word, &change->channel))
		return err_set(e, ERR_REFUSED,
		    "--channel \"%s\" is none of email, sms, voice, phone, "
		    "paper, push, im",
		    word);
	if (strcmp(channel_kind(change->channel),
		channel_kind(CHANNEL_EMAIL)) != 0)
		return err_set(e, ERR_REFUSED,
		    "--channel %s is not for email addresses, and only those "
		    "can be given",
		    word);
	return 0;
}

static int
read_times(
    struct ctl *c, const struct args *a, struct change *change, struct err *e)
{
	const char *at = args_value(a, "at"), *expires = NULL;

	if (change->act == CHANGE_GRANT)
		expires = args_value(a, "expires");
	if (at != NULL) {
		change->at = ctl_time(c, "at", at, e);
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

/* The proof: what the operator knows of how it came about. */
static int
read_proof(
    struct ctl *c, const struct args *a, struct change *change, struct err *e)
{
	const char *evidence = args_value(a, "evidence");
	json_t *object;
	char *text;

	change->source = args_value(a, "source");
	if (change->source == NULL)
		change->source = "operator";
	if (evidence == NULL)
		return 0;
	object = json_pack("{s:s}", "evidence", evidence);
	text = object == NULL ? NULL : json_dumps(object, 0);
	if (text != NULL)
		change->proof = arena_strdup(c->arena, text);
	free(text);
	json_decref(object);
	if (change->proof == NULL)
		return err_set(
		    e, ERR_REFUSED, "--evidence is too long or not UTF-8");
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
		    r->addr.canonical);
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
	out_text(out, "address", r->addr.canonical);
	out_text(out, "purpose",
	    change->purpose == 0 ? NULL : ctl_purpose_name(c, &r->purpose));
	out_text(out, "channel",
	    change->purpose == 0 ? NULL : channel_word(change->channel));
	out_bool(out, "changed", changed);
	out_text(
	    out, "result", changed ? done_words[change->act] : "unchanged");
}

static enum outcome
apply(struct ctl *c, const struct args *a, enum change_act act, json_t *out,
    struct err *e)
{
	struct request r = {.change = {.act = act}};
	bool changed;

	if (read_channel(a, &r.change, e) != 0)
		return OUTCOME_USAGE;
	if (ctl_address(c, a->words[0], &r.addr, &r.change.key, e) != 0 ||
	    ctl_changer(c, e) != 0 || read_purpose(c, a, &r, e) != 0 ||
	    read_times(c, a, &r.change, e) != 0 ||
	    read_proof(c, a, &r.change, e) != 0)
		return OUTCOME_FAILED;
	r.change.addr = &r.addr;
	if (ctl_apply(c, &r.change, &changed, e) != 0)
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

/* A purpose or --all: exactly one of the two. */
static enum outcome
apply_one_or_all(struct ctl *c, const struct args *a, enum change_act act,
    json_t *out, struct err *e)
{
	const char *name = a->command->name;

	if ((a->words[1] != NULL) == args_flag(a, "all")) {
		err_set(e, ERR_REFUSED,
		    a->words[1] == NULL
			? "%s needs a PURPOSE, or --all"
			: "%s takes a PURPOSE or --all, not both",
		    name);
		return OUTCOME_USAGE;
	}
	if (args_flag(a, "all") && args_value(a, "channel") != NULL) {
		err_set(e, ERR_REFUSED,
		    "--channel does not go with --all, which means every "
		    "channel");
		return OUTCOME_USAGE;
	}
	return apply(c, a, act, out, e);
}

static enum outcome
run_withdraw(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	return apply_one_or_all(c, a, CHANGE_WITHDRAW, out, e);
}

static enum outcome
run_object(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	return apply_one_or_all(c, a,
	    args_flag(a, "lift") ? CHANGE_LIFT_OBJECTION : CHANGE_OBJECT, out,
	    e);
}

static enum outcome
run_restrict(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	return apply_one_or_all(c, a,
	    args_flag(a, "lift") ? CHANGE_LIFT_RESTRICTION : CHANGE_RESTRICT,
	    out, e);
}

static enum outcome
run_suspend(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	return apply_one_or_all(c, a, CHANGE_SUSPEND, out, e);
}

static enum outcome
run_unsuspend(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	return apply_one_or_all(c, a, CHANGE_UNSUSPEND, out, e);
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
	{"channel", "CHANNEL", "the channel (email)"},                         \
	    {"at", "TIME", "when the person acted (now)"},                     \
	    {"source", "TEXT", "by which door it came (operator)"},            \
	{                                                                      \
		"evidence", "TEXT", "what shows it; kept as personal data"     \
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
		{"state", "STATE", "granted, or pending: not confirmed yet"},
		{"expires", "TIME", "when it ends by itself (never)"},
	    },
	.in_batch = true,
	.run = run_grant,
	.print = print,
    },
    {
	.name = "withdraw",
	.arguments = "ADDRESS PURPOSE | ADDRESS --all",
	.summary = "Records that a person opted out",
	.min = 1,
	.max = 2,
	.options =
	    {
		RECORD_OPTIONS,
		{"all", NULL, "every purpose and channel on record"},
	    },
	.in_batch = true,
	.run = run_withdraw,
	.print = print,
    },
    {
	.name = "object",
	.arguments = "ADDRESS PURPOSE | ADDRESS --all",
	.summary = "Records an objection (GDPR Art. 21), or lifts it",
	.min = 1,
	.max = 2,
	.options =
	    {
		RECORD_OPTIONS,
		{"all", NULL, "every purpose and channel on record"},
		{"lift", NULL, "the person took the objection back"},
	    },
	.in_batch = true,
	.run = run_object,
	.print = print,
    },
    {
	.name = "restrict",
	.arguments = "ADDRESS PURPOSE | ADDRESS --all",
	.summary = "Restricts processing (GDPR Art. 18), or lifts that",
	.min = 1,
	.max = 2,
	.options =
	    {
		RECORD_OPTIONS,
		{"all", NULL, "every purpose and channel on record"},
		{"lift", NULL, "the restriction has ended"},
	    },
	.in_batch = true,
	.run = run_restrict,
	.print = print,
    },
    {
	.name = "suspend",
	.arguments = "ADDRESS PURPOSE | ADDRESS --all",
	.summary = "Stops sending after bounces or complaints",
	.min = 1,
	.max = 2,
	.options =
	    {
		RECORD_OPTIONS,
		{"all", NULL, "every purpose and channel on record"},
	    },
	.in_batch = true,
	.run = run_suspend,
	.print = print,
    },
    {
	.name = "unsuspend",
	.arguments = "ADDRESS PURPOSE | ADDRESS --all",
	.summary = "Ends a suspension",
	.min = 1,
	.max = 2,
	.options =
	    {
		RECORD_OPTIONS,
		{"all", NULL, "every purpose and channel on record"},
	    },
	.in_batch = true,
	.run = run_unsuspend,
	.print = print,
    },
    {0},
};
