/* SPDX-License-Identifier: ISC */
/*
 * checkpoint - the signed root of the ledger at one size
 *
 * The text is plain so that anybody can rebuild it and check the signature
 * with a tool of their own; it names what it is, so that a signature made for
 * a checkpoint never passes for another thing.
 */
#include "checkpoint.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "instant.h"
#include "keys.h"

enum { TEXT = 512 };

_Static_assert(CHECKPOINT_SIGNATURE == crypto_sign_BYTES, "Ed25519");
_Static_assert(CHECKPOINT_PUBLIC == crypto_sign_PUBLICKEYBYTES, "Ed25519");

static size_t
text_of(const struct checkpoint *c, char out[TEXT])
{
	char root[2 * MERKLE_HASH + 1], at[INSTANT_TEXT];

	sodium_bin2hex(root, sizeof(root), c->root.octets, MERKLE_HASH);
	return (size_t)snprintf(out, TEXT,
	    "assent checkpoint 1\n"
	    "number %lld\nsize %lld\nroot %s\nat %s\nkey %d\n"
	    "last %lld\nhorizon %lld\nsettled %lld\n",
	    (long long)c->number, (long long)c->size, root,
	    instant_text(c->signed_at, at), c->key, (long long)c->last,
	    (long long)c->horizon, (long long)c->settled);
}

void
checkpoint_sign(struct checkpoint *c, const struct keys_ledger *key)
{
	char text[TEXT];
	size_t n;

	c->key = key->number;
	n = text_of(c, text);
	crypto_sign_detached(
	    c->signature, NULL, (const uint8_t *)text, n, key->secret);
}

bool
checkpoint_signed(
    const struct checkpoint *c, const uint8_t public[CHECKPOINT_PUBLIC])
{
	char text[TEXT];
	size_t n = text_of(c, text);

	return crypto_sign_verify_detached(
		   c->signature, (const uint8_t *)text, n, public) == 0;
}

static void
take_text(crypto_sign_state *st, const char *kind, const char *text)
{
	crypto_sign_init(st);
	crypto_sign_update(st, (const uint8_t *)kind, strlen(kind));
	crypto_sign_update(st, (const uint8_t *)"\n", 1);
	crypto_sign_update(st, (const uint8_t *)text, strlen(text));
}

void
checkpoint_sign_text(const char *kind, const char *text,
    const struct keys_ledger *key, uint8_t out[CHECKPOINT_SIGNATURE])
{
	crypto_sign_state st;

	take_text(&st, kind, text);
	crypto_sign_final_create(&st, out, NULL, key->secret);
}

bool
checkpoint_text_signed(const char *kind, const char *text,
    const uint8_t signature[CHECKPOINT_SIGNATURE],
    const uint8_t public[CHECKPOINT_PUBLIC])
{
	crypto_sign_state st;

	take_text(&st, kind, text);
	return crypto_sign_final_verify(&st, signature, public) == 0;
}
