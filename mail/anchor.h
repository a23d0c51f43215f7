/* SPDX-License-Identifier: ISC */
/*
 * anchor - the links in a text, as its reader sees them
 */
#ifndef MAIL_ANCHOR_H
#define MAIL_ANCHOR_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/err.h"

/* Called for each link; `visible` when the reader can see and follow it. */
typedef void anchor_fn(void *arg, const char *uri, size_t len, bool visible);

/* Every http, https and mailto URI that stands in plain text. */
void anchor_plain(const char *text, size_t len, anchor_fn *found, void *arg)
    __attribute__((nonnull));

/*
 * Every link of an HTML text in UTF-8.  Invisible is one without content, and
 * one that the hidden attribute or the style of it or of what is around it
 * hides; style sheets are not followed.  0, or -1 and an error when the text
 * is nested so deeply that nobody wrote it by hand.
 */
int anchor_html(const char *text, size_t len, anchor_fn *found, void *arg,
    struct err *e) __attribute__((nonnull, warn_unused_result));

#endif
