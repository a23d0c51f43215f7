/* SPDX-License-Identifier: ISC */
/*
 * profile - all that is held about a person, shown to that person
 *
 * The link is mailed to the address itself, on request, and lives for an hour
 * or what the configuration says.  Opening it shows a button and nothing else:
 * programs that open every link of a message neither see nor change anything.
 * A press shows the profile, which the ledger records, as it does every reading
 * of a person's data; and so does what is pressed there, in the order of
 * guard.h's steps.
 *
 * Whatever is changed goes through policy/change.c, like a click.  A link that
 * is over, forged or made for something else, and a press that did not come
 * from one of these pages, get one and the same answer.
 */
#include "web/profile.h"

#include <jansson.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page/locale.h"
#include "page/share.h"
#include "policy/arena.h"
#include "policy/change.h"
#include "policy/conf.h"
#include "policy/dossier.h"
#include "policy/endpoint.h"
#include "policy/keys.h"
#include "policy/log.h"
#include "policy/store.h"
#include "web/ask.h"
#include "web/letter.h"
#include "web/proof.h"
#include "web/site.h"
#include "web/visit.h"

enum { ARENA_MAX = 64 * 1024 };

#define ATTRIBUTE "attribute."

/* Presses: each is given what stands behind its word. */

static void
open_it(struct visit *v, const char *act, const char *rest)
{
	(void)act;
	(void)rest;
	visit_profile(v, NULL);
}

/* Carries out an act; `*changed` says whether it changed anything. */
static int
carry_out(struct visit *v, const char *act, const json_t *detail, bool *changed,
    struct err *e)
{
	char *text = json_dumps(detail, JSON_COMPACT), *proof = proof_of(v->r);
	const struct change_profile p = {
	    .reference = v->token.body,
	    .len = sizeof(v->token.body),
	    .act = act,
	    .detail = text,
	    .proof = proof,
	};
	char hex[ADDR_KEY_HEX];
	int rc = -1;

	if (text == NULL || proof == NULL)
		err_set(e, ERR_FATAL, "out of memory for a press");
	else
		rc = change_profile(
		    &v->r->site->changer, &v->key, &p, changed, e);
	if (rc == 0)
		log_line(LOG_INFORM, "profile act=%s result=%s address=%s", act,
		    *changed ? "changed" : "unchanged",
		    addr_key_hex(&v->key, hex));
	free(text);
	free(proof);
	return rc;
}

/* Does so and shows how it stands then. `detail` is taken over; NULL: what was
 * pressed cannot be. */
static void
change(struct visit *v, const char *act, json_t *detail)
{
	bool changed = false;
	struct err e = {.kind = ERR_REFUSED};

	if (detail != NULL && carry_out(v, act, detail, &changed, &e) == 0)
		visit_profile(v, changed ? "saved" : "same");
	else if (e.kind == ERR_REFUSED)
		visit_profile(v, "refused");
	else
		visit_fail(v, PAGE_UNSURE, &e);
	json_decref(detail);
}

/* "" for everything, or PURPOSE:CHANNEL. */
static void
decide_on(struct visit *v, const char *act, const char *rest)
{
	enum channel channel;
	char *end;
	long purpose = strtol(rest, &end, 10);

	if (rest[0] == '\0')
		change(v, act, json_object());
	else if (purpose > 0 && purpose <= UINT16_MAX && *end == ':' &&
	    channel_parse(end + 1, &channel))
		change(v, act,
		    json_pack("{s:i, s:s}", "purpose", (int)purpose, "channel",
			channel_word(channel)));
	else
		change(v, act, NULL);
}

/* KIND:ADDRESS */
static void
remove_address(struct visit *v, const char *act, const char *rest)
{
	size_t len = strcspn(rest, ":");

	change(v, act,
	    rest[len] == '\0' ? NULL
			      : json_pack("{s:s%, s:s}", "kind", rest, len,
				    "address", rest + len + 1));
}

/* What was typed, as far as it is text: false if it is not. */
static bool
read_typed(const struct form *f, json_t *attributes)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct buf *name = &f->field[i].name;
		const struct buf *value = &f->field[i].value;

		if (strncmp(name->data, ATTRIBUTE, strlen(ATTRIBUTE)) == 0 &&
		    (memchr(value->data, '\0', value->len) != NULL ||
			json_object_set_new(attributes,
			    name->data + strlen(ATTRIBUTE),
			    json_stringn(value->data, value->len)) != 0))
			return false;
	}
	return true;
}

static void
edit(struct visit *v, const char *act, const char *rest)
{
	const struct locale *l =
	    locales_choose(share_locales(v->r->site->share),
		form_get(&v->r->form, "language"));
	json_t *attributes = json_object();
	bool typed = read_typed(&v->r->form, attributes);
	json_t *detail = json_pack("{s:o}", "attributes", attributes);

	(void)rest;
	if (l != NULL)
		json_object_set_new(
		    detail, "language", json_string(locale_tag(l)));
	if (!typed) {
		json_decref(detail);
		detail = NULL;
	}
	change(v, act, detail);
}

/* Queues the mail that asks a new address; `*outcome` is SQL's word. */
static int
queue(struct visit *v, const struct endpoint *to, bool replaces,
    char outcome[8], struct err *e)
{
	static const struct pg_statement ask = {
	    .name = "address-ask",
	    .sql = "SELECT assent.address_ask($1, $2, $3, $4, $5, "
		   "$6::text::boolean, $7)",
	};
	struct addr_key key = endpoint_key(keys_index(v->r->site->keys), to);
	struct pg_rows *rows;
	uint8_t reference[TOKEN_BODY];
	char message_id[LETTER_ID];

	randombytes_buf(reference, sizeof(reference));
	letter_make_id(v->r->site->conf->web.mail_domain, message_id);
	const struct pg_param params[] = {
	    {v->token.body, TOKEN_BODY},
	    {reference, sizeof(reference)},
	    {key.octets, ADDR_KEY},
	    {to->canonical, 0},
	    {to->original, 0},
	    {replaces ? "true" : "false", 0},
	    {message_id, 0},
	};
	if (store_exec(v->r->site->writer, &ask, params,
		sizeof(params) / sizeof(params[0]), &rows, e) != 0)
		return -1;
	snprintf(outcome, 8, "%s", pg_rows_text(rows, 0, 0));
	pg_rows_free(&rows);
	return 0;
}

/* "add" or "replace" */
static void
new_address(struct visit *v, const char *act, const char *rest)
{
	const char *address = form_get(&v->r->form, "address");
	struct arena *a = arena_new(ARENA_MAX);
	struct endpoint to;
	char outcome[8];
	struct err e;

	(void)act;
	if (a == NULL)
		page_answer(v->r, v->w, PAGE_BUSY);
	else if (address == NULL ||
	    endpoint_parse(a, "email", address, strlen(address), &to, &e) != 0)
		visit_profile(v, "no_address");
	else if (queue(v, &to, strcmp(rest, "replace") == 0, outcome, &e) != 0)
		visit_fail(v, PAGE_UNSURE, &e);
	else if (strcmp(outcome, "often") == 0)
		page_answer(v->r, v->w, PAGE_TOO_OFTEN);
	else
		visit_profile(
		    v, strcmp(outcome, "asked") == 0 ? "asked" : "refused");
	arena_free(&a);
}

/* "json" or "csv" */
static void
download(struct visit *v, const char *act, const char *rest)
{
	bool csv = strcmp(rest, "csv") == 0;
	struct pg_rows *rows = visit_read(v, PAGE_BUSY);
	json_t *dossier;
	char *text = NULL;
	size_t len = 0;
	struct err e;
	FILE *f;

	(void)act;
	if (rows == NULL)
		return;
	dossier = dossier_read(pg_rows_text(rows, 0, VISIT_DATA), &e);
	f = dossier == NULL ? NULL : open_memstream(&text, &len);
	if (f != NULL)
		dossier_write(dossier, csv, f);
	if (f == NULL || fclose(f) != 0) {
		page_answer(v->r, v->w, PAGE_BUSY);
	} else {
		buf_add(&v->w->body, text, len);
		v->w->status = 200;
		v->w->type =
		    csv ? "text/csv; charset=utf-8" : "application/json";
		v->w->file = csv ? "profile.csv" : "profile.json";
	}
	free(text);
	json_decref(dossier);
	pg_rows_free(&rows);
}

static void
ask_delete(struct visit *v, const char *act, const char *rest)
{
	(void)act;
	(void)rest;
	visit_show(v, PAGE_PROFILE_DELETE, GUARD_DELETE, json_object());
}

static void
forget(struct visit *v, const char *act, const char *rest)
{
	json_t *nothing = json_object();
	bool changed;
	struct err e;

	(void)rest;
	if (carry_out(v, act, nothing, &changed, &e) != 0)
		visit_fail(v, PAGE_UNSURE, &e);
	else if (changed)
		visit_show(
		    v, PAGE_PROFILE_DELETED, GUARD_NOWHERE, json_object());
	else /* the link ended just now */
		ask_instead(v->r, v->w);
	json_decref(nothing);
}

/* What can be pressed, and how far one must have come; the act is SQL's. */
static const struct deed {
	const char *word;
	enum guard_step step;
	void (*run)(struct visit *v, const char *act, const char *rest);
} deeds[] = {
    {"open", GUARD_LINK, open_it},
    {"withdraw", GUARD_PROFILE, decide_on},
    {"object", GUARD_PROFILE, decide_on},
    {"lift-objection", GUARD_PROFILE, decide_on},
    {"restrict", GUARD_PROFILE, decide_on},
    {"lift-restriction", GUARD_PROFILE, decide_on},
    {"resume", GUARD_PROFILE, decide_on},
    {"monitoring-off", GUARD_PROFILE, decide_on},
    {"edit", GUARD_PROFILE, edit},
    {"remove", GUARD_PROFILE, remove_address},
    {"address", GUARD_PROFILE, new_address},
    {"download", GUARD_PROFILE, download},
    {"delete", GUARD_PROFILE, ask_delete},
    {"forget", GUARD_DELETE, forget},
};

/* The deed that the field "do", WORD or WORD:REST, names; NULL for none. */
static const struct deed *
find_deed(const struct form *f, const char **rest)
{
	const char *pressed = form_get(f, "do");
	size_t len;

	if (pressed == NULL)
		return NULL;
	len = strcspn(pressed, ":");
	*rest = pressed + len + (pressed[len] == ':');
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		if (strlen(deeds[i].word) == len &&
		    strncmp(deeds[i].word, pressed, len) == 0)
			return &deeds[i];
	return NULL;
}

static bool
is_token(const struct request *r)
{
	return strlen(r->argument) == TOKEN_URL - 1;
}

void
profile_show(struct request *r, struct response *w)
{
	struct visit v = {.r = r, .w = w};

	if (!is_token(r)) {
		ask_show(r, w);
		return;
	}
	if (visit_begin(&v, r->site->reader))
		visit_show(&v, PAGE_PROFILE_LINK, GUARD_LINK, json_object());
	pg_rows_free(&v.rows);
}

void
profile_press(struct request *r, struct response *w)
{
	struct visit v = {.r = r, .w = w};
	const struct deed *deed;
	const char *rest;

	if (!is_token(r)) {
		ask_post(r, w);
		return;
	}
	if (visit_begin(&v, r->site->writer)) {
		deed = find_deed(&r->form, &rest);
		if (deed == NULL || guard_step(r, &v.token) < deed->step)
			ask_instead(r, w);
		else
			deed->run(&v, deed->word, rest);
	}
	pg_rows_free(&v.rows);
}
