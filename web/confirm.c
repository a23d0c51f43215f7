/* SPDX-License-Identifier: ISC */
/*
 * confirm - the link in the mail that asks back
 *
 * The token holds a random reference; the database has its hash, for as long
 * as the link works.  Programs that open every link of a message find a page
 * with a button: only a POST confirms, and only while the form is open, as who
 * closes a form wants no consents by it any more.  What is shown afterwards is
 * read from the database.  A reference that is no sign-up's may be that of
 * somebody who wants to leave (leaving_link.c).
 */
#include "web/confirm.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "policy/change.h"
#include "policy/log.h"
#include "policy/store.h"
#include "web/leaving_link.h"
#include "web/link.h"
#include "web/page.h"
#include "web/proof.h"
#include "web/site.h"

/* The columns of the query below. */
enum { KEY, FORM, LANGUAGE, BRAND, TITLES, IS_CONFIRMED, IS_OPEN };

static int
look_up(struct store *store, const struct token *t, struct pg_rows **rows,
    struct err *e)
{
	static const struct pg_statement get = {
	    .name = "sign-up-show",
	    .sql = "SELECT key, form, language, brand, titles, confirmed, "
		   "open FROM assent.sign_up_show($1)",
	    .binary = true,
	};
	const struct pg_param params[] = {{t->body, TOKEN_BODY}};

	return store_exec(store, &get, params, 1, rows, e);
}

static enum page
page_of(const struct pg_rows *rows)
{
	if (pg_rows_int(rows, 0, IS_CONFIRMED) != 0)
		return PAGE_CONFIRMED;
	return pg_rows_int(rows, 0, IS_OPEN) != 0 ? PAGE_CONFIRM : PAGE_CLOSED;
}

/* Shows how it stands. */
static void
show(struct request *r, struct response *w, const struct pg_rows *rows)
{
	json_t *view;

	if (pg_rows_count(rows) == 0) {
		page_answer(r, w, PAGE_VOID);
		return;
	}
	view = json_pack("{s:s, s:o}", "brand", pg_rows_text(rows, 0, BRAND),
	    "purposes", json_loads(pg_rows_text(rows, 0, TITLES), 0, NULL));
	r->place.page = pg_rows_text(rows, 0, FORM);
	page_show(r, w, page_of(rows), pg_rows_text(rows, 0, LANGUAGE), view);
}

static void
fail(struct request *r, struct response *w, enum page p, const struct err *e)
{
	log_line(LOG_ERROR, "confirm result=failed error=\"%s\"", e->text);
	page_answer(r, w, p);
}

/* Opens the link and finds the sign-up it stands for; no rows when it is none.
 * When that cannot be done, answers. */
static bool
open_link(struct request *r, struct response *w, struct store *store,
    struct token *t, struct pg_rows **rows)
{
	struct err e;
	bool good;

	*rows = NULL;
	if (link_open(r, CAPABILITY_CONFIRM, t, &good, &e) != 0)
		fail(r, w, PAGE_BUSY, &e);
	else if (!good)
		page_answer(r, w, PAGE_VOID);
	else if (look_up(store, t, rows, &e) != 0)
		fail(r, w, PAGE_BUSY, &e);
	else
		return true;
	return false;
}

void
confirm_ask(struct request *r, struct response *w)
{
	struct pg_rows *rows;
	struct token t;

	if (open_link(r, w, r->site->reader, &t, &rows)) {
		if (pg_rows_count(rows) == 0)
			leaving_link_ask(r, w, &t);
		else
			show(r, w, rows);
	}
	pg_rows_free(&rows);
}

static int
confirm(const struct request *r, const struct token *t,
    const struct pg_rows *rows, bool *changed, struct err *e)
{
	char *proof = proof_of(r);
	struct addr_key key;
	int rc;

	if (proof == NULL)
		return err_set(e, ERR_FATAL, "out of memory for the proof");
	memcpy(key.octets, pg_rows_octets(rows, 0, KEY, NULL), ADDR_KEY);
	rc = change_sign_up(&r->site->changer, &key, t->body, sizeof(t->body),
	    proof, changed, e);
	free(proof);
	return rc;
}

void
confirm_act(struct request *r, struct response *w)
{
	struct pg_rows *rows;
	struct token t;
	bool changed;
	struct err e;

	if (!open_link(r, w, r->site->writer, &t, &rows))
		return;
	if (pg_rows_count(rows) == 0) {
		leaving_link_act(r, w, &t);
	} else if (confirm(r, &t, rows, &changed, &e) != 0) {
		fail(r, w, PAGE_UNSURE, &e);
	} else {
		log_line(LOG_INFORM, "confirm result=%s",
		    changed ? "changed" : "unchanged");
		pg_rows_free(&rows);
		if (look_up(r->site->writer, &t, &rows, &e) == 0)
			show(r, w, rows);
		else
			fail(r, w, PAGE_UNSEEN, &e);
	}
	pg_rows_free(&rows);
}
