/* SPDX-License-Identifier: ISC */
/*
 * page - what people read
 *
 * Each sentence must be true whatever happened: the plain pages of an opt-out
 * are shown for every link, also a forged one, and what failed may have been
 * done all the same.
 */
#include "web/page.h"

#include <stdio.h>

#include "page/compose.h"
#include "page/look.h"
#include "page/share.h"
#include "policy/log.h"
#include "web/request.h"
#include "web/site.h"

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

/* How the page is to look; if that cannot be told, as everybody's. */
static void
read_look(const struct request *r, const struct part *part, struct look *look)
{
	struct err e;

	*look = (struct look){0};
	if (part->kind == PART_PLAIN ||
	    (part->kind != PART_SIGN_UP && part->kind != PART_PROFILE &&
		r->place.purpose == 0))
		return;
	if (look_read(r->site->reader, &r->place, part, locale_tag(r->locale),
		look, &e) != 0)
		log_line(
		    LOG_ERROR, "page name=%s error=\"%s\"", part->name, e.text);
}

static void
put_headers(struct response *w, int status, const char *policy)
{
	w->status = status;
	w->type = "text/html; charset=utf-8";
	snprintf(w->policy, sizeof(w->policy), "%s", policy);
	if (status == 503)
		w->retry_after = RETRY_SECONDS;
	if (status == 429)
		w->retry_after = RETRY_LIMITED_SECONDS;
}

void
page_show(struct request *r, struct response *w, enum page p,
    const char *language, json_t *view)
{
	const struct part *part = part_of(p);
	struct composed page;
	struct look look;
	struct err e;

	if (view == NULL)
		view = json_object();
	r->locale = choose_locale(r, language);
	read_look(r, part, &look);
	if (compose(r->site->share, r->locale, p, &look, view, &page, &e) ==
	    0) {
		put_headers(w, part->status, page.policy);
		w->body = page.html;
	} else {
		log_line(
		    LOG_ERROR, "page name=%s error=\"%s\"", part->name, e.text);
		buf_free(&page.html);
		w->status = 500;
	}
	if (page.trouble.text[0] != '\0')
		log_line(LOG_WARN, "page name=%s own=%s/%s error=\"%s\"",
		    part->name, part_kind_word(part->kind), look.page,
		    page.trouble.text);
	look_free(&look);
	json_decref(view);
}

void
page_answer(struct request *r, struct response *w, enum page p)
{
	page_show(r, w, p, NULL, NULL);
}
