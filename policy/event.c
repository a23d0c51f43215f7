/* SPDX-License-Identifier: ISC */
/*
 * event - a fact of the ledger, and the leaf it comes to
 *
 * Every value says its length, so no two sets of facts have the same octets:
 * what ends one text can never be read as the beginning of the next.
 */
#include "event.h"

#include <sodium.h>
#include <string.h>

/* The numbers in the table of event.h. */
enum fact {
	ID = 1,
	RECORDED_AT,
	AT,
	ACT,
	CONTACT,
	PURPOSE,
	CHANNEL,
	EXPIRES,
	SOURCE,
	ACTOR,
	COMMITMENT,
	ABOUT,
	TEXT,
	DETAIL
};

static void
put(crypto_hash_sha256_state *st, enum fact fact, const void *value, size_t n)
{
	uint8_t head[5] = {(uint8_t)fact, (uint8_t)(n >> 24),
	    (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

	crypto_hash_sha256_update(st, head, sizeof(head));
	crypto_hash_sha256_update(st, value, n);
}

static void
put_int(crypto_hash_sha256_state *st, enum fact fact, int64_t value)
{
	uint8_t octets[8];

	for (int i = 0; i < 8; i++)
		octets[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
	put(st, fact, octets, sizeof(octets));
}

static void
put_number(crypto_hash_sha256_state *st, enum fact fact,
    const struct event_number *number)
{
	if (number->there)
		put_int(st, fact, number->value);
}

static void
put_text(crypto_hash_sha256_state *st, enum fact fact, const char *text)
{
	if (text != NULL)
		put(st, fact, text, strlen(text));
}

void
event_leaf(const struct event *e, struct merkle_hash *out)
{
	static const uint8_t head[] = "\0assent event 1\n";
	crypto_hash_sha256_state st;

	crypto_hash_sha256_init(&st);
	crypto_hash_sha256_update(&st, head, sizeof(head) - 1);
	put_int(&st, ID, e->id);
	put_int(&st, RECORDED_AT, e->recorded_at);
	put_int(&st, AT, e->at);
	put_text(&st, ACT, e->act);
	put_number(&st, CONTACT, &e->contact);
	put_number(&st, PURPOSE, &e->purpose);
	put_text(&st, CHANNEL, e->channel);
	put_number(&st, EXPIRES, &e->expires);
	put_text(&st, SOURCE, e->source);
	put_text(&st, ACTOR, e->actor);
	put(&st, COMMITMENT, e->commitment.octets, MERKLE_HASH);
	put_number(&st, ABOUT, &e->about);
	put_number(&st, TEXT, &e->text);
	put_text(&st, DETAIL, e->detail);
	crypto_hash_sha256_final(&st, out->octets);
}

void
event_commitment(const uint8_t *salt, size_t salt_len, const char *fields,
    struct merkle_hash *out)
{
	crypto_hash_sha256_state st;

	crypto_hash_sha256_init(&st);
	crypto_hash_sha256_update(&st, salt, salt_len);
	crypto_hash_sha256_update(&st, (const uint8_t *)fields, strlen(fields));
	crypto_hash_sha256_final(&st, out->octets);
}
