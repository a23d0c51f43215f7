/* SPDX-License-Identifier: ISC */
/*
 * optout - opt-outs by mail
 *
 * The mailto form of a List-Unsubscribe link (RFC 2369) is an address at
 * web.mail-domain whose local part is the link's token.
 */
#ifndef MILTER_OPTOUT_H
#define MILTER_OPTOUT_H

#include "policy/err.h"

struct session;

/* What a recipient is; zero, the safe one, defers. */
enum optout_kind {
	OPTOUT_UNKNOWN = 0, /* nobody could tell, or no memory: see `e` */
	OPTOUT_NONE,	    /* not at that domain */
	OPTOUT_BAD,	    /* at that domain, and no token */
	OPTOUT_GOOD	    /* noted in the message */
};

/* What became of an opt-out; zero, the safe one, did nothing. */
enum optout_result {
	OPTOUT_FAILED = 0,
	OPTOUT_BAD_TOKEN,
	OPTOUT_IGNORED, /* no person sent it */
	OPTOUT_ALREADY,
	OPTOUT_CHANGED,
	OPTOUT_RESULTS
};

/* The word for logs and metrics. */
const char *optout_result_word(enum optout_result r)
    __attribute__((returns_nonnull));

/* What `path`, a recipient of the session's message, is. */
enum optout_kind optout_recipient(struct session *s, const char *path,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* Withdraws what the message's opt-outs name, unless no person sent it. 0 when
 * all is in force everywhere; trying again is safe. */
int optout_act(const struct session *s, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
