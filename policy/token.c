/* SPDX-License-Identifier: ISC */
/*
 * token - sealing and opening
 *
 * The MAC covers capability, key number and body, so that a token for one
 * capability never opens another.  All comparisons of secrets take constant
 * time.  base64url of 33 octets has no spare bits; base32 has one, which must
 * be zero: each token has exactly one text per spelling.
 */
#include "token.h"

#include <sodium.h>
#include <string.h>

#include "keys.h"

enum { MAC = 16, NUMBER_MASK = 0x1f, CAPABILITY_SHIFT = 5 };

_Static_assert(1 + TOKEN_BODY + MAC == TOKEN_OCTETS, "the parts add up");
_Static_assert(ADDR_KEY + 3 == TOKEN_BODY, "a subject fills a body");

struct token
token_for(enum capability c, const struct token_subject *s)
{
	struct token t = {.capability = c};

	memcpy(t.body, s->key.octets, ADDR_KEY);
	t.body[ADDR_KEY] = (uint8_t)s->channel;
	t.body[ADDR_KEY + 1] = (uint8_t)(s->purpose >> 8);
	t.body[ADDR_KEY + 2] = (uint8_t)s->purpose;
	return t;
}

bool
token_subject(const struct token *t, struct token_subject *s)
{
	if (t->body[ADDR_KEY] >= CHANNEL_COUNT)
		return false;
	memcpy(s->key.octets, t->body, ADDR_KEY);
	s->channel = (enum channel)t->body[ADDR_KEY];
	s->purpose =
	    (uint16_t)(t->body[ADDR_KEY + 1] << 8 | t->body[ADDR_KEY + 2]);
	return true;
}

static void
mac(const struct keys_token *key, uint8_t head, const uint8_t body[TOKEN_BODY],
    uint8_t out[MAC])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, key->mac, sizeof(key->mac), MAC);
	crypto_generichash_update(&st, &head, 1);
	crypto_generichash_update(&st, body, TOKEN_BODY);
	crypto_generichash_final(&st, out, MAC);
}

/* Encrypts or decrypts the body in place. */
static void
crypt(const struct keys_token *key, const uint8_t tag[MAC],
    uint8_t body[TOKEN_BODY])
{
	uint8_t nonce[crypto_stream_xchacha20_NONCEBYTES] = {0};

	memcpy(nonce, tag, MAC);
	crypto_stream_xchacha20_xor(body, body, TOKEN_BODY, nonce, key->cipher);
}

static void
seal(const struct keys *k, const struct token *t, uint8_t out[TOKEN_OCTETS])
{
	const struct keys_token *key = keys_signing(k);
	uint8_t head =
	    (uint8_t)(t->capability << CAPABILITY_SHIFT | key->number);

	out[0] = head;
	memcpy(out + 1, t->body, TOKEN_BODY);
	mac(key, head, t->body, out + 1 + TOKEN_BODY);
	crypt(key, out + 1 + TOKEN_BODY, out + 1);
}

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

static void
base32_encode(const uint8_t in[TOKEN_OCTETS], char out[TOKEN_MAIL])
{
	unsigned int bits = 0, n = 0;
	char *p = out;

	for (size_t i = 0; i < TOKEN_OCTETS; i++) {
		bits = bits << 8 | in[i];
		for (n += 8; n >= 5; n -= 5)
			*p++ = base32[bits >> (n - 5) & 0x1f];
	}
	*p++ = base32[bits << (5 - n) & 0x1f];
	*p = '\0';
}

static int
base32_value(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

static bool
base32_decode(const char *in, uint8_t out[TOKEN_OCTETS])
{
	unsigned int bits = 0, n = 0;
	size_t at = 0;

	for (size_t i = 0; i < TOKEN_MAIL - 1; i++) {
		int v = base32_value(in[i]);

		if (v < 0)
			return false;
		bits = bits << 5 | (unsigned int)v;
		n += 5;
		if (n >= 8) {
			n -= 8;
			out[at++] = (uint8_t)(bits >> n);
		}
	}
	return (bits & ((1U << n) - 1)) == 0;
}

void
token_seal_url(const struct keys *k, const struct token *t, char out[TOKEN_URL])
{
	uint8_t octets[TOKEN_OCTETS];

	seal(k, t, octets);
	sodium_bin2base64(out, TOKEN_URL, octets, sizeof(octets),
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void
token_seal_mail(
    const struct keys *k, const struct token *t, char out[TOKEN_MAIL])
{
	uint8_t octets[TOKEN_OCTETS];

	seal(k, t, octets);
	base32_encode(octets, out);
}

static bool
decode(const char *text, size_t len, uint8_t out[TOKEN_OCTETS])
{
	size_t n;

	/* libsodium takes any octet beyond ASCII for a "_". */
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	if (len == TOKEN_MAIL - 1)
		return base32_decode(text, out);
	return len == TOKEN_URL - 1 &&
	    sodium_base642bin(out, TOKEN_OCTETS, text, len, NULL, &n, NULL,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
	    n == TOKEN_OCTETS;
}

bool
token_open(const struct keys *k, enum capability want, const char *text,
    size_t len, struct token *t)
{
	uint8_t in[TOKEN_OCTETS], body[TOKEN_BODY], expected[MAC];
	const struct keys_token *key;

	if (!decode(text, len, in) || in[0] >> CAPABILITY_SHIFT != (int)want)
		return false;
	key = keys_numbered(k, in[0] & NUMBER_MASK);
	if (key == NULL)
		return false;
	memcpy(body, in + 1, TOKEN_BODY);
	crypt(key, in + 1 + TOKEN_BODY, body);
	mac(key, in[0], body, expected);
	if (sodium_memcmp(expected, in + 1 + TOKEN_BODY, MAC) != 0)
		return false;
	t->capability = want;
	memcpy(t->body, body, TOKEN_BODY);
	return true;
}

int
token_open_fresh(const struct keys *k, enum capability want, const char *text,
    size_t len, struct token *t, struct err *e)
{
	struct keys *fresh;
	bool good;

	if (token_open(k, want, text, len, t))
		return 1;
	if (!keys_outdated(k))
		return 0;
	fresh = keys_load(keys_path(k), e);
	if (fresh == NULL)
		return -1;
	good = token_open(fresh, want, text, len, t);
	keys_free(&fresh);
	return good;
}
