/* SPDX-License-Identifier: ISC */
/*
 * checkpoint - sign the ledger as it stands, once or at an interval
 *
 * Numbering the leaves and signing their root are one transaction, so there
 * is never a numbered leaf without a signature over it.  Before it signs, it
 * proves to itself that the new tree contains the one it signed last: a past
 * that was rewritten is never signed again.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "ledger.h"
#include "out.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/conf_value.h"
#include "policy/instant.h"
#include "policy/keys.h"
#include "verify.h"

enum { NUMBER = 24, HEX = 2 * CHECKPOINT_SIGNATURE + 3 };

/* Refuses to go on from a last checkpoint that is not ours. */
static int
check_last(const struct keys *keys, const struct checkpoint *last,
    int64_t old_size, struct err *e)
{
	const struct keys_ledger *key = keys_ledger_numbered(keys, last->key);

	if (key == NULL)
		return err_set(e, ERR_REFUSED,
		    "checkpoint %lld is signed with ledger key %d, which the "
		    "keys file does not have",
		    (long long)last->number, last->key);
	if (!checkpoint_signed(last, key->public) || last->size != old_size)
		return err_set(e, ERR_REFUSED,
		    "checkpoint %lld is not what was signed: run \"assentctl "
		    "ledger verify\"",
		    (long long)last->number);
	return 0;
}

/* Fills in the root, after proving that it continues `last`. */
static int
find_root(struct pg *p, const struct checkpoint *last, struct checkpoint *c,
    struct err *e)
{
	struct merkle_source s = ledger_source(p);
	struct merkle_path path;

	if (merkle_root_of(&s, (uint64_t)c->size, &c->root, e) != 0)
		return -1;
	if (last->size == 0)
		return 0;
	if (merkle_consistency(
		&s, (uint64_t)last->size, (uint64_t)c->size, &path, e) != 0)
		return -1;
	if (merkle_consistent((uint64_t)last->size, &last->root,
		(uint64_t)c->size, &c->root, &path))
		return 0;
	return err_set(e, ERR_REFUSED,
	    "the ledger no longer contains what checkpoint %lld signed, and "
	    "will not be signed: run \"assentctl ledger verify\"",
	    (long long)last->number);
}

/* "\x..." as PostgreSQL reads octets. */
static const char *
hex(const uint8_t *octets, size_t n, char out[HEX])
{
	memcpy(out, "\\x", 3);
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 + 2 * i, 3, "%02x", octets[i]);
	return out;
}

static int
store(struct pg *p, const struct checkpoint *c, struct err *e)
{
	static const struct pg_statement sign = {
	    .name = "sign",
	    .sql = "SELECT assent.checkpoint_sign($1, $2, $3, $4, $5, $6, $7, "
		   "$8, $9)",
	};
	char number[NUMBER], size[NUMBER], root[HEX], at[INSTANT_TEXT],
	    key[NUMBER], signature[HEX], last[NUMBER], horizon[NUMBER],
	    settled[NUMBER];
	const struct pg_param params[] = {{number, 0}, {size, 0}, {root, 0},
	    {at, 0}, {key, 0}, {signature, 0}, {last, 0}, {horizon, 0},
	    {settled, 0}};

	snprintf(number, NUMBER, "%lld", (long long)c->number);
	snprintf(size, NUMBER, "%lld", (long long)c->size);
	snprintf(key, NUMBER, "%d", c->key);
	snprintf(last, NUMBER, "%lld", (long long)c->last);
	snprintf(horizon, NUMBER, "%lld", (long long)c->horizon);
	snprintf(settled, NUMBER, "%lld", (long long)c->settled);
	hex(c->root.octets, MERKLE_HASH, root);
	hex(c->signature, CHECKPOINT_SIGNATURE, signature);
	instant_text(c->signed_at, at);
	return ledger_exec(p, &sign, params, 9, NULL, e);
}

/* Numbers what is new: 1, 0 when nothing is, -1. */
static int
begin(struct pg *p, struct checkpoint *c, int64_t *old_size, struct err *e)
{
	static const struct pg_statement numbers = {
	    .name = "begin",
	    .sql = "SELECT number, old_size, size, last_id, horizon, settled "
		   "FROM assent.checkpoint_begin()",
	    .binary = true,
	};
	struct pg_rows *rows;
	int rc;

	if (ledger_exec(p, &numbers, NULL, 0, &rows, e) != 0)
		return -1;
	rc = pg_rows_count(rows) > 0;
	if (rc == 1) {
		*c = (struct checkpoint){
		    .number = pg_rows_int(rows, 0, 0),
		    .size = pg_rows_int(rows, 0, 2),
		    .last = pg_rows_int(rows, 0, 3),
		    .horizon = pg_rows_int(rows, 0, 4),
		    .settled = pg_rows_int(rows, 0, 5),
		};
		*old_size = pg_rows_int(rows, 0, 1);
	}
	pg_rows_free(&rows);
	return rc;
}

static int
sign_new(struct pg *p, const struct keys *keys, struct checkpoint *last,
    struct checkpoint *c, struct err *e)
{
	int64_t old_size = 0;
	int rc = begin(p, c, &old_size, e);
	int any = rc < 0 ? -1 : ledger_checkpoint(p, -1, last, e);

	if (any < 0 || rc <= 0)
		return any < 0 ? -1 : rc;
	if (any == 1 && check_last(keys, last, old_size, e) != 0)
		return -1;
	if (any == 0 && old_size > 0)
		return err_set(e, ERR_REFUSED,
		    "leaves are numbered that no checkpoint covers: run "
		    "\"assentctl ledger verify\"");
	if (find_root(p, last, c, e) != 0)
		return -1;
	c->signed_at = instant_now();
	checkpoint_sign(c, keys_ledger_signing(keys));
	return store(p, c, e) == 0 ? 1 : -1;
}

/* One checkpoint: 1 and `last`, which it is then; 0 when nothing was new. */
static int
make(struct pg *p, const struct keys *keys, struct checkpoint *last,
    struct err *e)
{
	struct checkpoint c;
	struct err ignored;
	int rc = -1;

	*last = (struct checkpoint){.size = 0};
	if (ledger_run(p, "BEGIN ISOLATION LEVEL READ COMMITTED", e) == 0)
		rc = sign_new(p, keys, last, &c, e);
	if (rc == 1 && ledger_run(p, "COMMIT", e) != 0)
		rc = -1;
	else if (rc != 1 && pg_usable(p) &&
	    ledger_run(p, "ROLLBACK", &ignored) != 0)
		rc = -1;
	if (rc == 1)
		*last = c;
	return rc;
}

static void
tell(json_t *out, const struct checkpoint *c, int made)
{
	char text[HEX], at[INSTANT_TEXT];

	out_bool(out, "signed", made == 1);
	out_int(out, "checkpoint", c->number);
	out_int(out, "size", c->size);
	if (c->size == 0)
		return;
	out_text(out, "root", hex(c->root.octets, MERKLE_HASH, text) + 2);
	out_text(out, "at", instant_text(c->signed_at, at));
	out_int(out, "key", c->key);
}

static void
print(const json_t *out)
{
	if (json_object_get(out, "size") == NULL)
		return;
	if (json_integer_value(json_object_get(out, "size")) == 0) {
		puts("the ledger is empty");
		return;
	}
	printf("checkpoint %lld%s: %lld events, root %s, at %s, key %lld\n",
	    (long long)json_integer_value(json_object_get(out, "checkpoint")),
	    json_is_true(json_object_get(out, "signed")) ? "" : " still holds",
	    (long long)json_integer_value(json_object_get(out, "size")),
	    out_get(out, "root"), out_get(out, "at"),
	    (long long)json_integer_value(json_object_get(out, "key")));
}

/* The keys of now: a service outlives a rotation. */
static int
signing_keys(struct ctl *c, struct err *e)
{
	if (c->keys != NULL && keys_outdated(c->keys))
		keys_free(&c->keys);
	if (ctl_keys(c, e) != 0)
		return -1;
	if (keys_ledger_signing(c->keys) != NULL)
		return 0;
	return err_set(e, ERR_REFUSED,
	    "%s has no ledger key: \"assentctl keys rotate --ledger\" adds one",
	    c->conf->keys.file);
}

static int
once(struct ctl *c, struct pg **p, struct checkpoint *last, struct err *e)
{
	int rc;

	if (signing_keys(c, e) != 0)
		return -1;
	if (*p == NULL)
		*p = ledger_open(c, c->conf->database.checkpointer_role, e);
	if (*p == NULL)
		return -1;
	rc = make(*p, c->keys, last, e);
	if (rc < 0 && !pg_usable(*p))
		pg_close(p);
	return rc;
}

static volatile sig_atomic_t ended;

static void
end(int signal_number)
{
	(void)signal_number;
	ended = 1;
}

/* A server that is away is waited for; anything else ends the service, so
 * that somebody looks. */
static enum outcome
serve(struct ctl *c, struct pg **p, int64_t every, struct err *e)
{
	const struct sigaction stop = {.sa_handler = end};

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	while (!ended) {
		int64_t next = clock_now() + every;
		struct checkpoint last;
		json_t *line = json_object();
		int rc = once(c, p, &last, e);

		if (rc < 0 && e->kind != ERR_UNREACHABLE) {
			json_decref(line);
			return OUTCOME_FAILED;
		}
		if (rc < 0)
			out_error(e->text);
		if (rc == 1) {
			tell(line, &last, rc);
			print(line);
			fflush(stdout);
		}
		json_decref(line);
		/* In pieces: a signal does not shorten a sleep. */
		while (!ended && clock_now() < next)
			clock_sleep_until(next < clock_now() + CLOCK_S / 5
				? next
				: clock_now() + CLOCK_S / 5);
	}
	return OUTCOME_DONE;
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *every = args_value(a, "every");
	enum outcome outcome = OUTCOME_FAILED;
	struct checkpoint last;
	struct pg *p = NULL;
	int64_t pause = 0;
	int rc;

	if (every != NULL && conf_parse_duration(every, &pause, e) != 0) {
		err_prefix(e, "--every");
		return OUTCOME_FAILED;
	}
	if (every != NULL && pause < CLOCK_S / 10) {
		err_set(e, ERR_REFUSED, "--every: at least 100ms");
		return OUTCOME_FAILED;
	}
	if (every != NULL) {
		outcome = serve(c, &p, pause, e);
	} else {
		rc = once(c, &p, &last, e);
		if (rc >= 0) {
			tell(out, &last, rc);
			outcome = OUTCOME_DONE;
		}
	}
	pg_close(&p);
	return outcome;
}

static enum outcome
run_key(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	char text[KEYS_PUBLIC_TEXT];
	json_t *list;

	(void)a;
	if (ctl_keys(c, e) != 0 || signing_keys(c, e) != 0)
		return OUTCOME_FAILED;
	list = out_array(out, "keys");
	for (int i = 0; keys_ledger_at(c->keys, i) != NULL; i++) {
		const struct keys_ledger *key = keys_ledger_at(c->keys, i);
		json_t *one = out_object(list);

		out_int(one, "number", key->number);
		out_text(one, "public", keys_public_text(key->public, text));
		out_bool(one, "signs", i == 0);
	}
	return OUTCOME_DONE;
}

static void
print_key(const json_t *out)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(out, "keys"), i, one)
	    printf("%lld %s\n",
		(long long)json_integer_value(json_object_get(one, "number")),
		out_get(one, "public"));
}

const struct command commands_ledger[] = {
    {
	.name = "ledger checkpoint",
	.arguments = "",
	.summary = "Signs the ledger as it stands",
	.about = "What was recorded before it cannot be changed unnoticed "
		 "after it.",
	.options =
	    {
		{"every", "DURATION", "stay and sign what is new: 1m, 10s"},
	    },
	.run = run,
	.print = print,
    },
    {
	.name = "ledger verify",
	.arguments = "",
	.summary = "Checks every row of the ledger, and names the first "
		   "that is wrong",
	.about = "Nothing personal is read: the commitments to personal "
		 "fields are opened in the\ndatabase.  The exit status is 1 "
		 "when a row is wrong.",
	.run = verify_run,
	.print = verify_print,
    },
    {
	.name = "ledger key",
	.arguments = "",
	.summary = "Prints the public keys that signed the ledger",
	.about = "The first one signs. Whoever checks proofs must have them "
		 "from you directly.",
	.run = run_key,
	.print = print_key,
    },
    {0},
};
