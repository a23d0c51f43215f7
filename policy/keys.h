/* SPDX-License-Identifier: ISC */
/*
 * keys - the secrets of an installation, in one file
 *
 * The file has mode 0600 or stricter and belongs to root or to the user who
 * reads it.  A line is "index SECRET" (one: the secret of address keys, for
 * the life of the installation), "token NUMBER SECRET" (0 to 31: the first
 * one signs, all verify, so that rotation breaks no link ever sent) or "ledger
 * NUMBER SECRET" (likewise, the seed of an Ed25519 key that signs the ledger's
 * roots; a file may have none); SECRET is 32 octets in base64 (RFC 4648); "#"
 * starts a comment.
 */
#ifndef POLICY_KEYS_H
#define POLICY_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

enum { KEYS_SECRET = 32, KEYS_TOKENS = 32, KEYS_PUBLIC = 32, KEYS_PAIR = 64 };

/* One token key: its number and what is derived from its secret. */
struct keys_token {
	int number;
	uint8_t mac[KEYS_SECRET], cipher[KEYS_SECRET];
};

/* One key of the ledger. */
struct keys_ledger {
	int number;
	uint8_t public[KEYS_PUBLIC], secret[KEYS_PAIR];
};

/* What there can be several of. */
enum keys_kind { KEYS_TOKEN, KEYS_LEDGER };

struct keys;

/* Reads `path`, which must outlive the keys; NULL and an error that names file
 * and line.  The secrets live in locked memory that core dumps leave out. */
struct keys *keys_load(const char *path, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Whether the file is another than it was when `k` was read: a key may have
 * been added since.  Also when it cannot be looked at. */
bool keys_outdated(const struct keys *k) __attribute__((nonnull));

/* The file they were read from. */
const char *keys_path(const struct keys *k) __attribute__((nonnull));

/* Wipes and releases; accepts NULL and nulls the caller's pointer. */
void keys_free(struct keys **k);

/* The secret for addr_key(), of KEYS_SECRET octets; lives as long as `k`. */
const uint8_t *keys_index(const struct keys *k) __attribute__((nonnull));

/* The key that signs, and the key of a number (NULL if there is none). */
const struct keys_token *keys_signing(const struct keys *k)
    __attribute__((nonnull, returns_nonnull));
const struct keys_token *keys_numbered(const struct keys *k, int number)
    __attribute__((nonnull));

/* The ledger's key that signs (NULL if the file has none), the key of a number,
 * and the keys one by one, the signing one first (NULL at the end). */
const struct keys_ledger *keys_ledger_signing(const struct keys *k)
    __attribute__((nonnull));
const struct keys_ledger *keys_ledger_numbered(const struct keys *k, int number)
    __attribute__((nonnull));
const struct keys_ledger *keys_ledger_at(const struct keys *k, int i)
    __attribute__((nonnull));

/* A public key as text, base64 of its octets, and back: false if it is none. */
enum { KEYS_PUBLIC_TEXT = 45 };
const char *keys_public_text(const uint8_t public[KEYS_PUBLIC],
    char out[KEYS_PUBLIC_TEXT]) __attribute__((nonnull));
bool keys_public_parse(const char *text, uint8_t out[KEYS_PUBLIC])
    __attribute__((nonnull, warn_unused_result));

/* Writes a new file; an existing one is an error (ERR_REFUSED), as its index
 * secret could never be had again. */
int keys_create(const char *path, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Adds a new signing key above those of its kind, replacing the file
 * atomically; the old keys keep verifying.  `*number` is the new key's. */
int keys_rotate(const char *path, enum keys_kind kind, int *number,
    struct err *e) __attribute__((nonnull, warn_unused_result));

#endif
