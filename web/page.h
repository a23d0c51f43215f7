/* SPDX-License-Identifier: ISC */
/*
 * page - what people read
 */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

struct response;

enum page {
	PAGE_OPT_OUT = 0, /* the question, with its one button */
	PAGE_OPTED_OUT,	  /* true for a good link and for a bad one */
	PAGE_NOT_DONE,	  /* it could not be done: the button once more */
	PAGE_SHARED,	  /* the link of a message to several people */
	PAGE_NOT_FOUND,
	PAGE_WRONG_METHOD,
	PAGE_TOO_LARGE,
	PAGE_BUSY
};

/* The hidden field by which a press of the page's button can be told from a
 * mail program's one-click POST. */
#define PAGE_MARK "via"
#define PAGE_MARK_VALUE "page"

/* The Content-Security-Policy that the pages need: nothing may be loaded or
 * run, a form may only be sent back here, and the one style is named. */
extern const char page_policy[];

/* Answers with the page and its status.  The octets of a page are always the
 * same ones: they depend on nothing in the request. */
void page_answer(struct response *w, enum page p) __attribute__((nonnull));

/* A page that says something of its own: begun with its title and status,
 * continued by paragraphs, and ended.  All texts are plain text. */
void page_begin(struct response *w, int status, const char *title)
    __attribute__((nonnull));
void page_paragraph(struct response *w, const char *text)
    __attribute__((nonnull));
void page_end(struct response *w) __attribute__((nonnull));

#endif
