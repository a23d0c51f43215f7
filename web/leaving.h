/* SPDX-License-Identifier: ISC */
/*
 * leaving - what the page behind an opt-out link shows
 */
#ifndef WEB_LEAVING_H
#define WEB_LEAVING_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/leave.h"
#include "web/request.h"

struct store;

/* What was done last, in a word of the templates; LEAVING_NOTHING is none. */
enum leaving_note {
	LEAVING_NOTHING = 0,
	LEAVING_UNDONE,	  /* a press was taken back */
	LEAVING_TOO_LATE, /* it could not be */
	LEAVING_THANKS,	  /* for a reason given */
	LEAVING_ASKED,	  /* a mail asks back, and nothing is done yet */
	LEAVING_BY_MAIL,  /* this is the page that the mail leads to */
};

/* Answers with how it stands in the database, asked by `store`: the question,
 * or that there is nothing to be left any more.  Of `what` the proof is not
 * looked at; `reference` is that of the last press, or for the next.  False,
 * and no answer, when nobody is on record for the link or the database cannot
 * be asked. */
bool leaving_show(struct request *r, struct response *w, struct store *store,
    const struct leave *what, enum leaving_note note)
    __attribute__((nonnull, warn_unused_result));

#endif
