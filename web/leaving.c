/* SPDX-License-Identifier: ISC */
/*
 * leaving - what the page behind an opt-out link shows
 *
 * Whatever was pressed, the page says what the database has then, and not what
 * was asked for.  The link opens no personal data: assent.opt_out_show() masks
 * the address before this program sees it.
 *
 * The page links to preferences by a token that may leave and pause but agree
 * to nothing: an opt-out link that got into wrong hands must not become one
 * that consents.
 */
#include "web/leaving.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>

#include "policy/log.h"
#include "policy/store.h"
#include "policy/token.h"
#include "web/page.h"
#include "web/site.h"
#include "web/view.h"

/* The columns of the query below. */
enum {
	ADDRESS,
	LANGUAGE,
	BRAND,
	TITLE,
	HAS_LEFT,
	TAKES,
	KEEPS,
	TOOK,
	UNDO,
	EXPLAINED,
	DOUBLE
};

static int
ask(const struct request *r, struct store *store, const struct leave *what,
    struct pg_rows **rows, struct err *e)
{
	static const struct pg_statement get = {
	    .name = "opt-out-show",
	    .sql = "SELECT address, language, brand, title, has_left, takes, "
		   "keeps, took, undo, explained, double "
		   "FROM assent.opt_out_show($1, $2::text::int, "
		   "$3::text::assent.channel, $4, $5)",
	};
	char number[8];
	const struct pg_param params[] = {{what->key.octets, ADDR_KEY},
	    {number, 0}, {channel_word(what->channel), 0},
	    {page_language(r), 0}, {what->reference, LEAVE_REFERENCE}};

	snprintf(number, sizeof(number), "%u", what->purpose);
	return store_exec(
	    store, &get, params, sizeof(params) / sizeof(params[0]), rows, e);
}

static bool
is_true(const struct pg_rows *rows, size_t col)
{
	return pg_rows_text(rows, 0, col)[0] == 't';
}

static void
put_link(json_t *view, const struct request *r, const struct leave *what)
{
	const struct token_subject s = {
	    .key = what->key,
	    .purpose = what->purpose,
	    .channel = what->channel,
	};
	const struct token t = token_for(CAPABILITY_LEAVE, &s);
	char text[TOKEN_URL];

	token_seal_url(r->site->keys, &t, text);
	json_object_set_new(view, "preferences", json_sprintf("../m/%s", text));
}

static json_t *
view_of(const struct request *r, const struct pg_rows *rows,
    const struct leave *what, enum leaving_note note)
{
	char hex[2 * LEAVE_REFERENCE + 1];
	json_t *view = json_pack("{s:b}", "known", 1);

	sodium_bin2hex(hex, sizeof(hex), what->reference, LEAVE_REFERENCE);
	json_object_set_new(view, "reference", json_string(hex));
	view_text(view, "address", rows, 0, ADDRESS);
	view_text(view, "brand", rows, 0, BRAND);
	view_text(view, "purpose", rows, 0, TITLE);
	view_titles(view, "takes", rows, 0, TAKES);
	view_titles(view, "keeps", rows, 0, KEEPS);
	view_titles(view, "took", rows, 0, TOOK);
	put_link(view, r, what);
	json_object_set_new(view, "undo", json_boolean(is_true(rows, UNDO)));
	json_object_set_new(view, "may_explain",
	    json_boolean(is_true(rows, UNDO) && !is_true(rows, EXPLAINED)));
	json_object_set_new(view, "double",
	    json_boolean(is_true(rows, DOUBLE) && note != LEAVING_BY_MAIL));
	json_object_set_new(
	    view, "too_late", json_boolean(note == LEAVING_TOO_LATE));
	json_object_set_new(view, "thanks",
	    json_boolean(note == LEAVING_THANKS && is_true(rows, EXPLAINED)));
	return view;
}

static enum page
page_of(const struct pg_rows *rows, enum leaving_note note)
{
	if (is_true(rows, HAS_LEFT))
		return PAGE_LEFT;
	if (note == LEAVING_ASKED)
		return PAGE_LEAVE_ASKED;
	return note == LEAVING_UNDONE ? PAGE_UNDONE : PAGE_OPT_OUT;
}

bool
leaving_show(struct request *r, struct response *w, struct store *store,
    const struct leave *what, enum leaving_note note)
{
	struct pg_rows *rows;
	struct err e;
	bool known;

	if (ask(r, store, what, &rows, &e) != 0) {
		log_line(LOG_ERROR, "opt-out-page error=\"%s\"", e.text);
		return false;
	}
	known = pg_rows_count(rows) > 0;
	if (known) {
		r->place.purpose = what->purpose;
		page_show(r, w, page_of(rows, note),
		    pg_rows_text(rows, 0, LANGUAGE),
		    view_of(r, rows, what, note));
	}
	pg_rows_free(&rows);
	return known;
}
