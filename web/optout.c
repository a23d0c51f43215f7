/* SPDX-License-Identifier: ISC */
/*
 * optout - the link that ends one kind of mail
 *
 * 200 to an opt-out is a promise: from then on no message of that kind gets
 * through.  So it is given only after the change holds everywhere; whatever
 * went wrong, the answer is 503 and promises nothing.  A mail program's
 * one-click POST is answered alike for every token, good or bad: there is
 * nothing to tell a forger.  A person who presses the button of a link that
 * opens sees how it then stands (leaving.c).
 *
 * The page carries a random reference.  With it a press can be taken back for
 * a while, and a button pressed twice is one press; it stands in no link, so
 * that who holds the link can take back their own press and no other.
 */
#include "web/optout.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/change.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/leave.h"
#include "policy/log.h"
#include "policy/store.h"
#include "policy/token.h"
#include "web/flight.h"
#include "web/leaving.h"
#include "web/letter.h"
#include "web/link.h"
#include "web/page.h"
#include "web/proof.h"
#include "web/site.h"
#include "web/tally.h"

enum { TOKEN_SHOWN = 4 };

/* A press of a button of ours, and no mail program's POST. */
static bool
is_press(const struct form *f)
{
	const char *mark = form_get(f, PAGE_MARK);

	return mark != NULL && strcmp(mark, PAGE_MARK_VALUE) == 0;
}

/* The ledger keeps by which door somebody left. */
static const char *
door(const struct form *f)
{
	const char *click = form_get(f, "List-Unsubscribe");

	return !is_press(f) && click != NULL && strcmp(click, "One-Click") == 0
	    ? "one-click"
	    : "page";
}

/* Opens the link into `l`, with the reference in the form, or a new one.  1
 * opened, 0 when it is none of ours, -1 and `e` when nobody can say. */
static int
open_link(const struct request *r, struct leave *l, struct err *e)
{
	const char *hex = form_get(&r->form, "reference");
	struct token_subject s;
	struct token t;
	size_t n = 0;
	bool good;

	*l = (struct leave){.source = door(&r->form)};
	if (link_open(r, CAPABILITY_OPT_OUT, &t, &good, e) != 0)
		return -1;
	if (!good || !token_subject(&t, &s))
		return 0;
	l->key = s.key;
	l->purpose = s.purpose;
	l->channel = s.channel;
	if (hex == NULL ||
	    sodium_hex2bin(l->reference, sizeof(l->reference), hex, strlen(hex),
		NULL, &n, NULL) != 0 ||
	    n != sizeof(l->reference))
		randombytes_buf(l->reference, sizeof(l->reference));
	return 1;
}

void
optout_ask(struct request *r, struct response *w)
{
	struct leave l;
	struct err e;

	/* The plain question holds for every link. */
	if (open_link(r, &l, &e) <= 0 ||
	    !leaving_show(r, w, r->site->reader, &l, LEAVING_NOTHING))
		page_answer(r, w, PAGE_OPT_OUT);
}

void
optout_explain(struct request *r, struct response *w)
{
	page_answer(r, w, PAGE_SHARED);
}

/* Does what `act` is with the proof of the request. */
static int
with_proof(const struct request *r, struct leave *l,
    int (*act)(struct changer *, const struct leave *, bool *, struct err *),
    bool *changed, struct err *e)
{
	char *fields = proof_of(r);
	int rc;

	/* Without its proof the record would not stand up. */
	if (fields == NULL)
		return err_set(e, ERR_FATAL, "out of memory for the proof");
	l->proof = fields;
	rc = act(&r->site->changer, l, changed, e);
	l->proof = NULL;
	free(fields);
	return rc;
}

/* An opt-out that nobody can take back: there is no page before or after it. */
static int
at_once(struct changer *ch, const struct leave *l, bool *changed, struct err *e)
{
	return change_opt_out(ch, &l->key, l->purpose, l->channel, l->source,
	    l->proof, changed, e);
}

/* Asks back by mail, where the purpose is left in two steps: 1 then, 0 when it
 * is to be left at once, or -1 and `e`. */
static int
ask_back(const struct request *r, const struct leave *l, struct err *e)
{
	static const struct pg_statement ask = {
	    .name = "opt-out-ask",
	    .sql = "SELECT assent.opt_out_ask($1, $2::text::int, "
		   "$3::text::assent.channel, $4, $5, $6, $7, "
		   "$8::text::jsonb)",
	};
	uint8_t reference[TOKEN_BODY];
	char number[8], message_id[LETTER_ID], *proof = proof_of(r);
	struct pg_rows *rows;
	int rc;

	if (proof == NULL)
		return err_set(e, ERR_FATAL, "out of memory for the proof");
	randombytes_buf(reference, sizeof(reference));
	letter_make_id(r->site->conf->web.mail_domain, message_id);
	snprintf(number, sizeof(number), "%u", l->purpose);
	const struct pg_param params[] = {
	    {l->key.octets, ADDR_KEY},
	    {number, 0},
	    {channel_word(l->channel), 0},
	    {l->reference, LEAVE_REFERENCE},
	    {reference, sizeof(reference)},
	    {page_language(r), 0},
	    {message_id, 0},
	    {proof, 0},
	};
	rc = store_exec(r->site->writer, &ask, params,
	    sizeof(params) / sizeof(params[0]), &rows, e);
	free(proof);
	if (rc != 0)
		return -1;
	rc = pg_rows_text(rows, 0, 0)[0] == 't';
	pg_rows_free(&rows);
	return rc;
}

/* A click, and whether it changed anything by itself. */
struct click {
	const struct request *r;
	struct leave *l;
	bool changed;
};

static int
do_click(void *arg, struct err *e)
{
	struct click *c = arg;

	return with_proof(c->r, c->l, at_once, &c->changed, e);
}

static enum tally_opt_out
opt_out(const struct request *r, struct leave *l, struct err *e)
{
	struct click c = {.r = r, .l = l};
	int good = open_link(r, l, e), rc;

	if (good <= 0)
		return good == 0 ? TALLY_BAD_TOKEN : TALLY_FAILED;
	if (is_press(&r->form)) {
		int asked = ask_back(r, l, e);

		if (asked != 0)
			return asked < 0 ? TALLY_FAILED : TALLY_ASKED;
		rc = with_proof(r, l, leave_press, &c.changed, e);
	} else {
		rc = flights_run(r->site->flights, l, do_click, &c, e);
	}
	if (rc != 0)
		return TALLY_FAILED;
	return c.changed ? TALLY_CHANGED : TALLY_ALREADY;
}

/* How much of a token that opens nothing is shown: its beginning, as far as it
 * could be one's. */
static int
shown(const char *token)
{
	size_t n = strspn(token,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-_");

	return n < TOKEN_SHOWN ? (int)n : TOKEN_SHOWN;
}

/* A line for whoever must find out what became of a click.  The key is a
 * hash. */
static void
tell(const struct request *r, enum tally_opt_out result, const struct leave *l,
    const struct err *e)
{
	double ms = (double)(clock_now() - r->arrived) / CLOCK_MS;
	const char *word = tally_opt_out_word(result);
	char hex[ADDR_KEY_HEX];

	if (result == TALLY_BAD_TOKEN)
		log_line(LOG_INFORM,
		    "opt-out result=%s source=%s token=%.*s...", word,
		    l->source, shown(r->argument), r->argument);
	else
		log_line(result == TALLY_FAILED ? LOG_ERROR : LOG_INFORM,
		    "opt-out result=%s source=%s purpose=%u channel=%s "
		    "address=%s ms=%.1f%s%s%s",
		    word, l->source, l->purpose, channel_word(l->channel),
		    addr_key_hex(&l->key, hex), ms,
		    result == TALLY_FAILED ? " error=\"" : "",
		    result == TALLY_FAILED ? e->text : "",
		    result == TALLY_FAILED ? "\"" : "");
}

static void
leave(struct request *r, struct response *w)
{
	struct leave l;
	struct err e;
	enum tally_opt_out result = opt_out(r, &l, &e);

	tell(r, result, &l, &e);
	tally_opt_out(r->site->tally, result, clock_now() - r->arrived);
	if (result == TALLY_FAILED)
		page_answer(r, w, PAGE_NOT_DONE);
	else if (result == TALLY_BAD_TOKEN || !is_press(&r->form) ||
	    !leaving_show(r, w, r->site->writer, &l,
		result == TALLY_ASKED ? LEAVING_ASKED : LEAVING_NOTHING))
		page_answer(r, w,
		    result == TALLY_ASKED ? PAGE_NOT_DONE : PAGE_OPTED_OUT);
}

/* Shows how it stands after something else that was pressed. */
static void
show(struct request *r, struct response *w, const struct leave *l,
    enum leaving_note note)
{
	if (!leaving_show(r, w, r->site->writer, l, note))
		page_answer(r, w, PAGE_UNSEEN);
}

static void
fail(struct request *r, struct response *w, const char *what,
    const struct err *e)
{
	log_line(LOG_ERROR, "%s result=failed error=\"%s\"", what, e->text);
	page_answer(r, w, PAGE_UNSURE);
}

static void
undo(struct request *r, struct response *w)
{
	char hex[ADDR_KEY_HEX];
	struct leave l;
	struct err e;
	bool changed;
	int good = open_link(r, &l, &e);

	if (good == 0) {
		page_answer(r, w, PAGE_NOT_FOUND);
	} else if (good < 0 ||
	    with_proof(r, &l, leave_undo, &changed, &e) != 0) {
		fail(r, w, "opt-out-undo", &e);
	} else {
		log_line(LOG_INFORM,
		    "opt-out-undo result=%s purpose=%u channel=%s address=%s",
		    changed ? "changed" : "unchanged", l.purpose,
		    channel_word(l.channel), addr_key_hex(&l.key, hex));
		show(r, w, &l, changed ? LEAVING_UNDONE : LEAVING_TOO_LATE);
	}
}

/* Whatever else the form has, no more is kept than what the page offers and a
 * text. */
static int
keep_reason(const struct request *r, const struct leave *l, struct err *e)
{
	static const struct pg_statement keep = {
	    .name = "opt-out-reason",
	    .sql = "SELECT assent.opt_out_reason($1, $2::text::int, "
		   "$3::text::assent.channel, $4, $5, $6)",
	};
	struct buf reason = {0}, words = {0};
	char number[8];
	int rc;

	form_text(&r->form, "reason", &reason);
	form_text(&r->form, "words", &words);
	snprintf(number, sizeof(number), "%u", l->purpose);
	const struct pg_param params[] = {
	    {l->key.octets, ADDR_KEY},
	    {number, 0},
	    {channel_word(l->channel), 0},
	    {l->reference, LEAVE_REFERENCE},
	    {reason.data, 0},
	    {words.data, 0},
	};
	if (buf_failed(&reason) || buf_failed(&words))
		rc = err_set(e, ERR_FATAL, "out of memory for a reason");
	else
		rc = store_exec(r->site->writer, &keep, params,
		    sizeof(params) / sizeof(params[0]), NULL, e);
	buf_free(&reason);
	buf_free(&words);
	return rc;
}

static void
explain(struct request *r, struct response *w)
{
	struct leave l;
	struct err e;
	int good = open_link(r, &l, &e);

	if (good == 0)
		page_answer(r, w, PAGE_NOT_FOUND);
	else if (good < 0 || keep_reason(r, &l, &e) != 0)
		fail(r, w, "opt-out-reason", &e);
	else
		show(r, w, &l, LEAVING_THANKS);
}

void
optout_act(struct request *r, struct response *w)
{
	if (is_press(&r->form) && form_get(&r->form, "undo") != NULL)
		undo(r, w);
	else if (is_press(&r->form) && form_get(&r->form, "reason") != NULL)
		explain(r, w);
	else
		leave(r, w);
}
