/* SPDX-License-Identifier: ISC */
/*
 * endpoint - where a person can be reached, in one canonical form
 *
 * An email address, a telephone number, or any other text: a postal address,
 * a device's token, a name in a messenger.  Its kind says which channels it is
 * for (channel.h).
 */
#ifndef POLICY_ENDPOINT_H
#define POLICY_ENDPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "err.h"

struct arena;

/* E.164, 6: the digits of an international number; fewer than 7 are none. */
enum { ENDPOINT_DIGITS_MIN = 7, ENDPOINT_DIGITS_MAX = 15 };

/* Octets of what is given, and of its canonical form. */
enum { ENDPOINT_MAX = 1024 };

struct endpoint {
	const char *kind;      /* as in SQL: email, phone, postal, device, im */
	const char *original;  /* as given */
	const char *canonical; /* what the key is made of */
	const char *base;      /* of an email address: see addr.h */
};

/*
 * Parses `len` octets of `text`, an endpoint of `kind`; NULL: what has an @ is
 * an email address and what begins with + a number, other text is refused.
 *
 * A number is + and its digits: spaces, dashes, dots and parentheses are
 * dropped, but for "(0)", which is not dialled from abroad and may mean either.
 * Of other text case, Unicode form, and how much white space there is does not
 * count.
 *
 * 0 and `out`, whose strings live in `a`; or -1 and an error of kind
 * ERR_REFUSED (ERR_FATAL when the arena is full).
 */
int endpoint_parse(struct arena *a, const char *kind, const char *text,
    size_t len, struct endpoint *out, struct err *e)
    __attribute__((nonnull(1, 3, 5, 6), warn_unused_result));

/* Its key under the installation's index secret. */
struct addr_key endpoint_key(const uint8_t secret[ADDR_SECRET],
    const struct endpoint *endpoint) __attribute__((nonnull));

#endif
