/* SPDX-License-Identifier: ISC */
/*
 * addr - one canonical form of an email address, and its key
 *
 * Two spellings that a person would call the same address get the same
 * canonical form: the domain as A-labels in lower case (RFC 5891, with the
 * non-transitional mapping of UTS 46), the local part NFKC case-folded.  RFC
 * 5321 lets a host tell "Ann" from "ann"; consent must not, because a refusal
 * that depends on case is no refusal.  The original is kept for sending.
 *
 * The key stands for the canonical form wherever the address itself has no
 * business: permits, the cache, tokens, logs.
 */
#ifndef POLICY_ADDR_H
#define POLICY_ADDR_H

#include <stdint.h>
#include <stddef.h>

#include "err.h"

struct arena;

/* RFC 5321, 4.5.3.1: local part, domain, and path without its brackets. */
enum { ADDR_LOCAL_MAX = 64, ADDR_DOMAIN_MAX = 255, ADDR_MAX = 320 };

struct addr {
	const char *original;  /* as given, without angle brackets */
	const char *canonical; /* local@domain */
	const char *base;      /* canonical without its +tag, NULL if none */
};

/*
 * Parses `len` octets of `text`: addr-spec of RFC 5321 and 6531, with or
 * without angle brackets; a quoted local part is unquoted, a source route is
 * refused.  0 and `out`, whose strings live in `a`; or -1 and an error of kind
 * ERR_REFUSED (ERR_FATAL when the arena is full).
 */
int addr_parse(struct arena *a, const char *text, size_t len, struct addr *out,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* 104 bits: at a thousand million addresses two share a key with a chance of
 * 10^-13, and a token has room for no more (see token.h). */
enum { ADDR_KEY = 13, ADDR_KEY_HEX = 2 * ADDR_KEY + 1, ADDR_SECRET = 32 };

struct addr_key {
	uint8_t octets[ADDR_KEY];
};

/* The keyed hash (BLAKE2b, truncated) of `canonical`, an endpoint of `kind`
 * (see channel.h), under the installation's index secret. */
struct addr_key addr_key(const uint8_t secret[ADDR_SECRET], const char *kind,
    const char *canonical) __attribute__((nonnull));

/* The key in lower-case hexadecimal, into `out`. Returns `out`. */
const char *addr_key_hex(const struct addr_key *key, char out[ADDR_KEY_HEX])
    __attribute__((nonnull));

#endif
