/* SPDX-License-Identifier: ISC */
/*
 * permit - everything one address has consented to, packed
 *
 * SQL computes a permit whenever something about its contact changes; the
 * cache carries it; this decodes it.  The octets:
 *
 *	version (1)   flags   e   e x expiry: seconds since 1970, 32 bits
 *	then to the end, in strictly ascending order, per purpose and channel:
 *	purpose: 16 bits   channel << 4 | standing   number of expiry, 0 none
 *
 * A granted pair may follow one of its own purpose and channel with the
 *standing 7, whose expiry is until when the person wants nothing of it (0: for
 *ever).
 *
 * All big-endian.  Of the flags, 1 is set when the person was forgotten, and
 *the upper six bits are the number of the person's language (language.h).
 *Twenty pairs with three distinct expiries take 95 octets. No octets at all are
 *the permit of an address that nobody knows.
 */
#ifndef POLICY_PERMIT_H
#define POLICY_PERMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "err.h"

/* Where one pair stands after precedence.  Stored: never renumbered. */
enum standing {
	STANDING_NONE = 0,
	STANDING_PENDING = 1,
	STANDING_GRANTED = 2,
	STANDING_WITHDRAWN = 3,
	STANDING_OBJECTED = 4,
	STANDING_RESTRICTED = 5,
	STANDING_SUSPENDED = 6
};

enum { STANDING_COUNT = 7, PERMIT_MAX = 4096 };

struct permit {
	bool known;  /* some contact has this address */
	bool erased; /* forgotten on request: nothing is ever permitted */
	unsigned int language; /* to write in: language.h; 0 unknown */
	const uint8_t *expiries, *pairs; /* into the octets decoded */
	size_t n_pairs;
};

struct permit_pair {
	enum standing standing;
	int64_t expires; /* seconds since 1970; 0 never.  Counts for what is
			  * granted or suspended */
	int64_t paused;	 /* of what is granted: nothing is wanted until then;
			  * 0 no pause */
};

/* Decodes and checks `len` octets, which must outlive `out`.  Anything that is
 * not exactly a permit is an error (ERR_FATAL), never a guess. */
int permit_decode(const uint8_t *octets, size_t len, struct permit *out,
    struct err *e) __attribute__((nonnull(3, 4), warn_unused_result));

/* Where `purpose` on `channel` stands; STANDING_NONE if it is not there. */
struct permit_pair permit_find(const struct permit *p, uint16_t purpose,
    enum channel channel) __attribute__((nonnull));

#endif
