/* SPDX-License-Identifier: ISC */
/*
 * signup - the forms by which people ask for mail
 *
 * Anybody can type anybody's address here.  So nothing is looked up by the
 * address, nothing is granted, and what is answered does not depend on it: a
 * sign-up waits for the link in the mail that it causes (web/confirm.c), and
 * SQL limits how many of those there are.
 *
 * The form carries the number of each text that it showed ("shown"), which
 * makes a copy of it on somebody else's page as good a proof.  The field
 * "website" is there for programs that fill in whatever they find: people
 * neither see it nor reach it by keyboard.
 */
#include "web/signup.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/arena.h"
#include "policy/conf.h"
#include "policy/endpoint.h"
#include "policy/keys.h"
#include "policy/log.h"
#include "policy/store.h"
#include "policy/token.h"
#include "web/letter.h"
#include "web/page.h"
#include "web/proof.h"
#include "web/site.h"

enum { ARENA_MAX = 64 * 1024 };

/* The columns of the query below. */
enum { BRAND, PURPOSE, TITLE, BODY, TEXT, VERSION };

/* Whether the box of a purpose was ticked. */
static bool
ticked(const struct form *f, const char *purpose)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->field[i].name.data, "on") == 0 &&
		    strcmp(f->field[i].value.data, purpose) == 0)
			return true;
	return false;
}

static json_t *
view_of_one(const struct request *r, const struct pg_rows *rows, size_t i)
{
	const char *purpose = pg_rows_text(rows, i, PURPOSE);
	json_t *one = json_pack("{s:s, s:s, s:b}", "id", purpose, "title",
	    pg_rows_text(rows, i, TITLE), "on", ticked(&r->form, purpose));

	if (!pg_rows_null(rows, i, BODY)) {
		json_object_set_new(
		    one, "body", json_string(pg_rows_text(rows, i, BODY)));
		json_object_set_new(one, "version",
		    json_string(pg_rows_text(rows, i, VERSION)));
	}
	return one;
}

static json_t *
view_of(const struct request *r, const struct pg_rows *rows)
{
	json_t *view = json_object(), *list = json_array();
	const char *address = form_get(&r->form, "address");
	struct buf shown = {0};

	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_array_append_new(list, view_of_one(r, rows, i));
		buf_printf(&shown, "%s:%s,", pg_rows_text(rows, i, PURPOSE),
		    pg_rows_text(rows, i, TEXT));
	}
	json_object_set_new(
	    view, "brand", json_string(pg_rows_text(rows, 0, BRAND)));
	json_object_set_new(view, "purposes", list);
	json_object_set_new(
	    view, "shown", json_string(buf_failed(&shown) ? "" : shown.data));
	if (address != NULL)
		json_object_set_new(view, "address", json_string(address));
	buf_free(&shown);
	return view;
}

/* Shows the form, first or once more: then `lacks` says what is wrong. */
static void
show(struct request *r, struct response *w, struct store *store,
    const char *lacks)
{
	static const struct pg_statement get = {
	    .name = "form",
	    .sql = "SELECT brand, purpose, title, body, text_id, version "
		   "FROM assent.form_show($1, $2)",
	};
	const struct pg_param params[] = {
	    {r->argument, 0}, {page_language(r), 0}};
	struct pg_rows *rows = NULL;
	json_t *view;
	struct err e;

	if (!look_name(r->argument)) {
		page_answer(r, w, PAGE_NOT_FOUND);
	} else if (store_exec(store, &get, params, 2, &rows, &e) != 0) {
		log_line(LOG_ERROR, "sign-up error=\"%s\"", e.text);
		page_answer(r, w, PAGE_BUSY);
	} else if (pg_rows_count(rows) == 0) {
		page_answer(r, w, PAGE_NOT_FOUND);
	} else {
		view = view_of(r, rows);
		if (lacks != NULL)
			json_object_set_new(view, lacks, json_true());
		page_show(r, w,
		    lacks == NULL ? PAGE_SIGN_UP : PAGE_SIGN_UP_AGAIN, NULL,
		    view);
	}
	pg_rows_free(&rows);
}

void
signup_show(struct request *r, struct response *w)
{
	r->place.page = r->argument;
	show(r, w, r->site->reader, NULL);
}

/* What was ticked, and under which texts, as arrays of PostgreSQL's. */
struct wish {
	struct buf purposes, texts;
};

/* False when "shown" is not what a form carries. */
static bool
read_wish(const struct form *f, struct wish *wish)
{
	const char *at = form_get(f, "shown");
	long purpose, text;
	char number[24];
	int n;

	for (; at != NULL && *at != '\0'; at += n) {
		n = 0;
		if (sscanf(at, "%5ld:%9ld,%n", &purpose, &text, &n) < 2 ||
		    n == 0 || purpose <= 0 || text < 0)
			return false;
		snprintf(number, sizeof(number), "%ld", purpose);
		if (!ticked(f, number))
			continue;
		buf_printf(&wish->purposes, "%c%ld",
		    wish->purposes.len == 0 ? '{' : ',', purpose);
		buf_printf(&wish->texts, "%c%ld",
		    wish->texts.len == 0 ? '{' : ',', text);
	}
	buf_puts(&wish->purposes, wish->purposes.len == 0 ? "{}" : "}");
	buf_puts(&wish->texts, wish->texts.len == 0 ? "{}" : "}");
	return at != NULL && !f->broken && !buf_failed(&wish->purposes) &&
	    !buf_failed(&wish->texts);
}

/* Keeps the wish; `*outcome` is SQL's word. */
static int
ask(const struct request *r, const struct endpoint *who,
    const struct wish *wish, char outcome[8], struct err *e)
{
	static const struct pg_statement keep = {
	    .name = "sign-up",
	    .sql = "SELECT assent.sign_up($1, $2, $3, $4, $5, "
		   "$6::text::int[], $7::text::int[], $8, $9, "
		   "$10::text::inet, $11::text::jsonb)",
	};
	struct addr_key key = endpoint_key(keys_index(r->site->keys), who);
	uint8_t reference[TOKEN_BODY];
	char message_id[LETTER_ID], *proof = proof_of(r);
	struct pg_rows *rows;
	int rc;

	if (proof == NULL)
		return err_set(e, ERR_FATAL, "out of memory for the proof");
	randombytes_buf(reference, sizeof(reference));
	letter_make_id(r->site->conf->web.mail_domain, message_id);
	const struct pg_param params[] = {
	    {r->argument, 0},
	    {reference, sizeof(reference)},
	    {key.octets, ADDR_KEY},
	    {who->canonical, 0},
	    {who->original, 0},
	    {wish->purposes.data, 0},
	    {wish->texts.data, 0},
	    {page_language(r), 0},
	    {message_id, 0},
	    {r->client[0] == '\0' ? NULL : r->client, 0},
	    {proof, 0},
	};
	rc = store_exec(r->site->writer, &keep, params,
	    sizeof(params) / sizeof(params[0]), &rows, e);
	free(proof);
	if (rc != 0)
		return -1;
	snprintf(outcome, 8, "%s", pg_rows_text(rows, 0, 0));
	pg_rows_free(&rows);
	return 0;
}

static void
ask_for(struct request *r, struct response *w, const struct endpoint *who,
    const struct wish *wish)
{
	char outcome[8];
	struct err e;

	if (ask(r, who, wish, outcome, &e) != 0) {
		log_line(
		    LOG_ERROR, "sign-up result=failed error=\"%s\"", e.text);
		page_answer(r, w, PAGE_UNSURE);
		return;
	}
	log_line(LOG_INFORM, "sign-up result=%s form=%s", outcome, r->argument);
	if (strcmp(outcome, "asked") == 0)
		page_answer(r, w, PAGE_ASKED);
	else if (strcmp(outcome, "often") == 0)
		page_answer(r, w, PAGE_TOO_OFTEN);
	else
		show(r, w, r->site->writer, "none_chosen");
}

void
signup_ask(struct request *r, struct response *w)
{
	struct arena *a = arena_new(ARENA_MAX);
	const char *address = form_get(&r->form, "address");
	const char *trap = form_get(&r->form, "website");
	struct wish wish = {0};
	struct endpoint who;
	struct err e;

	r->place.page = r->argument;
	if (a == NULL)
		page_answer(r, w, PAGE_BUSY);
	else if (!look_name(r->argument))
		page_answer(r, w, PAGE_NOT_FOUND);
	else if (trap != NULL && trap[0] != '\0')
		page_answer(r, w, PAGE_ASKED);
	else if (!read_wish(&r->form, &wish))
		page_answer(
		    r, w, r->form.broken ? PAGE_TOO_LARGE : PAGE_MALFORMED);
	else if (address == NULL ||
	    endpoint_parse(a, "email", address, strlen(address), &who, &e) != 0)
		show(r, w, r->site->writer, "no_address");
	else
		ask_for(r, w, &who, &wish);
	buf_free(&wish.purposes);
	buf_free(&wish.texts);
	arena_free(&a);
}
