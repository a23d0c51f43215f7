/* SPDX-License-Identifier: ISC */
/*
 * link - the token in the path of a request
 */
#ifndef WEB_LINK_H
#define WEB_LINK_H

#include <stdbool.h>

#include "policy/err.h"
#include "policy/token.h"
#include "web/request.h"

/* Opens the argument of `r` as a token of capability `want`: `*good` says
 * whether it is one.  0, or -1 and `e` when the keys cannot be read: then
 * nobody can say that the token is bad. */
int link_open(const struct request *r, enum capability want, struct token *t,
    bool *good, struct err *e) __attribute__((nonnull, warn_unused_result));

#endif
