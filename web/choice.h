/* SPDX-License-Identifier: ISC */
/*
 * choice - what was ticked and unticked on a preferences page
 */
#ifndef WEB_CHOICE_H
#define WEB_CHOICE_H

#include <stdbool.h>

#include "policy/buf.h"

struct form;

/* Purposes to be left and to be agreed to, each of the latter with the text
 * that was shown, as arrays of PostgreSQL's. */
struct choice {
	struct buf leave, join, texts;
};

/* Reads it from a form, which carries what its page showed.  False when that is
 * not what a page carries; choice_free() is due either way. */
bool choice_read(const struct form *f, struct choice *c)
    __attribute__((nonnull, warn_unused_result));
void choice_free(struct choice *c) __attribute__((nonnull));

#endif
