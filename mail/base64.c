/* SPDX-License-Identifier: ISC */
/*
 * base64 - the transfer encoding of that name
 *
 * Read strictly, since what its readers make of anything else differs: no other
 * octets than digits and white space, padding at the end only.
 */
#include "base64.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "policy/arena.h"
#include "splice.h"

enum { LINE_MAX_OCTETS = 76 };

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of each digit plus one; 0 what is no digit. */
static void
make_table(uint8_t table[256])
{
	memset(table, 0, 256);
	for (uint8_t i = 0; i < 64; i++)
		table[(unsigned char)alphabet[i]] = i + 1;
}

static bool
space(char c)
{
	return c == '\r' || c == '\n' || c == ' ' || c == '\t';
}

/* Whether `p` has nothing but padding, at most `pads`, and white space. */
static bool
ends(const char *p, const char *end, size_t pads)
{
	for (; p < end; p++)
		if (*p == '=' && pads > 0)
			pads--;
		else if (!space(*p))
			return false;
	return true;
}

const char *
base64_decode(struct arena *a, const char *raw, size_t len, size_t *out_len)
{
	const char *p = raw, *end = raw + len;
	char *out = arena_alloc(a, len / 4 * 3 + 4), *w = out;
	uint8_t table[256];
	uint32_t bits = 0;
	size_t digits = 0;

	if (out == NULL)
		return NULL;
	make_table(table);
	for (; p < end; p++) {
		uint8_t digit = table[(unsigned char)*p];

		if (digit == 0 && space(*p))
			continue;
		if (digit == 0)
			break;
		bits = bits << 6 | (uint32_t)(digit - 1);
		if (++digits % 4 != 0)
			continue;
		*w++ = (char)(bits >> 16);
		*w++ = (char)(bits >> 8);
		*w++ = (char)bits;
	}
	if (!ends(p, end, (4 - digits % 4) % 4) || digits % 4 == 1)
		return NULL;
	bits <<= 6 * ((4 - digits % 4) % 4);
	for (size_t i = 0; digits % 4 > 1 && i < digits % 4 - 1; i++)
		*w++ = (char)(bits >> (16 - 8 * i));
	*out_len = (size_t)(w - out);
	return out;
}

static char *
write_text(char *out, const char *text, size_t len, size_t line)
{
	const unsigned char *t = (const unsigned char *)text;
	size_t column = 0;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)t[i] << 16 |
		    (n > 1 ? (uint32_t)t[i + 1] << 8 : 0) |
		    (n > 2 ? t[i + 2] : 0);

		if (column + 4 > line) {
			out = mempcpy(out, "\r\n", 2);
			column = 0;
		}
		*out++ = alphabet[bits >> 18];
		*out++ = alphabet[bits >> 12 & 63];
		*out++ = n > 1 ? alphabet[bits >> 6 & 63] : '=';
		*out++ = n > 2 ? alphabet[bits & 63] : '=';
		column += 4;
	}
	return out;
}

static size_t
room_for(size_t len, size_t line)
{
	size_t n = (len + 2) / 3 * 4;

	return n + n / (line / 4 * 4) * 2 + 4;
}

/* The begin of the last encoded line that begins a group of three octets none
 * of which is after position `at`; `*from` is its position. */
static size_t
kept(const char *raw, size_t len, size_t at, size_t *from)
{
	size_t digits = 0, keep = 0;

	*from = 0;
	for (size_t i = 0; i < len && digits / 4 * 3 <= at; i++) {
		if (!space(raw[i]))
			digits++;
		if (raw[i] != '\n' || digits % 4 != 0 || digits / 4 * 3 > at)
			continue;
		keep = i + 1;
		*from = digits / 4 * 3;
	}
	return keep;
}

/* The width of the lines: of the first, if it is not the only one. */
static size_t
line_width(const char *raw, size_t len)
{
	size_t n = 0, next;

	while (n < len && n < LINE_MAX_OCTETS && !space(raw[n]))
		n++;
	for (next = n; next < len && space(raw[next]); next++)
		;
	return n < 4 || next == len ? LINE_MAX_OCTETS : n;
}

char *
base64_splice(struct arena *a, const char *raw, size_t len, const char *text,
    size_t text_len, const struct splices *s, size_t *out_len)
{
	const size_t line = line_width(raw, len);
	size_t from, keep = kept(raw, len, s->list[0].at, &from);
	size_t tail = len, edited_len;
	char *edited, *out, *p;

	while (tail > keep && space(raw[tail - 1]))
		tail--;
	edited = splice_apply(a, text, text_len, from, s, &edited_len);
	if (edited == NULL)
		return NULL;
	out = arena_alloc(a, len + room_for(edited_len, line));
	if (out == NULL)
		return NULL;
	p = mempcpy(out, raw, keep);
	p = write_text(p, edited, edited_len, line);
	p = mempcpy(p, raw + tail, len - tail);
	*out_len = (size_t)(p - out);
	return out;
}

char *
base64_encode(struct arena *a, const char *text, size_t len, size_t *out_len)
{
	char *out = arena_alloc(a, room_for(len, LINE_MAX_OCTETS)), *end;

	if (out == NULL)
		return NULL;
	end = write_text(out, text, len, LINE_MAX_OCTETS);
	end = mempcpy(end, "\r\n", 2);
	*out_len = (size_t)(end - out);
	return out;
}
