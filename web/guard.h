/* SPDX-License-Identifier: ISC */
/*
 * guard - whether a press came from a page of ours
 */
#ifndef WEB_GUARD_H
#define WEB_GUARD_H

#include "policy/token.h"
#include "web/request.h"

/* How far somebody has come on the pages behind a link; zero, the safe one, is
 * nowhere. */
enum guard_step {
	GUARD_NOWHERE = 0,
	GUARD_LINK,    /* has seen the link's own page */
	GUARD_PROFILE, /* and the profile */
	GUARD_DELETE   /* and the question whether to delete it */
};

/* The form's hidden field that says so. */
#define GUARD_FIELD "form"

enum { GUARD_TEXT = 2 * 16 + 1 };

/* What a page of that step puts there.  Returns `out`. */
const char *guard_mark(const struct request *r, const struct token *t,
    enum guard_step step, char out[GUARD_TEXT])
    __attribute__((nonnull, returns_nonnull));

/* How far the page was from which `r` came; nowhere for a press that did not
 * come from a page behind this link, or came from another site. */
enum guard_step guard_step(const struct request *r, const struct token *t)
    __attribute__((nonnull, warn_unused_result));

#endif
