/* SPDX-License-Identifier: ISC */
/*
 * split - a private copy for each recipient of a message
 */
#ifndef MILTER_SPLIT_H
#define MILTER_SPLIT_H

#include "policy/err.h"

struct session;
struct stream_purpose;

/*
 * Hands every accepted mailbox of the session's message, kept whole, its copy
 * through milter.inject.  0 when the MTA has taken all, in this attempt or an
 * earlier one, but for those that it refused for good: whose they were is
 * REASON_UNDELIVERABLE now, and is to be told.  -1 when some are still to be
 * made: the client must then send the message again, and what was made is
 * remembered.  ERR_REFUSED: the body is too large and such are refused, so
 * trying again would not help.  Begins no copy after milter.copies-timeout.
 */
int split_make(const struct session *s, const struct stream_purpose *purpose,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* The client is about to be told that the message was taken. */
void split_end(const struct session *s) __attribute__((nonnull));

#endif
