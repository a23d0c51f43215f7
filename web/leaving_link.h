/* SPDX-License-Identifier: ISC */
/*
 * leaving_link - the link in the mail that asks whether to leave
 */
#ifndef WEB_LEAVING_LINK_H
#define WEB_LEAVING_LINK_H

#include "policy/token.h"
#include "web/request.h"

/* Of a link of capability confirm: GET shows what it leaves, with one button;
 * POST leaves it.  Both answer for a link that was not made for this, too. */
void leaving_link_ask(struct request *r, struct response *w,
    const struct token *t) __attribute__((nonnull));
void leaving_link_act(struct request *r, struct response *w,
    const struct token *t) __attribute__((nonnull));

#endif
