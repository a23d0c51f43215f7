/* SPDX-License-Identifier: ISC */
/*
 * page - what people read
 */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include <jansson.h>

struct request;
struct response;

enum page {
	PAGE_OPT_OUT = 0,   /* the question, with its one button */
	PAGE_OPTED_OUT,	    /* true for a good link and for a bad one */
	PAGE_LEFT,	    /* what was left, and a way back */
	PAGE_UNDONE,	    /* the way back was taken */
	PAGE_NOT_DONE,	    /* an opt-out in doubt: the button once more */
	PAGE_UNSURE,	    /* anything else that may or may not be done */
	PAGE_UNSEEN,	    /* done, but how it stands cannot be shown */
	PAGE_SHARED,	    /* the link of a message to several people */
	PAGE_WHY,	    /* what a message rests on */
	PAGE_PREFERENCES,   /* what a brand may send */
	PAGE_SIGN_UP,	    /* a form, its boxes unticked */
	PAGE_SIGN_UP_AGAIN, /* the form once more, and what it lacks */
	PAGE_ASKED,	    /* true for every address */
	PAGE_CONFIRM,	    /* the question of a mailed link */
	PAGE_CONFIRMED,
	PAGE_VOID, /* a link that is too old, or none of ours */
	PAGE_TOO_OFTEN,
	PAGE_NOT_FOUND,
	PAGE_WRONG_METHOD,
	PAGE_TOO_LARGE,
	PAGE_BUSY /* nothing was done */
};

/* The hidden field by which a press of the page's button can be told from a
 * mail program's one-click POST. */
#define PAGE_MARK "via"
#define PAGE_MARK_VALUE "page"

/* Answers with a page, in the language of the person if `language` (a tag) is
 * given, else of the request.  `view`, an object for the template or NULL, is
 * taken over. */
void page_show(struct request *r, struct response *w, enum page p,
    const char *language, json_t *view) __attribute__((nonnull(1, 2)));

/* The language that a page would be in by the request alone. */
const char *page_language(const struct request *r)
    __attribute__((nonnull, returns_nonnull));

/* Without either: what is answered depends on the request's language only. */
void page_answer(struct request *r, struct response *w, enum page p)
    __attribute__((nonnull));

#endif
