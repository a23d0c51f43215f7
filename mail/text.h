/* SPDX-License-Identifier: ISC */
/*
 * text - what is to be done about a text, whatever it is encoded in
 */
#ifndef MAIL_TEXT_H
#define MAIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "edit.h"
#include "splice.h"
#include "track.h"

struct text_done {
	unsigned placeholders, footers;
	struct track track;
};

/* To be started with view, length, kind, and splices that have an arena. */
struct text {
	const char *view; /* its ASCII view (charset.h) */
	size_t len;
	bool html, flowed;
	bool later;		/* no footer: the first text has it */
	bool ascii;		/* only ASCII may be put in */
	struct splices splices; /* what is to be done, in UTF-8 */
	struct text_done done;
};

/*
 * Fills in placeholders, then removes tracking, then adds the footer if there
 * is no link to the opt-out page by now.  EDIT_SIGNED and EDIT_ENCRYPTED: by
 * OpenPGP, in the text itself; EDIT_TOO_BIG: the arena is full.
 */
enum edit_skip text_edit(struct text *t, const struct edit_plan *plan)
    __attribute__((nonnull, warn_unused_result));

#endif
