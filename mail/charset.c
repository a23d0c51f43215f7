/* SPDX-License-Identifier: ISC */
/*
 * charset - the character set of a text part
 *
 * Families are told by name; iconv is asked whether it knows a name, and
 * whether the set agrees with ASCII at all, which UTF-7 and EBCDIC do not.  A
 * set nobody knows is taken for one that does: that is how it is shown, and
 * only ASCII is put into it.
 */
#include "charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "ascii.h"
#include "policy/arena.h"

enum { MASK = 0x80, ESC = 0x1b, SHIFT_OUT = 0x0e, SHIFT_IN = 0x0f };

static const struct {
	const char *prefix;
	struct charset set; /* without a name: the part's own */
} families[] = {
    {"utf-8", {"UTF-8", CHARSET_OCTETS, 1, false}},
    {"utf8", {"UTF-8", CHARSET_OCTETS, 1, false}},
    {"us-ascii", {"US-ASCII", CHARSET_OCTETS, 1, false}},
    {"utf-16le", {"UTF-16LE", CHARSET_WIDE, 2, true}},
    {"utf-16", {"UTF-16BE", CHARSET_WIDE, 2, false}},
    {"utf-32le", {"UTF-32LE", CHARSET_WIDE, 4, true}},
    {"utf-32", {"UTF-32BE", CHARSET_WIDE, 4, false}},
    {"iso-2022-", {NULL, CHARSET_SHIFTS, 1, false}},
    {"csiso2022", {NULL, CHARSET_SHIFTS, 1, false}},
    {"iso-8859-", {NULL, CHARSET_OCTETS, 1, false}},
    {"windows-125", {NULL, CHARSET_OCTETS, 1, false}},
    {"shift", {NULL, CHARSET_PAIRS, 1, false}},
    {"sjis", {NULL, CHARSET_PAIRS, 1, false}},
    {"x-sjis", {NULL, CHARSET_PAIRS, 1, false}},
    {"windows-31j", {NULL, CHARSET_PAIRS, 1, false}},
    {"cp932", {NULL, CHARSET_PAIRS, 1, false}},
    {"ms_kanji", {NULL, CHARSET_PAIRS, 1, false}},
    {"gb", {NULL, CHARSET_PAIRS, 1, false}},
    {"cp936", {NULL, CHARSET_PAIRS, 1, false}},
    {"big5", {NULL, CHARSET_PAIRS, 1, false}},
    {"cp950", {NULL, CHARSET_PAIRS, 1, false}},
    {"johab", {NULL, CHARSET_PAIRS, 1, false}},
    {"uhc", {NULL, CHARSET_PAIRS, 1, false}},
    {"cp949", {NULL, CHARSET_PAIRS, 1, false}},
    {"ks_c_5601", {"UHC", CHARSET_PAIRS, 1, false}},
};

/* One step of iconv over everything; true if all was converted. */
static bool
convert(const char *to, const char *from, const char *in, size_t len, char *out,
    size_t *out_len)
{
	iconv_t cd = iconv_open(to, from);
	size_t left = *out_len;
	char *src = (char *)(uintptr_t)in;
	bool ok;

	if (cd == (iconv_t)-1)
		return false;
	ok = iconv(cd, &src, &len, &out, &left) == 0 &&
	    iconv(cd, NULL, NULL, &out, &left) != (size_t)-1;
	iconv_close(cd);
	*out_len -= left;
	return ok;
}

/* Knows iconv this name, and as a superset of ASCII? */
static void
probe(struct charset *c)
{
	char ascii[96], back[4 * sizeof(ascii)];
	size_t n = sizeof(back);
	iconv_t cd = iconv_open("UTF-8", c->name);

	if (cd == (iconv_t)-1) {
		*c = (struct charset){NULL, CHARSET_OCTETS, 1, false};
		return;
	}
	iconv_close(cd);
	for (size_t i = 0; i < sizeof(ascii); i++)
		ascii[i] = i == 0 ? '\n' : (char)(' ' + i - 1);
	if (!convert("UTF-8", c->name, ascii, sizeof(ascii), back, &n) ||
	    n != sizeof(ascii) || memcmp(ascii, back, n) != 0)
		c->kind = CHARSET_OPAQUE;
}

/* RFC 2781: a mark decides, without one the order is the network's. */
static void
heed_mark(struct charset *c, const char *name, const char *text, size_t len)
{
	if (strlen(name) > strlen("utf-16") || len < c->width)
		return;
	if (memcmp(text, "\xff\xfe\0", c->width == 4 ? 4 : 2) != 0)
		return;
	c->name = c->width == 4 ? "UTF-32LE" : "UTF-16LE";
	c->little = true;
}

/* The state after the octet at `i`: whether it is ASCII that follows.  Sets
 * `i` to the last octet of an escape sequence. */
static bool
shift(const char *text, size_t n, size_t *i, bool ascii)
{
	size_t j = *i + 1;
	char first, second;

	if (text[*i] == SHIFT_OUT || text[*i] == SHIFT_IN)
		return text[*i] == SHIFT_IN;
	if (text[*i] != ESC)
		return ascii;
	while (j < n && text[j] >= 0x20 && text[j] <= 0x2f)
		j++;
	if (j >= n)
		return ascii;
	first = text[*i + 1];
	second = text[*i + 2 < j ? *i + 2 : j];
	*i = j;
	if (first == '(')
		return text[j] == 'B' || text[j] == 'J';
	/* ESC ) and its kin only say what SHIFT_OUT will mean. */
	if (first == '$')
		return second >= ')' && second <= '/' ? ascii : false;
	return ascii;
}

/* Whether every escape sequence is whole. */
static bool
escapes_end(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const size_t at = i;

		(void)shift(text, len, &i, true);
		if (text[at] == ESC && i == at)
			return false;
	}
	return true;
}

void
charset_of(const char *name, const char *text, size_t len, struct charset *out)
{
	const size_t n = sizeof(families) / sizeof(families[0]);

	if (name == NULL || *name == '\0')
		name = "us-ascii";
	for (size_t i = 0; i < n; i++) {
		const char *prefix = families[i].prefix;

		if (strncasecmp(name, prefix, strlen(prefix)) != 0)
			continue;
		*out = families[i].set;
		if (out->kind == CHARSET_WIDE)
			heed_mark(out, name, text, len);
		if (out->kind == CHARSET_SHIFTS && !escapes_end(text, len))
			out->kind = CHARSET_OPAQUE;
		if (out->name == NULL)
			out->name = name;
		return;
	}
	*out = (struct charset){name, CHARSET_OCTETS, 1, false};
	probe(out);
}

static void
narrow(const struct charset *c, const unsigned char *text, char *view, size_t n)
{
	for (size_t i = 0; i < n; i++, text += c->width) {
		unsigned high = 0;

		for (size_t j = 0; j < c->width - 1; j++)
			high |= text[c->little ? j + 1 : j];
		view[i] = (char)text[c->little ? 0 : c->width - 1];
		if (high != 0 || (view[i] & 0x80) != 0)
			view[i] = (char)MASK;
	}
}

/* Leads of half-width katakana have no second octet. */
static bool
leads(const struct charset *c, unsigned char octet)
{
	const bool japanese = strncasecmp(c->name, "gb", 2) != 0 &&
	    (strcasestr(c->name, "jis") != NULL ||
		strcasestr(c->name, "31j") != NULL ||
		strcasestr(c->name, "932") != NULL ||
		strcasestr(c->name, "kanji") != NULL);

	if (japanese && octet >= 0xa0 && octet <= 0xdf)
		return false;
	return octet > 0x80 && octet < 0xff;
}

static void
mask_pairs(const struct charset *c, char *view, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if ((view[i] & 0x80) != 0 && leads(c, (unsigned char)view[i]))
			view[++i] = (char)MASK;
}

static void
mask_shifts(char *view, size_t n)
{
	bool ascii = true;

	for (size_t i = 0; i < n; i++) {
		size_t begin = i;
		bool next = shift(view, n, &i, ascii);

		if (i > begin || !ascii)
			memset(view + begin, MASK, i + 1 - begin);
		ascii = next;
	}
}

const char *
charset_view(struct arena *a, const struct charset *c, const char *text,
    size_t len, size_t *units)
{
	char *view;

	*units = len / c->width;
	if (c->kind == CHARSET_OCTETS || c->kind == CHARSET_OPAQUE)
		return text;
	view = arena_alloc(a, *units + 1);
	if (view == NULL)
		return NULL;
	if (c->kind == CHARSET_WIDE) {
		narrow(c, (const unsigned char *)text, view, *units);
		return view;
	}
	memcpy(view, text, len);
	if (c->kind == CHARSET_PAIRS)
		mask_pairs(c, view, len);
	else
		mask_shifts(view, len);
	return view;
}

bool
charset_in_ascii(const struct charset *c, const char *text, size_t units)
{
	bool ascii = true;

	if (c->kind != CHARSET_SHIFTS)
		return true;
	for (size_t i = 0; i < units; i++)
		ascii = shift(text, units, &i, ascii);
	return ascii;
}

const char *
charset_encode(struct arena *a, const struct charset *c, const char *utf8,
    size_t len, size_t *out_len)
{
	const bool same = c->width == 1 && ascii_only(utf8, len);
	size_t room = 4 * len + 16;
	char *out;

	if (c->name == NULL && !same)
		return NULL;
	if (same || strcmp(c->name, "UTF-8") == 0) {
		*out_len = len;
		return utf8;
	}
	out = arena_alloc(a, room);
	if (out == NULL || !convert(c->name, "UTF-8", utf8, len, out, &room))
		return NULL;
	*out_len = room;
	return out;
}

char *
charset_to_utf8(struct arena *a, const struct charset *c, const char *text,
    size_t len, size_t *out_len)
{
	size_t room = (c->kind == CHARSET_OCTETS ? 1 : 2) * len + 16;
	const char *name = c->name;
	char *out;

	for (size_t i = 0; c->kind == CHARSET_OCTETS && i < len; i++)
		room += (text[i] & 0x80) != 0 ? 2 : 0;
	out = arena_alloc(a, room);
	/* Eight-bit text without a label is UTF-8 or in doubt. */
	if (name == NULL || strcmp(name, "US-ASCII") == 0)
		name = "UTF-8";
	if (out == NULL || !convert("UTF-8", name, text, len, out, &room))
		return NULL;
	*out_len = room;
	return out;
}
