/* SPDX-License-Identifier: ISC */
/*
 * ask - the form by which people ask for the link to their profile
 *
 * Anybody can type anybody's address here.  Nothing is looked up by it: each
 * gets the same answer, and a mail, in the same time.  Who is not known here is
 * told so by that mail (GDPR Art. 15 has everybody ask), so that it makes no
 * difference to be known either; SQL limits how many there are.
 *
 * The field "website" is there for programs that fill in whatever they find.
 */
#include "web/ask.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "policy/arena.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/endpoint.h"
#include "policy/keys.h"
#include "policy/log.h"
#include "policy/store.h"
#include "policy/token.h"
#include "web/letter.h"
#include "web/page.h"
#include "web/site.h"

enum { ARENA_MAX = 64 * 1024 };

/* The page of a name, "" for the one that was added first: its brand and
 * language; no rows when there is none. */
static int
look_up(
    struct store *store, const char *name, struct pg_rows **rows, struct err *e)
{
	static const struct pg_statement get = {
	    .name = "profile-page",
	    .sql = "SELECT brand, language, slug "
		   "FROM assent.profile_page_show($1)",
	};
	const struct pg_param params[] = {{name, 0}};

	return store_exec(store, &get, params, 1, rows, e);
}

/* The page that was named; NULL when there is none, and `w` is the answer. */
static struct pg_rows *
find(struct request *r, struct response *w, struct store *store)
{
	struct pg_rows *rows = NULL;
	struct err e;

	if (r->argument[0] != '\0' && !look_name(r->argument)) {
		page_answer(r, w, PAGE_NOT_FOUND);
	} else if (look_up(store, r->argument, &rows, &e) != 0) {
		log_line(LOG_ERROR, "profile-ask error=\"%s\"", e.text);
		page_answer(r, w, PAGE_BUSY);
	} else if (pg_rows_count(rows) == 0) {
		pg_rows_free(&rows);
		page_answer(r, w, PAGE_NOT_FOUND);
	}
	if (rows != NULL)
		r->place.page = pg_rows_text(rows, 0, 2);
	return rows;
}

static const char *
language_of(const struct pg_rows *page)
{
	return pg_rows_null(page, 0, 1) ? NULL : pg_rows_text(page, 0, 1);
}

static void
show(struct request *r, struct response *w, const struct pg_rows *page,
    bool again)
{
	const char *address = form_get(&r->form, "address");
	json_t *view = json_pack("{s:s, s:b}", "brand",
	    pg_rows_text(page, 0, 0), "no_address", again);

	if (address != NULL)
		json_object_set_new(view, "address", json_string(address));
	page_show(
	    r, w, again ? PAGE_ASK_AGAIN : PAGE_ASK, language_of(page), view);
}

void
ask_show(struct request *r, struct response *w)
{
	struct pg_rows *page = find(r, w, r->site->reader);

	if (page != NULL)
		show(r, w, page, false);
	pg_rows_free(&page);
}

/* Queues the mail; `*outcome` is SQL's word. */
static int
queue(const struct request *r, const struct endpoint *who, char outcome[8],
    struct err *e)
{
	static const struct pg_statement ask = {
	    .name = "profile-ask",
	    .sql = "SELECT assent.profile_ask($1, $2, $3, $4, $5, $6, "
		   "$7::text::inet, $8::text::interval)",
	};
	struct addr_key key = endpoint_key(keys_index(r->site->keys), who);
	uint8_t reference[TOKEN_BODY];
	char message_id[LETTER_ID];
	struct pg_rows *rows;
	char life[32];

	randombytes_buf(reference, sizeof(reference));
	letter_make_id(r->site->conf->web.mail_domain, message_id);
	snprintf(life, sizeof(life), "%" PRId64 " s",
	    r->site->conf->web.profile_life / CLOCK_S);
	const struct pg_param params[] = {
	    {r->argument, 0},
	    {reference, sizeof(reference)},
	    {key.octets, ADDR_KEY},
	    {who->original, 0},
	    {page_language(r), 0},
	    {message_id, 0},
	    {r->client[0] == '\0' ? NULL : r->client, 0},
	    {life, 0},
	};
	if (store_exec(r->site->writer, &ask, params,
		sizeof(params) / sizeof(params[0]), &rows, e) != 0)
		return -1;
	snprintf(outcome, 8, "%s", pg_rows_text(rows, 0, 0));
	pg_rows_free(&rows);
	return 0;
}

static void
ask_for(struct request *r, struct response *w, const struct pg_rows *page,
    const struct endpoint *who)
{
	char outcome[8];
	struct err e;

	if (queue(r, who, outcome, &e) != 0) {
		log_line(LOG_ERROR, "profile-ask result=failed error=\"%s\"",
		    e.text);
		page_show(r, w, PAGE_UNSURE, language_of(page), NULL);
		return;
	}
	log_line(LOG_INFORM, "profile-ask result=%s", outcome);
	if (strcmp(outcome, "asked") == 0)
		page_show(r, w, PAGE_MAILED, language_of(page), NULL);
	else if (strcmp(outcome, "often") == 0)
		page_show(r, w, PAGE_TOO_OFTEN, language_of(page), NULL);
	else
		page_answer(r, w, PAGE_NOT_FOUND);
}

void
ask_post(struct request *r, struct response *w)
{
	struct pg_rows *page = find(r, w, r->site->writer);
	const char *address = form_get(&r->form, "address");
	const char *trap = form_get(&r->form, "website");
	struct arena *a;
	struct endpoint who;
	struct err e;

	if (page == NULL)
		return;
	a = arena_new(ARENA_MAX);
	if (a == NULL)
		page_answer(r, w, PAGE_BUSY);
	else if (trap != NULL && trap[0] != '\0')
		page_show(r, w, PAGE_MAILED, language_of(page), NULL);
	else if (address == NULL ||
	    endpoint_parse(a, "email", address, strlen(address), &who, &e) != 0)
		show(r, w, page, true);
	else
		ask_for(r, w, page, &who);
	arena_free(&a);
	pg_rows_free(&page);
}

void
ask_instead(struct request *r, struct response *w)
{
	struct pg_rows *page = NULL;
	struct err e;

	if (look_up(r->site->reader, "", &page, &e) != 0)
		log_line(LOG_ERROR, "profile-ask error=\"%s\"", e.text);
	page_show(r, w, PAGE_PROFILE_VOID, NULL,
	    json_pack(
		"{s:b}", "may_ask", page != NULL && pg_rows_count(page) > 0));
	pg_rows_free(&page);
}
