/* SPDX-License-Identifier: ISC */
/*
 * verify - the command "ledger verify"
 *
 * On a terminal it says how far it is: years of events take minutes, and who
 * waits should know for how long.
 */
#include "verify.h"

#include <stdio.h>
#include <unistd.h>

#include "args.h"
#include "audit.h"
#include "ctl.h"
#include "out.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/instant.h"
#include "policy/keys.h"

/* When the line was begun, and when it was last written. */
struct meter {
	int64_t begun, told;
};

static void
show_progress(void *arg, int64_t done, int64_t total)
{
	struct meter *m = arg;
	int64_t now = clock_now();
	double rate, seconds = (double)(now - m->begun) / (double)CLOCK_S;

	if (now - m->told < CLOCK_S / 2 && done < total)
		return;
	m->told = now;
	rate = seconds > 0 ? (double)done / seconds : 0;
	fprintf(stderr, "\r%3.0f %%  %lld of %lld rows, %.0f/s, %.0f s left ",
	    100.0 * (double)done / (double)(total > 0 ? total : 1),
	    (long long)done, (long long)total, rate,
	    rate > 0 ? (double)(total - done) / rate : 0);
}

static void
tell(const struct audit *a, json_t *out)
{
	char at[INSTANT_TEXT];
	json_t *one;

	out_bool(out, "ok", a->problem.table == NULL);
	out_int(out, "checkpoints", a->last.number);
	out_int(out, "signed", a->last.size);
	out_int(out, "unsigned", a->pending);
	out_int(out, "erased", a->erased);
	out_text(out, "at",
	    a->last.size == 0 ? NULL : instant_text(a->last.signed_at, at));
	if (a->problem.table == NULL)
		return;
	one = out_object(out_array(out, "problems"));
	out_text(one, "table", a->problem.table);
	out_text(one, "kind", a->problem.kind);
	if (a->problem.event != 0)
		out_int(one, "event", a->problem.event);
	out_text(one, "text", a->problem.text);
}

enum outcome
verify_run(struct ctl *c, const struct args *args, json_t *out, struct err *e)
{
	struct meter meter = {.begun = clock_now()};
	struct audit a = {.arg = &meter};
	int rc;

	(void)args;
	if (ctl_keys(c, e) != 0)
		return OUTCOME_FAILED;
	a.keys = c->keys;
	if (isatty(STDERR_FILENO))
		a.progress = show_progress;
	a.pg = ledger_open(c, c->conf->database.auditor_role, e);
	if (a.pg == NULL)
		return OUTCOME_FAILED;
	rc = audit_run(&a, e);
	pg_close(&a.pg);
	if (a.progress != NULL)
		fputs("\r\033[K", stderr);
	if (rc != 0)
		return OUTCOME_FAILED;
	tell(&a, out);
	return a.problem.table == NULL ? OUTCOME_DONE : OUTCOME_NO;
}

void
verify_print(const json_t *out)
{
	const json_t *problem;
	size_t i;

	if (json_object_get(out, "ok") == NULL)
		return;
	json_array_foreach(json_object_get(out, "problems"), i, problem)
	{
		printf("assent.");
		out_print(out_get(problem, "table"));
		printf(": ");
		out_print(out_get(problem, "text"));
		putchar('\n');
	}
	if (!json_is_true(json_object_get(out, "ok")))
		return;
	printf("the ledger stands: %lld events under %lld signed roots, the "
	       "last of %s; %lld not signed yet; personal fields of %lld "
	       "erased\n",
	    (long long)json_integer_value(json_object_get(out, "signed")),
	    (long long)json_integer_value(json_object_get(out, "checkpoints")),
	    json_is_null(json_object_get(out, "at")) ? "no time"
						     : out_get(out, "at"),
	    (long long)json_integer_value(json_object_get(out, "unsigned")),
	    (long long)json_integer_value(json_object_get(out, "erased")));
}
