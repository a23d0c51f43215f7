/* SPDX-License-Identifier: ISC */
/*
 * visit - somebody who came with the link to a profile
 *
 * What a link opens is for SQL to say, each time anew: it lives for as long as
 * the configuration says, is worn out after 200 readings, and ends with the
 * person's data.  Every reading is an event of the person's ledger.
 */
#include "web/visit.h"

#include <string.h>

#include "page/share.h"
#include "policy/log.h"
#include "policy/store.h"
#include "web/ask.h"
#include "web/guard.h"
#include "web/link.h"
#include "web/page.h"
#include "web/profile_view.h"
#include "web/site.h"

/* The columns of the query below. */
enum { KEY, LANGUAGE, BRAND, PAGE };

void
visit_fail(struct visit *v, enum page page, const struct err *e)
{
	log_line(LOG_ERROR, "profile result=failed error=\"%s\"", e->text);
	page_answer(v->r, v->w, page);
}

bool
visit_begin(struct visit *v, struct store *store)
{
	static const struct pg_statement get = {
	    .name = "profile-show",
	    .sql = "SELECT key, language, brand, page "
		   "FROM assent.profile_show($1)",
	    .binary = true,
	};
	const struct pg_param params[] = {{v->token.body, TOKEN_BODY}};
	struct err e;
	bool good;

	if (link_open(v->r, CAPABILITY_PROFILE, &v->token, &good, &e) != 0 ||
	    (good && store_exec(store, &get, params, 1, &v->rows, &e) != 0)) {
		visit_fail(v, PAGE_BUSY, &e);
		return false;
	}
	if (!good || pg_rows_count(v->rows) == 0) {
		ask_instead(v->r, v->w);
		return false;
	}
	memcpy(v->key.octets, pg_rows_octets(v->rows, 0, KEY, NULL), ADDR_KEY);
	v->language = pg_rows_text(v->rows, 0, LANGUAGE);
	v->r->place.page = pg_rows_text(v->rows, 0, PAGE);
	return true;
}

void
visit_show(struct visit *v, enum page page, enum guard_step step, json_t *view)
{
	char mark[GUARD_TEXT];

	json_object_set_new(
	    view, "brand", json_string(pg_rows_text(v->rows, 0, BRAND)));
	json_object_set_new(view, GUARD_FIELD,
	    json_string(guard_mark(v->r, &v->token, step, mark)));
	page_show(v->r, v->w, page, v->language, view);
}

struct pg_rows *
visit_read(struct visit *v, enum page otherwise)
{
	static const struct pg_statement open = {
	    .name = "profile-open",
	    .sql = "SELECT language, brand, address, edits, data "
		   "FROM assent.profile_open($1)",
	};
	const struct pg_param params[] = {{v->token.body, TOKEN_BODY}};
	struct pg_rows *rows = NULL;
	struct err e;

	if (store_exec(v->r->site->writer, &open, params, 1, &rows, &e) != 0) {
		visit_fail(v, otherwise, &e);
	} else if (pg_rows_count(rows) == 0) {
		ask_instead(v->r, v->w);
		pg_rows_free(&rows);
	}
	return rows;
}

/* Whether a press that ends in `result` was carried out. */
static bool
was_done(const char *result)
{
	return result != NULL && strcmp(result, "refused") != 0 &&
	    strcmp(result, "no_address") != 0;
}

void
visit_profile(struct visit *v, const char *result)
{
	enum page otherwise = was_done(result) ? PAGE_UNSEEN : PAGE_BUSY;
	struct pg_rows *rows = visit_read(v, otherwise);
	json_t *data, *edits;
	struct err e;

	if (rows == NULL)
		return;
	data =
	    json_loads(pg_rows_text(rows, 0, VISIT_DATA), JSON_ALLOW_NUL, NULL);
	edits = json_loads(pg_rows_text(rows, 0, VISIT_EDITS), 0, NULL);
	if (data == NULL || edits == NULL) {
		err_set(&e, ERR_FATAL, "the person's data cannot be read");
		visit_fail(v, otherwise, &e);
		json_decref(data);
	} else {
		profile_view(data, edits, pg_rows_text(rows, 0, VISIT_ADDRESS),
		    share_locales(v->r->site->share));
		if (result != NULL)
			json_object_set_new(data, result, json_true());
		/* The language may be what was changed. */
		v->language = pg_rows_text(rows, 0, VISIT_LANGUAGE);
		visit_show(v, PAGE_PROFILE, GUARD_PROFILE, data);
	}
	json_decref(edits);
	pg_rows_free(&rows);
}
