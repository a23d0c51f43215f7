/* SPDX-License-Identifier: ISC */
/*
 * preferences - the page on which a person chooses what to receive
 *
 * The form carries what it showed (choice.c), so that a purpose whose box was
 * not there to be ticked is not left.  Whether a purpose belongs to the page at
 * all is for SQL to say.  When saving would do more than was ticked and
 * unticked, by the trees and dependencies, it is said and asked first; what is
 * shown after saving is read from the database, not assumed.
 */
#include "web/preferences.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/instant.h"
#include "policy/leave.h"
#include "policy/log.h"
#include "policy/permit.h"
#include "policy/store.h"
#include "web/choice.h"
#include "web/link.h"
#include "web/page.h"
#include "web/proof.h"
#include "web/site.h"
#include "web/view.h"

/* Whose page it is, and whether it may agree to anything. */
struct visit {
	struct token_subject who;
	bool gives;
};

enum { DAY_SECONDS = 24 * 60 * 60, PAUSE_DAYS = 364 };

/* The columns of the query below. */
enum {
	ADDRESS,
	LANGUAGE,
	BRAND,
	PURPOSE,
	TITLE,
	BODY,
	TEXT,
	STANDING,
	MAY_JOIN,
	LEAVES,
	PAUSED
};

static int
ask(const struct request *r, struct store *store, const struct token_subject *s,
    struct pg_rows **rows, struct err *e)
{
	static const struct pg_statement get = {
	    .name = "preferences",
	    .sql = "SELECT address, language, brand, purpose, title, body, "
		   "coalesce(text_id, 0), standing, may_join, leaves, "
		   "paused FROM assent.preferences($1, $2::text::int, "
		   "$3::text::assent.channel, $4)",
	};
	char number[8];
	const struct pg_param params[] = {{s->key.octets, ADDR_KEY},
	    {number, 0}, {channel_word(s->channel), 0}, {page_language(r), 0}};

	snprintf(number, sizeof(number), "%" PRIu16, s->purpose);
	return store_exec(store, &get, params, 4, rows, e);
}

static json_t *
view_of_one(const struct pg_rows *rows, size_t i, bool gives)
{
	long standing = strtol(pg_rows_text(rows, i, STANDING), NULL, 10);
	bool on = standing == STANDING_GRANTED;
	bool may_join = gives && pg_rows_text(rows, i, MAY_JOIN)[0] == 't';
	json_t *one = json_object();

	view_text(one, "id", rows, i, PURPOSE);
	view_text(one, "title", rows, i, TITLE);
	view_text(one, "body", rows, i, BODY);
	view_text(one, "paused", rows, i, PAUSED);
	if (on)
		view_text(one, "leaves", rows, i, LEAVES);
	json_object_set_new(one, "on", json_boolean(on));
	json_object_set_new(one, "fixed", json_boolean(!on && !may_join));
	json_object_set_new(
	    one, "objected", json_boolean(standing == STANDING_OBJECTED));
	json_object_set_new(one, "stopped",
	    json_boolean(standing == STANDING_RESTRICTED ||
		standing == STANDING_SUSPENDED));
	json_object_set_new(
	    one, "pending", json_boolean(standing == STANDING_PENDING));
	return one;
}

/* Between which days a pause may end. */
static void
put_days(json_t *view)
{
	static const struct {
		const char *key;
		int days;
	} ends[] = {{"first_day", 1}, {"last_day", PAUSE_DAYS}};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		time_t at = time(NULL) + (time_t)ends[i].days * DAY_SECONDS;
		char text[16];
		struct tm tm;

		gmtime_r(&at, &tm);
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
		json_object_set_new(view, ends[i].key, json_string(text));
	}
}

static json_t *
view_of(const struct pg_rows *rows, bool gives)
{
	json_t *view = json_pack("{s:b, s:b}", "known", 1, "gives", gives);
	json_t *list = json_array();
	struct buf shown = {0};

	view_text(view, "address", rows, 0, ADDRESS);
	view_text(view, "brand", rows, 0, BRAND);
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_array_append_new(list, view_of_one(rows, i, gives));
		if (gives && !pg_rows_null(rows, i, PAUSED))
			json_object_set_new(view, "may_resume", json_true());
		buf_printf(&shown, "%s:%s:%d,", pg_rows_text(rows, i, PURPOSE),
		    pg_rows_text(rows, i, TEXT),
		    strcmp(pg_rows_text(rows, i, STANDING), "2") == 0);
	}
	json_object_set_new(view, "purposes", list);
	put_days(view);
	json_object_set_new(
	    view, "shown", json_string(buf_failed(&shown) ? "" : shown.data));
	buf_free(&shown);
	return view;
}

/* Shows how it stands, after saving (`result`: "saved", "same") or before
 * (NULL, "no_day"). */
static void
show(struct request *r, struct response *w, struct store *store,
    const struct visit *v, const char *result)
{
	struct pg_rows *rows = NULL;
	json_t *view;
	struct err e;

	if (ask(r, store, &v->who, &rows, &e) != 0) {
		log_line(LOG_ERROR, "preferences error=\"%s\"", e.text);
		page_answer(r, w, result == NULL ? PAGE_BUSY : PAGE_UNSEEN);
	} else if (pg_rows_count(rows) == 0) {
		page_show(r, w, PAGE_PREFERENCES, NULL,
		    json_pack("{s:b}", "unknown", 1));
	} else {
		view = view_of(rows, v->gives);
		if (result != NULL)
			json_object_set_new(view, result, json_true());
		page_show(r, w, PAGE_PREFERENCES,
		    pg_rows_text(rows, 0, LANGUAGE), view);
	}
	pg_rows_free(&rows);
}

/* Opens the link; when that cannot be done, answers. */
static bool
open_link(struct request *r, struct response *w, struct visit *v)
{
	struct token t;
	struct err e;
	int rc = link_open(r, CAPABILITY_PREFERENCES, &t, &v->gives, &e);
	bool good = v->gives;

	if (rc == 0 && !good)
		rc = link_open(r, CAPABILITY_LEAVE, &t, &good, &e);
	if (rc != 0) {
		log_line(LOG_ERROR, "preferences error=\"%s\"", e.text);
		page_answer(r, w, PAGE_BUSY);
		return false;
	}
	if (good && token_subject(&t, &v->who)) {
		r->place.purpose = v->who.purpose;
		return true;
	}
	page_show(
	    r, w, PAGE_PREFERENCES, NULL, json_pack("{s:b}", "unknown", 1));
	return false;
}

void
preferences_show(struct request *r, struct response *w)
{
	struct visit v;

	if (open_link(r, w, &v))
		show(r, w, r->site->reader, &v, NULL);
}

static int
save(const struct request *r, const struct visit *v, const struct choice *c,
    bool *changed, struct err *e)
{
	const struct change_preferences p = {
	    .purpose = v->who.purpose,
	    .channel = v->who.channel,
	    .leave = c->leave.data,
	    .join = c->join.data,
	    .texts = c->texts.data,
	    .all = form_get(&r->form, "all") != NULL,
	    .gives = v->gives,
	    .proof = proof_of(r),
	};
	int rc;

	if (p.proof == NULL)
		return err_set(e, ERR_FATAL, "out of memory for the proof");
	rc = change_preferences(&r->site->changer, &v->who.key, &p, changed, e);
	free((void *)(uintptr_t)p.proof);
	return rc;
}

/* Tells the log what became of it (`rc` as of save()), and shows it. */
static void
answer(struct request *r, struct response *w, const struct visit *v, int rc,
    bool changed, const struct err *e)
{
	char hex[ADDR_KEY_HEX];

	addr_key_hex(&v->who.key, hex);
	if (rc != 0) {
		log_line(LOG_ERROR,
		    "preferences result=failed address=%s error=\"%s\"", hex,
		    e->text);
		page_answer(r, w, PAGE_UNSURE);
		return;
	}
	log_line(LOG_INFORM, "preferences result=%s address=%s",
	    changed ? "changed" : "unchanged", hex);
	show(r, w, r->site->writer, v, changed ? "saved" : "same");
}

/* What would happen, and the form once more. */
static json_t *
view_of_review(const struct pg_rows *rows, const struct form *f)
{
	json_t *view = json_pack("{s:s}", "shown", form_get(f, "shown"));
	json_t *on = json_array();

	view_titles(view, "stops", rows, 0, 1);
	view_titles(view, "starts", rows, 0, 2);
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->field[i].name.data, "on") == 0)
			json_array_append_new(
			    on, json_string(f->field[i].value.data));
	json_object_set_new(view, "ticked", on);
	return view;
}

/* Shows what saving would do beside what was chosen: 1 then, 0 when that is
 * nothing, or -1 and `e`. */
static int
review(struct request *r, struct response *w, const struct visit *v,
    const struct choice *c, struct err *e)
{
	static const struct pg_statement would = {
	    .name = "preferences-review",
	    .sql = "SELECT language, stops, starts "
		   "FROM assent.preferences_review($1, $2::text::int, "
		   "$3::text::assent.channel, $4::text::int[], "
		   "$5::text::int[], $6::text::int[], $7::text::boolean, $8)",
	};
	char number[8];
	const struct pg_param params[] = {
	    {v->who.key.octets, ADDR_KEY},
	    {number, 0},
	    {channel_word(v->who.channel), 0},
	    {c->leave.data, 0},
	    {c->join.data, 0},
	    {c->texts.data, 0},
	    {v->gives ? "true" : "false", 0},
	    {page_language(r), 0},
	};
	struct pg_rows *rows;
	int found;

	snprintf(number, sizeof(number), "%" PRIu16, v->who.purpose);
	if (store_exec(r->site->writer, &would, params,
		sizeof(params) / sizeof(params[0]), &rows, e) != 0)
		return -1;
	found = pg_rows_count(rows) > 0;
	if (found)
		page_show(r, w, PAGE_REVIEW, pg_rows_text(rows, 0, 0),
		    view_of_review(rows, &r->form));
	pg_rows_free(&rows);
	return found;
}

/* Leaving everything says all that it does. */
static bool
is_sure(const struct form *f)
{
	return form_get(f, "sure") != NULL || form_get(f, "all") != NULL;
}

static void
choose(struct request *r, struct response *w, const struct visit *v)
{
	struct choice c = {0};
	bool changed = false;
	struct err e;

	if (!choice_read(&r->form, &c)) {
		page_answer(
		    r, w, r->form.broken ? PAGE_TOO_LARGE : PAGE_MALFORMED);
	} else {
		int rc = is_sure(&r->form) ? 0 : review(r, w, v, &c, &e);

		if (rc == 0) {
			rc = save(r, v, &c, &changed, &e);
			answer(r, w, v, rc, changed, &e);
		} else if (rc < 0) {
			answer(r, w, v, rc, false, &e);
		}
	}
	choice_free(&c);
}

/* Until when to pause, as a timestamp; false when it is no day of the coming
 * year. */
static bool
read_day(const char *day, char out[INSTANT_TEXT])
{
	int64_t now = instant_now(), at;

	if (!instant_read(day, &at) || at <= now ||
	    at > now + (int64_t)(PAUSE_DAYS + 1) * DAY_SECONDS * 1000000)
		return false;
	instant_text(at, out);
	return true;
}

/* Pauses until `until`, or (NULL) ends the pause. */
static void
pause_until(struct request *r, struct response *w, const struct visit *v,
    const char *until)
{
	char *proof = proof_of(r);
	const struct leave l = {
	    .key = v->who.key,
	    .purpose = v->who.purpose,
	    .channel = v->who.channel,
	    .source = "preferences",
	    .proof = proof,
	};
	bool changed = false;
	struct err e;
	int rc;

	if (proof == NULL)
		rc = err_set(&e, ERR_FATAL, "out of memory for the proof");
	else
		rc = leave_pause(
		    &r->site->changer, &l, until, v->gives, &changed, &e);
	free(proof);
	answer(r, w, v, rc, changed, &e);
}

void
preferences_save(struct request *r, struct response *w)
{
	const char *day = form_get(&r->form, "until");
	char until[INSTANT_TEXT];
	struct visit v;

	if (!open_link(r, w, &v))
		return;
	if (form_get(&r->form, "resume") != NULL)
		pause_until(r, w, &v, NULL);
	else if (form_get(&r->form, "pause") == NULL)
		choose(r, w, &v);
	else if (day != NULL && read_day(day, until))
		pause_until(r, w, &v, until);
	else
		show(r, w, r->site->writer, &v, "no_day");
}
