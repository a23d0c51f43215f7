/* SPDX-License-Identifier: ISC */
/*
 * why - the page that says what a message rests on
 *
 * Read with the role that can only read, and nothing but assent.why(): it
 * masks the address before this program sees it.  A link that opens nothing is
 * answered as one of whom nothing is on record.
 */
#include "web/why.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/log.h"
#include "policy/permit.h"
#include "policy/store.h"
#include "web/link.h"
#include "web/page.h"
#include "web/site.h"
#include "web/view.h"

/* The columns of the query below. */
enum {
	ADDRESS,
	LANGUAGE,
	BRAND,
	TITLE,
	STANDING,
	SINCE,
	COVERED_BY,
	DOOR,
	SOURCE_NAME,
	TEXT_VERSION,
	TEXT_BODY,
	EXEMPTION,
	BASIS
};

static int
ask(const struct request *r, const struct token_subject *s,
    struct pg_rows **rows, struct err *e)
{
	static const struct pg_statement why = {
	    .name = "why",
	    .sql = "SELECT address, language, brand, title, standing, "
		   "to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD'), "
		   "covered_by, door, source_name, text_version, "
		   "text_body, exemption, basis FROM assent.why($1, "
		   "$2::text::int, $3::text::assent.channel)",
	};
	char number[8];
	const struct pg_param params[] = {{s->key.octets, ADDR_KEY},
	    {number, 0}, {channel_word(s->channel), 0}};

	snprintf(number, sizeof(number), "%" PRIu16, s->purpose);
	return store_exec(r->site->reader, &why, params, 3, rows, e);
}

/* What the template asks about as standing.WORD. */
static const char *
standing_word(long s)
{
	static const char *const words[STANDING_COUNT] = {
	    [STANDING_NONE] = "none",
	    [STANDING_PENDING] = "pending",
	    [STANDING_GRANTED] = "granted",
	    [STANDING_WITHDRAWN] = "withdrawn",
	    [STANDING_OBJECTED] = "objected",
	    [STANDING_RESTRICTED] = "stopped",
	    [STANDING_SUSPENDED] = "stopped",
	};

	return s > 0 && s < STANDING_COUNT ? words[s] : words[STANDING_NONE];
}

static json_t *
view_of(const struct pg_rows *rows)
{
	static const struct {
		const char *key;
		size_t col;
	} plain[] = {
	    {"address", ADDRESS},
	    {"brand", BRAND},
	    {"purpose", TITLE},
	    {"covered_by", COVERED_BY},
	    {"source_name", SOURCE_NAME},
	    {"version", TEXT_VERSION},
	    {"text", TEXT_BODY},
	    {"exemption", EXEMPTION},
	};
	const char *basis = pg_rows_text(rows, 0, BASIS);
	bool exempt = !pg_rows_null(rows, 0, EXEMPTION);
	bool given = !exempt && !pg_rows_null(rows, 0, SINCE);
	json_t *view = json_pack("{s:b}", "known", 1);

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		view_text(view, plain[i].key, rows, 0, plain[i].col);
	if (given) {
		view_text(view, "since", rows, 0, SINCE);
		view_door(view, "door", pg_rows_text(rows, 0, DOOR));
	} else if (!exempt && strcmp(basis, "contract") == 0) {
		json_object_set_new(view, "contract", json_true());
	} else if (!exempt && strcmp(basis, "legitimate-interest") == 0) {
		json_object_set_new(view, "interest", json_true());
	}
	json_object_set_new(view, "standing",
	    json_pack("{s:b}",
		standing_word(
		    strtol(pg_rows_text(rows, 0, STANDING), NULL, 10)),
		1));
	return view;
}

void
why_show(struct request *r, struct response *w)
{
	struct pg_rows *rows = NULL;
	struct token_subject s;
	struct token t;
	struct err e;
	bool good;
	int rc;

	rc = link_open(r, CAPABILITY_WHY, &t, &good, &e);
	if (rc == 0 && good && token_subject(&t, &s)) {
		r->place.purpose = s.purpose;
		rc = ask(r, &s, &rows, &e);
	}
	if (rc != 0) {
		log_line(LOG_ERROR, "why error=\"%s\"", e.text);
		page_answer(r, w, PAGE_BUSY);
	} else if (rows != NULL && pg_rows_count(rows) > 0) {
		page_show(r, w, PAGE_WHY, pg_rows_text(rows, 0, LANGUAGE),
		    view_of(rows));
	} else {
		page_show(
		    r, w, PAGE_WHY, NULL, json_pack("{s:b}", "unknown", 1));
	}
	pg_rows_free(&rows);
}
