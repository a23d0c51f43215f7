/* SPDX-License-Identifier: ISC */
/*
 * optout - the link that ends one kind of mail
 *
 * 200 is a promise: from then on no message of that kind gets through.  So it
 * is given only after change_opt_out() said that the change holds everywhere;
 * whatever went wrong, the answer is 503 and says that nothing is done.  A bad
 * token is answered as a good one: there is nothing to tell a forger, and
 * nothing that the owner of a mangled link could do about it on this page.
 */
#include "web/optout.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "policy/change.h"
#include "policy/clock.h"
#include "policy/log.h"
#include "policy/token.h"
#include "web/link.h"
#include "web/page.h"
#include "web/proof.h"
#include "web/site.h"
#include "web/tally.h"

enum { TOKEN_SHOWN = 4 };

void
optout_ask(struct request *r, struct response *w)
{
	page_answer(r, w, PAGE_OPT_OUT);
}

void
optout_explain(struct request *r, struct response *w)
{
	page_answer(r, w, PAGE_SHARED);
}

/* A mail program's POST, or a press of the button: the ledger keeps which. */
static const char *
door(const struct form *f)
{
	const char *mark = form_get(f, PAGE_MARK);
	const char *click = form_get(f, "List-Unsubscribe");

	if (mark != NULL && strcmp(mark, PAGE_MARK_VALUE) == 0)
		return "page";
	return click != NULL && strcmp(click, "One-Click") == 0 ? "one-click"
								: "page";
}

static enum tally_opt_out
opt_out(const struct request *r, struct token_subject *s, const char *source,
    struct err *e)
{
	bool good, changed = false;
	struct token t;
	char *fields;
	int rc;

	*s = (struct token_subject){0};
	if (link_open(r, CAPABILITY_OPT_OUT, &t, &good, e) != 0)
		return TALLY_FAILED;
	if (!good || !token_subject(&t, s))
		return TALLY_BAD_TOKEN;
	fields = proof_of(r);
	/* Without its proof the record would not stand up. */
	if (fields == NULL)
		rc = err_set(e, ERR_FATAL, "out of memory for the proof");
	else
		rc = change_opt_out(&r->site->changer, &s->key, s->purpose,
		    s->channel, source, fields, &changed, e);
	free(fields);
	if (rc != 0)
		return TALLY_FAILED;
	return changed ? TALLY_CHANGED : TALLY_ALREADY;
}

/* A line for whoever must find out what became of a click.  The key is a
 * hash, and of a token that opens nothing only the beginning is shown. */
static void
tell(const struct request *r, enum tally_opt_out result, const char *source,
    const struct token_subject *s, const struct err *e)
{
	double ms = (double)(clock_now() - r->arrived) / CLOCK_MS;
	const char *word = tally_opt_out_word(result);
	char hex[ADDR_KEY_HEX];

	if (result == TALLY_BAD_TOKEN)
		log_line(LOG_INFORM,
		    "opt-out result=%s source=%s token=%.*s...", word, source,
		    TOKEN_SHOWN, r->argument);
	else
		log_line(result == TALLY_FAILED ? LOG_ERROR : LOG_INFORM,
		    "opt-out result=%s source=%s purpose=%u channel=%s "
		    "address=%s ms=%.1f%s%s",
		    word, source, s->purpose, channel_word(s->channel),
		    addr_key_hex(&s->key, hex), ms,
		    result == TALLY_FAILED ? " error=" : "",
		    result == TALLY_FAILED ? e->text : "");
}

void
optout_act(struct request *r, struct response *w)
{
	const char *source = door(&r->form);
	struct token_subject s;
	struct err e;
	enum tally_opt_out result = opt_out(r, &s, source, &e);

	tell(r, result, source, &s, &e);
	tally_opt_out(r->site->tally, result, clock_now() - r->arrived);
	page_answer(
	    r, w, result == TALLY_FAILED ? PAGE_NOT_DONE : PAGE_OPTED_OUT);
}
