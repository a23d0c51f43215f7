/* SPDX-License-Identifier: ISC */
/*
 * addr - one canonical form of an email address, and its key
 *
 * What is already lower-case ASCII, which is nearly all mail, takes a path
 * without Unicode tables.  Whatever is not certainly an address is refused:
 * an address that cannot be made canonical cannot be looked up, and what
 * cannot be looked up has no consent.
 */
#include "addr.h"

#include <idn2.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "arena.h"
#include "fold.h"

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static void
lower_ascii(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

/* RFC 5322 atext, the dot, and all beyond ASCII (RFC 6531). */
static bool
is_dot_atom(const char *s)
{
	static const char special[] = "!#$%&'*+-/=?^_`{|}~.";

	for (const char *p = s; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c >= 0x80 || (c >= '0' && c <= '9') ||
		    (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
			continue;
		if (strchr(special, c) == NULL)
			return false;
	}
	return s[0] != '\0';
}

/* Takes the quotes off a quoted-string in place. False if it is none. */
static bool
unquote(char *s)
{
	char *to = s;
	const char *p = s + 1;

	for (; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
		*to++ = *p;
	}
	if (p[1] != '\0' || to == s)
		return false;
	*to = '\0';
	return true;
}

static char *
canonical_local(struct arena *a, const char *local, struct err *e)
{
	char *s = arena_strdup(a, local);

	if (s == NULL) {
		err_set(e, ERR_FATAL, "out of memory for an address");
		return NULL;
	}
	if (s[0] == '"' ? !unquote(s) : !is_dot_atom(s)) {
		err_set(e, ERR_REFUSED,
		    "the part before @ has a character that may not be there");
		return NULL;
	}
	if (is_ascii(s)) {
		lower_ascii(s);
		return s;
	}
	return fold_text(a, "the part before @", s, e);
}

/* [192.0.2.1] and [IPv6:...]: no name to convert. */
static bool
is_literal(const char *s)
{
	size_t n = strlen(s);

	return n > 2 && s[0] == '[' && s[n - 1] == ']' &&
	    strspn(s + 1, "0123456789abcdefABCDEFIPVipv:.") == n - 2;
}

static bool
is_hostname(const char *s)
{
	size_t label = 0;

	for (; *s != '\0'; s++) {
		bool alnum = (*s >= 'a' && *s <= 'z') ||
		    (*s >= '0' && *s <= '9') || *s == '_';

		if (*s == '.' ? label == 0 || s[-1] == '-'
			      : !alnum && (*s != '-' || label == 0))
			return false;
		label = *s == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0 && s[-1] != '-';
}

static char *
canonical_domain(struct arena *a, const char *domain, struct err *e)
{
	char *s = arena_strdup(a, domain), *ascii = NULL;
	int rc;

	if (s == NULL) {
		err_set(e, ERR_FATAL, "out of memory for an address");
		return NULL;
	}
	if (!is_ascii(s)) {
		rc = idn2_to_ascii_8z(
		    s, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
		if (rc != IDN2_OK) {
			err_set(e, ERR_REFUSED, "the domain: %s",
			    idn2_strerror(rc));
			return NULL;
		}
		s = arena_strdup(a, ascii);
		idn2_free(ascii);
		if (s == NULL) {
			err_set(e, ERR_FATAL, "out of memory for an address");
			return NULL;
		}
	}
	lower_ascii(s);
	if (!is_literal(s) && !is_hostname(s)) {
		err_set(e, ERR_REFUSED, "the part after @ is no domain");
		return NULL;
	}
	return s;
}

static const char *
join(struct arena *a, const char *local, size_t n, const char *domain)
{
	return arena_printf(a, "%.*s@%s", (int)n, local, domain);
}

static int
canonicalise(struct arena *a, char *text, struct addr *out, struct err *e)
{
	char *at = strrchr(text, '@'), *local, *domain;
	const char *plus;

	if (at == NULL || at == text)
		return err_set(e, ERR_REFUSED, "no address: an @ is missing");
	*at = '\0';
	if (at - text > ADDR_LOCAL_MAX || strlen(at + 1) > ADDR_DOMAIN_MAX)
		return err_set(e, ERR_REFUSED, "the address is too long");
	local = canonical_local(a, text, e);
	domain = local == NULL ? NULL : canonical_domain(a, at + 1, e);
	if (domain == NULL)
		return -1;
	out->canonical = join(a, local, strlen(local), domain);
	plus = strchr(local + 1, '+');
	out->base = local[0] == '\0' || plus == NULL
	    ? NULL
	    : join(a, local, (size_t)(plus - local), domain);
	*at = '@';
	if (out->canonical == NULL || (plus != NULL && out->base == NULL))
		return err_set(e, ERR_FATAL, "out of memory for an address");
	return 0;
}

int
addr_parse(struct arena *a, const char *text, size_t len, struct addr *out,
    struct err *e)
{
	char *s;

	*out = (struct addr){0};
	if (len >= 2 && text[0] == '<' && text[len - 1] == '>') {
		text++;
		len -= 2;
	}
	if (len > ADDR_MAX)
		return err_set(e, ERR_REFUSED, "the address is too long");
	if (memchr(text, '\0', len) != NULL)
		return err_set(e, ERR_REFUSED, "the address has a NUL in it");
	s = arena_strndup(a, text, len);
	if (s == NULL)
		return err_set(e, ERR_FATAL, "out of memory for an address");
	out->original = s;
	return canonicalise(a, s, out, e);
}

struct addr_key
addr_key(
    const uint8_t secret[ADDR_SECRET], const char *kind, const char *canonical)
{
	struct addr_key key;
	uint8_t hash[crypto_generichash_BYTES_MIN];
	crypto_generichash_state st;

	/* The kind's NUL separates it from what follows. */
	crypto_generichash_init(&st, secret, ADDR_SECRET, sizeof(hash));
	crypto_generichash_update(&st, (const uint8_t *)kind, strlen(kind) + 1);
	crypto_generichash_update(
	    &st, (const uint8_t *)canonical, strlen(canonical));
	crypto_generichash_final(&st, hash, sizeof(hash));
	memcpy(key.octets, hash, sizeof(key.octets));
	return key;
}

const char *
addr_key_hex(const struct addr_key *key, char out[ADDR_KEY_HEX])
{
	return sodium_bin2hex(
	    out, ADDR_KEY_HEX, key->octets, sizeof(key->octets));
}
