/* SPDX-License-Identifier: ISC */
/*
 * leaving_link - the link in the mail that asks whether to leave
 *
 * For purposes that are left in two steps.  Behind it is the page of an opt-out
 * link, as the database has it then; only a POST leaves, and what was pressed
 * here was confirmed, so there is no way back but preferences.
 */
#include "web/leaving_link.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "policy/leave.h"
#include "policy/log.h"
#include "policy/store.h"
#include "web/leaving.h"
#include "web/page.h"
#include "web/proof.h"
#include "web/site.h"

/* The columns of the query below. */
enum { KEY, PURPOSE, CHANNEL };

/* What the link leaves: 1 found, 0 when it does not work any more, -1 and `e`
 * when nobody can say. */
static int
look_up(
    struct store *store, const struct token *t, struct leave *l, struct err *e)
{
	static const struct pg_statement get = {
	    .name = "leave-request-show",
	    .sql = "SELECT key, purpose, channel "
		   "FROM assent.leave_request_show($1)",
	    .binary = true,
	};
	const struct pg_param params[] = {{t->body, TOKEN_BODY}};
	struct pg_rows *rows;
	int found;

	*l = (struct leave){0};
	if (store_exec(store, &get, params, 1, &rows, e) != 0)
		return -1;
	found = pg_rows_count(rows) > 0 &&
	    channel_parse(pg_rows_text(rows, 0, CHANNEL), &l->channel);
	if (found) {
		memcpy(l->key.octets, pg_rows_octets(rows, 0, KEY, NULL),
		    ADDR_KEY);
		l->purpose = (uint16_t)pg_rows_int(rows, 0, PURPOSE);
	}
	pg_rows_free(&rows);
	return found;
}

static void
fail(struct request *r, struct response *w, enum page p, const struct err *e)
{
	log_line(LOG_ERROR, "leaving result=failed error=\"%s\"", e->text);
	page_answer(r, w, p);
}

void
leaving_link_ask(struct request *r, struct response *w, const struct token *t)
{
	struct leave l;
	struct err e;
	int found = look_up(r->site->reader, t, &l, &e);

	if (found < 0)
		fail(r, w, PAGE_BUSY, &e);
	else if (found == 0)
		page_answer(r, w, PAGE_VOID);
	else if (!leaving_show(r, w, r->site->reader, &l, LEAVING_BY_MAIL))
		page_answer(r, w, PAGE_BUSY);
}

static int
confirm(const struct request *r, const struct token *t, struct leave *l,
    bool *changed, struct err *e)
{
	char *proof = proof_of(r);
	struct leave request = *l;
	int rc;

	if (proof == NULL)
		return err_set(e, ERR_FATAL, "out of memory for the proof");
	memcpy(request.reference, t->body, LEAVE_REFERENCE);
	request.proof = proof;
	rc = leave_confirm(&r->site->changer, &request, changed, e);
	free(proof);
	return rc;
}

void
leaving_link_act(struct request *r, struct response *w, const struct token *t)
{
	char hex[ADDR_KEY_HEX];
	struct leave l;
	struct err e;
	bool changed;
	int found = look_up(r->site->writer, t, &l, &e);

	if (found == 0) {
		page_answer(r, w, PAGE_VOID);
	} else if (found < 0 || confirm(r, t, &l, &changed, &e) != 0) {
		fail(r, w, PAGE_UNSURE, &e);
	} else {
		log_line(LOG_INFORM,
		    "leaving result=%s purpose=%u channel=%s address=%s",
		    changed ? "changed" : "unchanged", l.purpose,
		    channel_word(l.channel), addr_key_hex(&l.key, hex));
		if (!leaving_show(r, w, r->site->writer, &l, LEAVING_BY_MAIL))
			page_answer(r, w, PAGE_UNSEEN);
	}
}
