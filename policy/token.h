/* SPDX-License-Identifier: ISC */
/*
 * token - what stands in a link, and the keys that make it
 *
 * 33 octets: capability and key number (1), a sealed body (16), a MAC (16).
 * The body is encrypted under a nonce that is the MAC of what it says (a
 * synthetic IV, as in RFC 5297), so that equal links are equal, unequal ones
 * share nothing visible, and a changed bit opens nothing.  Tokens that open
 * personal data carry a random reference to a row that expires; an opt-out
 * never expires and names what it ends by itself.
 */
#ifndef POLICY_TOKEN_H
#define POLICY_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "channel.h"
#include "err.h"

enum {
	TOKEN_BODY = 16,
	TOKEN_OCTETS = 33,
	TOKEN_URL = 44 + 1, /* base64url without padding (RFC 4648, 5), NUL */
	TOKEN_MAIL = 53 + 1 /* base32 in lower case (RFC 4648, 6), NUL */
};

/* What a token may be used for.  Sealed into tokens: never renumbered. */
enum capability {
	CAPABILITY_OPT_OUT = 1,
	CAPABILITY_PREFERENCES = 2,
	CAPABILITY_CONFIRM = 3,
	CAPABILITY_PROFILE = 4,
	CAPABILITY_WHY = 5,
	CAPABILITY_LEAVE = 6 /* as preferences, but gives nothing */
};

struct token {
	enum capability capability;
	uint8_t body[TOKEN_BODY];
};

/* The body of opt-out, preferences, why and leave: who, what, on which channel.
 */
struct token_subject {
	struct addr_key key;
	uint16_t purpose;
	enum channel channel;
};

struct token token_for(enum capability c, const struct token_subject *s)
    __attribute__((nonnull));

/* The subject of a token made by token_for(). False if there is none. */
bool token_subject(const struct token *t, struct token_subject *s)
    __attribute__((nonnull, warn_unused_result));

struct keys;

/* Seals `t` with the first key, into either spelling. */
void token_seal_url(const struct keys *k, const struct token *t,
    char out[TOKEN_URL]) __attribute__((nonnull));
void token_seal_mail(const struct keys *k, const struct token *t,
    char out[TOKEN_MAIL]) __attribute__((nonnull));

/* Opens either spelling.  False, and nothing in `t`, for anything that was not
 * sealed here for capability `want`. */
bool token_open(const struct keys *k, enum capability want, const char *text,
    size_t len, struct token *t) __attribute__((nonnull, warn_unused_result));

/* As token_open(), and, when the keys' file has changed since `k` was read,
 * with the keys in it as well: another program may sign with a new key before
 * this one was told.  1 opened, 0 not; -1 and `e` when the file cannot be read,
 * so that nobody can say that the token is bad. */
int token_open_fresh(const struct keys *k, enum capability want,
    const char *text, size_t len, struct token *t, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
