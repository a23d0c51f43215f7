/* SPDX-License-Identifier: ISC */
/*
 * record - which private copies of a message have been handed over
 *
 * Kept in PostgreSQL (sql/011-copies.sql) under a fingerprint of stream,
 * envelope sender, content and recipient: a keyed hash, which reveals none of
 * them.  A client that sends the message again is known by it.
 */
#ifndef MILTER_RECORD_H
#define MILTER_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/err.h"

struct recipient;
struct session;
struct store;

enum { RECORD_DIGEST = 32, RECORD_ATTEMPT = 8 };

/* One attempt at the copies of one message. */
struct record {
	struct store *store;
	const uint8_t *secret;
	uint8_t content[RECORD_DIGEST];
	uint8_t attempt[RECORD_ATTEMPT]; /* random: it tells attempts apart */
	int64_t lifetime;		 /* of a claim, nanoseconds */
};

/* What a claim is answered; zero, the safe one, makes no copy. */
enum record_answer { RECORD_BUSY = 0, RECORD_MADE, RECORD_CLAIMED };

/* Begins an attempt at the session's message, kept whole, in which handing one
 * copy over takes at most `longest`. */
void record_begin(struct record *r, const struct session *s, int64_t longest)
    __attribute__((nonnull));

/* Asks for the right to hand over the copy of `to`. RECORD_CLAIMED: nobody
 * else will, for so long. -1 when PostgreSQL cannot be asked. */
int record_claim(const struct record *r, const struct recipient *to,
    enum record_answer *answer, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* The MTA has taken the copy of `to`. */
int record_made(const struct record *r, const struct recipient *to,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* Forgets the copy of `to`: it was not taken, and another attempt need not
 * wait; or the whole message is done with. */
int record_forget(const struct record *r, const struct recipient *to,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* Whether another message of the same content can be told from this one sent
 * again: somebody gave it a Message-ID or a Date. */
bool record_lasts(const struct session *s) __attribute__((nonnull));

#endif
