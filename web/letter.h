/* SPDX-License-Identifier: ISC */
/*
 * letter - a message of the pages, as octets
 */
#ifndef WEB_LETTER_H
#define WEB_LETTER_H

#include "policy/err.h"

struct arena;
struct buf;

enum { LETTER_ID = 256 };

/* Makes the Message-ID of a new letter, of a host of that domain. */
void letter_make_id(const char *domain, char out[LETTER_ID])
    __attribute__((nonnull));

/* All UTF-8; `sender` and `recipient` are addresses without brackets, `from`
 * the sender's name, the bodies have LF lines. */
struct letter {
	const char *message_id; /* with its brackets */
	const char *sender, *from, *recipient, *subject;
	const char *text, *html;
};

/* Appends the message (RFC 5322, RFC 2046) with CRLF lines, all of it ASCII
 * but for addresses that are not.  0, or -1 and `e` when the arena is full. */
int letter_write(const struct letter *l, struct arena *a, struct buf *out,
    struct err *e) __attribute__((nonnull, warn_unused_result));

#endif
