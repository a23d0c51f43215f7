/* SPDX-License-Identifier: ISC */
/*
 * inject - hand messages to the MTA by SMTP
 */
#ifndef MAIL_INJECT_H
#define MAIL_INJECT_H

#include <stddef.h>
#include <stdint.h>

#include "policy/err.h"

enum { INJECT_REPLY = 256 };

struct edit_piece;

/* A message for one recipient: its addresses without brackets ("" is the null
 * sender), parameters of MAIL and RCPT each after a space, and its octets with
 * CRLF lines in pieces. */
struct inject_mail {
	const char *from, *from_parameters, *to, *to_parameters;
	const struct edit_piece *text;
	size_t n_text;
};

/* A connection, opened when it is first needed and used for one message after
 * the other. */
struct inject;

/* Starts libcurl; once, before threads. */
int inject_init(struct err *e) __attribute__((nonnull, warn_unused_result));

/* A connection to `url` (smtp://HOST:PORT), which must outlive it; NULL
 * without memory.  inject_close() accepts NULL. */
struct inject *inject_open(const char *url)
    __attribute__((nonnull, warn_unused_result));
void inject_close(struct inject **c);

/* Sends a message by `deadline`.  0 only when the MTA has taken it; its reply
 * is then inject_reply(), as it is when it said no to this one: others may be
 * sent.  ERR_REFUSED: no to its recipient or its text, for good (5xx);
 * ERR_BUSY: any other.  ERR_UNREACHABLE: it does not answer, and may or may not
 * have taken the message if that was after its last octet. */
int inject_send(struct inject *c, const struct inject_mail *mail,
    int64_t deadline, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* The last line of the reply to the last message; lives until the next one. */
const char *inject_reply(const struct inject *c)
    __attribute__((nonnull, returns_nonnull));

#endif
