/* SPDX-License-Identifier: ISC */
/*
 * address - the link by which a new address of a profile is confirmed
 *
 * Whoever holds a profile may type any address there; it counts when whoever
 * reads its mail presses the button here.  The page shows nothing of the
 * profile, as it may be a stranger who was written to.
 */
#include "web/address.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "policy/change.h"
#include "policy/log.h"
#include "policy/store.h"
#include "web/ask.h"
#include "web/link.h"
#include "web/page.h"
#include "web/site.h"

/* The columns of the query below. */
enum { KEY, LANGUAGE, BRAND, PAGE, REPLACES, IS_CONFIRMED };

static int
look_up(struct store *store, const struct token *t, struct pg_rows **rows,
    struct err *e)
{
	static const struct pg_statement get = {
	    .name = "address-show",
	    .sql = "SELECT key, language, brand, page, replaces, confirmed "
		   "FROM assent.address_show($1)",
	    .binary = true,
	};
	const struct pg_param params[] = {{t->body, TOKEN_BODY}};

	return store_exec(store, &get, params, 1, rows, e);
}

/* Shows how it stands, or that the address cannot be had. */
static void
show(struct request *r, struct response *w, const struct pg_rows *rows,
    bool taken)
{
	enum page page = taken ? PAGE_ADDRESS_TAKEN : PAGE_ADDRESS;

	if (pg_rows_count(rows) == 0) {
		ask_instead(r, w);
		return;
	}
	r->place.page = pg_rows_text(rows, 0, PAGE);
	if (pg_rows_int(rows, 0, IS_CONFIRMED) != 0)
		page = PAGE_ADDRESS_ADDED;
	page_show(r, w, page, pg_rows_text(rows, 0, LANGUAGE),
	    json_pack("{s:s, s:b}", "brand", pg_rows_text(rows, 0, BRAND),
		"replaces", pg_rows_int(rows, 0, REPLACES) != 0));
}

static void
fail(struct request *r, struct response *w, enum page page, const struct err *e)
{
	log_line(LOG_ERROR, "address result=failed error=\"%s\"", e->text);
	page_answer(r, w, page);
}

/* Opens the link and finds what it stands for, no rows if nothing; when that
 * cannot be done, answers. */
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
		ask_instead(r, w);
	else if (look_up(store, t, rows, &e) != 0)
		fail(r, w, PAGE_BUSY, &e);
	else
		return true;
	return false;
}

void
address_show(struct request *r, struct response *w)
{
	struct pg_rows *rows;
	struct token t;

	if (open_link(r, w, r->site->reader, &t, &rows))
		show(r, w, rows, false);
	pg_rows_free(&rows);
}

static void
confirm(struct request *r, struct response *w, const struct token *t,
    struct pg_rows **rows)
{
	struct addr_key key;
	bool changed, taken;
	struct err e;

	memcpy(key.octets, pg_rows_octets(*rows, 0, KEY, NULL), ADDR_KEY);
	taken = change_address(&r->site->changer, &key, t->body,
		    sizeof(t->body), &changed, &e) != 0;
	if (taken && e.kind != ERR_REFUSED) {
		fail(r, w, PAGE_UNSURE, &e);
		return;
	}
	log_line(LOG_INFORM, "address result=%s",
	    taken	  ? "refused"
		: changed ? "changed"
			  : "unchanged");
	pg_rows_free(rows);
	if (look_up(r->site->writer, t, rows, &e) == 0)
		show(r, w, *rows, taken);
	else
		fail(r, w, PAGE_UNSEEN, &e);
}

void
address_confirm(struct request *r, struct response *w)
{
	struct pg_rows *rows;
	struct token t;

	if (!open_link(r, w, r->site->writer, &t, &rows))
		return;
	if (pg_rows_count(rows) == 0)
		show(r, w, rows, false);
	else
		confirm(r, w, &t, &rows);
	pg_rows_free(&rows);
}
