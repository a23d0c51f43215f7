/* SPDX-License-Identifier: ISC */
/*
 * event - a fact of the ledger, and the leaf it comes to
 *
 * The leaf is the hash (RFC 9162: SHA-256 of a zero octet and the data) of the
 * line "assent event 1" and every fact that is there, in the order below, each
 * as its number (1 octet), its length in octets (4, network order) and its
 * value.  Integers have 8 octets in network order, instants (instant.h) too;
 * texts are UTF-8 without a NUL.
 *
 *   1 id  2 recorded_at  3 at  4 act  5 contact_id  6 purpose_id  7 channel
 *   8 expires_at  9 source  10 actor  11 commitment  12 about
 *   13 text_id  14 detail
 *
 * A fact added one day takes the next number; where it is missing the leaf is
 * what it always was.  assent.event_leaf() says the same in SQL.
 */
#ifndef POLICY_EVENT_H
#define POLICY_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "merkle.h"

/* An integer or an instant that may be missing. */
struct event_number {
	bool there;
	int64_t value;
};

struct event {
	int64_t id, recorded_at, at;
	const char *act, *source, *actor;
	const char *channel, *detail; /* may be NULL */
	struct event_number contact, purpose, expires, about, text;
	struct merkle_hash commitment;
};

void event_leaf(const struct event *e, struct merkle_hash *out)
    __attribute__((nonnull));

/* What an event says of its personal fields: SHA-256 of salt and text. */
void event_commitment(const uint8_t *salt, size_t salt_len, const char *fields,
    struct merkle_hash *out) __attribute__((nonnull));

#endif
