/* SPDX-License-Identifier: ISC */
/*
 * checkpoint - the signed root of the ledger at one size
 *
 * What is signed (Ed25519, RFC 8032) is this text, each line ended by LF:
 *
 *	assent checkpoint 1
 *	number 17
 *	size 123456
 *	root 64 hexadecimal digits, lower case
 *	at 2026-11-21T18:00:00.000000Z
 *	key 0
 *	last 123460
 *	horizon 99871
 *	settled 123000
 */
#ifndef POLICY_CHECKPOINT_H
#define POLICY_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "merkle.h"

enum { CHECKPOINT_SIGNATURE = 64, CHECKPOINT_PUBLIC = 32 };

struct keys_ledger;

struct checkpoint {
	int64_t number, size, signed_at; /* an instant */
	int64_t last, horizon, settled;	 /* see assent.checkpoint_begin() */
	int key;
	struct merkle_hash root;
	uint8_t signature[CHECKPOINT_SIGNATURE];
};

/* Sets key and signature. */
void checkpoint_sign(struct checkpoint *c, const struct keys_ledger *key)
    __attribute__((nonnull));

/* Whether the signature is that of the key `public`. */
bool checkpoint_signed(
    const struct checkpoint *c, const uint8_t public[CHECKPOINT_PUBLIC])
    __attribute__((nonnull, warn_unused_result));

/* The same for a whole document: `kind`, one line, and the document's octets
 * are what is signed. */
void checkpoint_sign_text(const char *kind, const char *text,
    const struct keys_ledger *key, uint8_t out[CHECKPOINT_SIGNATURE])
    __attribute__((nonnull));
bool checkpoint_text_signed(const char *kind, const char *text,
    const uint8_t signature[CHECKPOINT_SIGNATURE],
    const uint8_t public[CHECKPOINT_PUBLIC])
    __attribute__((nonnull, warn_unused_result));

#endif
