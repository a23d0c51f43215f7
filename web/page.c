/* SPDX-License-Identifier: ISC */
/*
 * page - what people read
 *
 * A page is a template with a title; its words are in the template, and in
 * other languages in locale/.  It is readable without style, script or a
 * second request: nothing may be loaded or run, and the one style is named to
 * the browser by its hash.
 *
 * Each sentence must be true whatever happened: the plain pages of an opt-out
 * are shown for every link, also a forged one, and what failed may have been
 * done all the same.
 */
#include "web/page.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "policy/log.h"
#include "web/request.h"
#include "web/share.h"
#include "web/site.h"

/* Marks a sentence for translators. */
#define N_(text) text

static const struct {
	int status;
	const char *name, *title, *button;
} pages[] = {
    [PAGE_OPT_OUT] = {200, "opt-out", N_("Stop this mail?"),
	N_("Stop this mail")},
    [PAGE_OPTED_OUT] = {200, "opted-out",
	N_("Your request has been dealt with"), NULL},
    [PAGE_LEFT] = {200, "left", N_("This mail has stopped"), NULL},
    [PAGE_UNDONE] = {200, "undone", N_("Taken back"), NULL},
    [PAGE_NOT_DONE] = {503, "not-done", N_("Please press once more"),
	N_("Try again")},
    [PAGE_UNSURE] = {503, "unsure", N_("It is not certain that this was done"),
	NULL},
    [PAGE_UNSEEN] = {200, "unseen", N_("Done"), NULL},
    [PAGE_SHARED] = {200, "shared", N_("How to stop this mail"), NULL},
    [PAGE_WHY] = {200, "why", N_("Why did I get this message?"), NULL},
    [PAGE_PREFERENCES] = {200, "preferences", N_("What you want to receive"),
	NULL},
    [PAGE_SIGN_UP] = {200, "sign-up", N_("Sign up"), N_("Sign up")},
    [PAGE_SIGN_UP_AGAIN] = {422, "sign-up", N_("Something is missing"),
	N_("Sign up")},
    [PAGE_ASKED] = {200, "asked", N_("Please look into your mailbox"), NULL},
    [PAGE_CONFIRM] = {200, "confirm", N_("Please confirm"), N_("Confirm")},
    [PAGE_CONFIRMED] = {200, "confirmed", N_("Confirmed"), NULL},
    [PAGE_VOID] = {404, "void", N_("This link does not work any more"), NULL},
    [PAGE_TOO_OFTEN] = {429, "too-often", N_("Too often just now"), NULL},
    [PAGE_NOT_FOUND] = {404, "not-found", N_("There is no such page"), NULL},
    [PAGE_WRONG_METHOD] = {405, "wrong-method",
	N_("This page cannot be used that way"), NULL},
    [PAGE_TOO_LARGE] = {413, "too-large", N_("Too much was sent"), NULL},
    [PAGE_BUSY] = {503, "busy", N_("Too busy just now"), NULL},
};

enum { RETRY_SECONDS = 10, RETRY_LIMITED_SECONDS = 3600 };

/* The language of the person, else the one that was asked for, else the one
 * that the browser prefers. */
static const struct locale *
choose_locale(const struct request *r, const char *language)
{
	const struct locales *all = share_locales(r->site->share);
	const struct locale *l = locales_choose(all, language);

	if (l == NULL)
		l = locales_choose(all, r->language);
	if (l == NULL)
		l = locales_choose(all, r->accept_language);
	return l == NULL ? locales_default(all) : l;
}

const char *
page_language(const struct request *r)
{
	return locale_tag(choose_locale(r, NULL));
}

/* Nothing may be loaded or run, a form may only be sent back here, and the one
 * style is named. */
static void
put_policy(struct response *w, const char *style)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char text[sodium_base64_ENCODED_LEN(
	    sizeof(hash), sodium_base64_VARIANT_ORIGINAL)];

	crypto_hash_sha256(hash, (const unsigned char *)style, strlen(style));
	sodium_bin2base64(text, sizeof(text), hash, sizeof(hash),
	    sodium_base64_VARIANT_ORIGINAL);
	snprintf(w->policy, sizeof(w->policy),
	    "default-src 'none'; style-src 'sha256-%s'; form-action 'self'; "
	    "base-uri 'none'; frame-ancestors 'none'",
	    text);
}

static void
put_common(const struct request *r, enum page p, json_t *view)
{
	const struct locale *l = r->locale;
	const char *button = pages[p].button;

	json_object_set_new(view, "lang", json_string(locale_tag(l)));
	json_object_set_new(
	    view, "title", json_string(locale_text(l, pages[p].title)));
	json_object_set_new(
	    view, "style", json_string(share_style(r->site->share)));
	if (button != NULL)
		json_object_set_new(
		    view, "button", json_string(locale_text(l, button)));
}

void
page_show(struct request *r, struct response *w, enum page p,
    const char *language, json_t *view)
{
	struct err e;

	if (view == NULL)
		view = json_object();
	r->locale = choose_locale(r, language);
	put_common(r, p, view);
	put_policy(w, share_style(r->site->share));
	w->status = pages[p].status;
	w->type = "text/html; charset=utf-8";
	if (w->status == 503)
		w->retry_after = RETRY_SECONDS;
	if (w->status == 429)
		w->retry_after = RETRY_LIMITED_SECONDS;
	if (share_render(r->site->share, r->locale, pages[p].name, view,
		&w->body, &e) != 0) {
		log_line(LOG_ERROR, "page name=%s error=\"%s\"", pages[p].name,
		    e.text);
		buf_free(&w->body);
		w->status = 500;
	}
	json_decref(view);
}

void
page_answer(struct request *r, struct response *w, enum page p)
{
	page_show(r, w, p, NULL, NULL);
}
