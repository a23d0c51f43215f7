/* SPDX-License-Identifier: ISC */
/*
 * page - what people read
 */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include <jansson.h>

#include "page/part.h"

struct request;
struct response;

/* The hidden field by which a press of the page's button can be told from a
 * mail program's one-click POST. */
#define PAGE_MARK "via"
#define PAGE_MARK_VALUE "page"

/* Answers with a page, in the language of the person if `language` (a tag) is
 * given, else of the request, and in the look of where the request belongs.
 * `view`, an object for the template or NULL, is taken over. */
void page_show(struct request *r, struct response *w, enum page p,
    const char *language, json_t *view) __attribute__((nonnull(1, 2)));

/* The language that a page would be in by the request alone. */
const char *page_language(const struct request *r)
    __attribute__((nonnull, returns_nonnull));

/* Without either: what is answered depends on the request's language only. */
void page_answer(struct request *r, struct response *w, enum page p)
    __attribute__((nonnull));

#endif
