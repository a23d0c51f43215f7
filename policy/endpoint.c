/* SPDX-License-Identifier: ISC */
/*
 * endpoint - where a person can be reached, in one canonical form
 *
 * As with addresses: two spellings of the same place get one form, since a
 * refusal that depends on how a number was typed is no refusal; and what may
 * be two places is refused, since a grant must not reach the other.
 */
#include "endpoint.h"

#include <stdbool.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

#include "arena.h"
#include "fold.h"

static int
parse_email(struct arena *a, const char *text, size_t len, struct endpoint *out,
    struct err *e)
{
	struct addr addr;

	if (addr_parse(a, text, len, &addr, e) != 0)
		return -1;
	out->original = addr.original;
	out->canonical = addr.canonical;
	out->base = addr.base;
	return 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Copies the + and the digits of `text`; how many digits, -1 when there is
 * anything else. */
static int
take_digits(const char *text, char out[ENDPOINT_DIGITS_MAX + 2])
{
	int n = 0;

	text += strspn(text, " ");
	if (*text != '+')
		return -1;
	out[0] = *text++;
	for (; *text != '\0'; text++) {
		if (is_digit(*text)) {
			if (n == ENDPOINT_DIGITS_MAX)
				return -1;
			out[++n] = *text;
		} else if (strchr(" -.()", *text) == NULL) {
			return -1;
		}
	}
	out[n + 1] = '\0';
	return n;
}

static int
parse_phone(struct arena *a, struct endpoint *out, struct err *e)
{
	char digits[ENDPOINT_DIGITS_MAX + 2];

	if (strstr(out->original, "(0)") != NULL)
		return err_set(e, ERR_REFUSED,
		    "(0) is not part of an international number: leave it out");
	if (take_digits(out->original, digits) < ENDPOINT_DIGITS_MIN ||
	    digits[1] == '0')
		return err_set(e, ERR_REFUSED,
		    "a number is + and %d to %d digits, the first not 0",
		    ENDPOINT_DIGITS_MIN, ENDPOINT_DIGITS_MAX);
	out->canonical = arena_strdup(a, digits);
	if (out->canonical == NULL)
		return err_set(e, ERR_FATAL, "out of memory for a number");
	return 0;
}

/* Leaves one space for any white space within `s`, and none around it.  False
 * when `s`, which is UTF-8, has another control character. */
static bool
squeeze(char *s)
{
	const uint8_t *p = (const uint8_t *)s;
	char *to = s;
	bool space = false;
	ucs4_t c;

	for (int n; (n = u8_strmbtouc(&c, p)) > 0; p += n) {
		if (uc_is_property_white_space(c)) {
			space = to > s;
			continue;
		}
		if (uc_is_property_iso_control(c))
			return false;
		if (space)
			*to++ = ' ';
		space = false;
		memmove(to, p, (size_t)n);
		to += n;
	}
	*to = '\0';
	return true;
}

static int
parse_text(struct arena *a, struct endpoint *out, struct err *e)
{
	char *s = fold_text(a, "the text", out->original, e);

	if (s == NULL)
		return -1;
	if (!squeeze(s))
		return err_set(
		    e, ERR_REFUSED, "the text has a control character");
	if (s[0] == '\0')
		return err_set(e, ERR_REFUSED, "the text is empty");
	if (strlen(s) > ENDPOINT_MAX)
		return err_set(e, ERR_REFUSED, "the text is too long");
	out->canonical = s;
	return 0;
}

/* The kind that can be told from the text; NULL if none can. */
static const char *
guess(const char *text, size_t len)
{
	size_t blank = 0;

	if (memchr(text, '@', len) != NULL)
		return "email";
	while (blank < len && text[blank] == ' ')
		blank++;
	return blank < len && text[blank] == '+' ? "phone" : NULL;
}

static const struct {
	const char *kind;
	int (*parse)(struct arena *, struct endpoint *, struct err *);
} kinds[] = {
    {"phone", parse_phone},
    {"postal", parse_text},
    {"device", parse_text},
    {"im", parse_text},
};

static int
parse_kind(struct arena *a, const char *kind, const char *text, size_t len,
    struct endpoint *out, struct err *e)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].kind, kind) != 0)
			continue;
		out->original = arena_strndup(a, text, len);
		if (out->original == NULL)
			return err_set(
			    e, ERR_FATAL, "out of memory for an address");
		out->kind = kinds[i].kind;
		return kinds[i].parse(a, out, e);
	}
	return err_set(e, ERR_REFUSED,
	    "\"%s\" is none of email, phone, postal, device, im", kind);
}

int
endpoint_parse(struct arena *a, const char *kind, const char *text, size_t len,
    struct endpoint *out, struct err *e)
{
	*out = (struct endpoint){.kind = "email"};
	if (kind == NULL)
		kind = guess(text, len);
	if (kind == NULL)
		return err_set(e, ERR_REFUSED,
		    "neither an email address, which has an @, nor a number, "
		    "which begins with +");
	if (strcmp(kind, "email") == 0)
		return parse_email(a, text, len, out, e);
	if (len > ENDPOINT_MAX)
		return err_set(
		    e, ERR_REFUSED, "the %s address is too long", kind);
	if (memchr(text, '\0', len) != NULL)
		return err_set(e, ERR_REFUSED, "the address has a NUL in it");
	return parse_kind(a, kind, text, len, out, e);
}

struct addr_key
endpoint_key(const uint8_t secret[ADDR_SECRET], const struct endpoint *endpoint)
{
	return addr_key(secret, endpoint->kind, endpoint->canonical);
}
