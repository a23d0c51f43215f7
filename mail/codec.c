/* SPDX-License-Identifier: ISC */
/*
 * codec - the transfer encoding of a part
 *
 * No map from decoded to encoded octets is kept, which would be larger than
 * the message: the few positions that matter are found by walking the encoded
 * octets once more, with the steps that decoded them.
 *
 * Quoted-printable is read as mail programs read it: an "=" that begins no
 * escape stands for itself.  Base64 is read strictly, since what its readers
 * make of anything else differs.
 */
#include "codec.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "policy/arena.h"
#include "splice.h"

enum { QP_LINE = 76, BASE64_LINE = 76 };

static const char *const names[] = {
    [CODEC_UNKNOWN] = "",
    [CODEC_7BIT] = "7bit",
    [CODEC_8BIT] = "8bit",
    [CODEC_BINARY] = "binary",
    [CODEC_QP] = "quoted-printable",
    [CODEC_BASE64] = "base64",
};

enum codec
codec_of(const char *name)
{
	if (name == NULL)
		return CODEC_7BIT;
	for (enum codec c = CODEC_7BIT; c <= CODEC_BASE64; c++)
		if (strcasecmp(name, names[c]) == 0)
			return c;
	return CODEC_UNKNOWN;
}

const char *
codec_name(enum codec c)
{
	return names[c];
}

bool
codec_plain(enum codec c)
{
	return c == CODEC_7BIT || c == CODEC_8BIT || c == CODEC_BINARY;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The encoded octets of what begins with the "=" at `p`; `*octet` is what they
 * stand for, -1 for a soft line break. */
static size_t
qp_escape(const char *p, const char *end, int *octet)
{
	const char *q = p + 1;

	if (end - p >= 3 && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
		*octet = hex(p[1]) << 4 | hex(p[2]);
		return 3;
	}
	while (q < end && (*q == ' ' || *q == '\t'))
		q++;
	if (q < end && *q == '\r')
		q++;
	if (q == end || *q == '\n') {
		*octet = -1;
		return (size_t)(q - p) + (q < end ? 1 : 0);
	}
	*octet = '=';
	return 1;
}

static const char *
qp_decode(struct arena *a, const char *raw, size_t len, size_t *out_len)
{
	const char *p = raw, *end = raw + len;
	char *out = arena_alloc(a, len + 1), *w = out;

	if (out == NULL)
		return NULL;
	while (p < end) {
		const char *next = memchr(p, '=', (size_t)(end - p));
		int octet;

		if (next == NULL)
			next = end;
		w = mempcpy(w, p, (size_t)(next - p));
		p = next;
		if (p == end)
			break;
		p += qp_escape(p, end, &octet);
		if (octet >= 0)
			*w++ = (char)octet;
	}
	*out_len = (size_t)(w - out);
	return out;
}

/* Where in the encoded octets, from `p` on, the decoded position `n` further
 * on is: before any soft break there. */
static const char *
qp_advance(const char *p, const char *end, size_t n)
{
	while (n > 0 && p < end) {
		const char *next = memchr(p, '=', (size_t)(end - p));
		size_t run = (size_t)((next == NULL ? end : next) - p);
		int octet;

		if (run >= n)
			return p + n;
		p += run;
		n -= run;
		if (p == end)
			break;
		p += qp_escape(p, end, &octet);
		if (octet >= 0)
			n--;
	}
	return p;
}

struct qp_writer {
	char *out;
	size_t column;
};

static void
qp_soft_break(struct qp_writer *w)
{
	w->out = mempcpy(w->out, "=\r\n", 3);
	w->column = 0;
}

/* `last` when a line break or nothing follows: white space would be lost. */
static void
qp_put(struct qp_writer *w, unsigned char c, bool last)
{
	static const char digits[] = "0123456789ABCDEF";
	const bool space = c == ' ' || c == '\t';
	const bool literal =
	    c != '=' && ((c > ' ' && c < 0x7f) || (space && !last));

	if (w->column + (literal ? 1 : 3) > QP_LINE - 1)
		qp_soft_break(w);
	if (literal) {
		*w->out++ = (char)c;
		w->column++;
		return;
	}
	*w->out++ = '=';
	*w->out++ = digits[c >> 4];
	*w->out++ = digits[c & 15];
	w->column += 3;
}

static bool
breaks_at(const char *text, size_t len, size_t i)
{
	return i + 1 < len && text[i] == '\r' && text[i + 1] == '\n';
}

static void
qp_write(struct qp_writer *w, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (breaks_at(text, len, i)) {
			w->out = mempcpy(w->out, "\r\n", 2);
			w->column = 0;
			i++;
			continue;
		}
		qp_put(w, (unsigned char)text[i],
		    i + 1 == len || breaks_at(text, len, i + 1));
	}
}

/* At most what qp_write() writes, soft breaks and all. */
static size_t
qp_room(const char *text, size_t len)
{
	size_t n = len;

	for (size_t i = 0; i < len; i++)
		if (breaks_at(text, len, i))
			i++;
		else if (text[i] < ' ' || text[i] >= 0x7f || text[i] == '=' ||
		    i + 1 == len || breaks_at(text, len, i + 1))
			n += 2;
	return n + n / (QP_LINE - 4) * 3 + 8;
}

/* Puts soft breaks where the encoded line that goes on at `p` would otherwise
 * get too long, or end in white space. */
static void
qp_join(struct qp_writer *w, const char *begin, const char *p, const char *end)
{
	const char *eol = memchr(p, '\n', (size_t)(end - p));
	size_t rest = (size_t)((eol == NULL ? end : eol) - p);

	if (eol != NULL && rest > 0 && eol[-1] == '\r')
		rest--;
	if (w->column > 0 && rest > 0 && w->column + rest > QP_LINE)
		qp_soft_break(w);
	else if (rest == 0 && w->out > begin &&
	    (w->out[-1] == ' ' || w->out[-1] == '\t'))
		qp_soft_break(w);
}

/* Keeps a stray "=" at the end of what was written from becoming an escape
 * together with what comes next. */
static void
qp_part(struct qp_writer *w, const char *begin)
{
	const char *end = w->out;

	if ((end - begin >= 1 && end[-1] == '=') ||
	    (end - begin >= 2 && end[-2] == '=' && hex(end[-1]) >= 0))
		qp_soft_break(w);
}

static void
qp_copy(struct qp_writer *w, const char *p, const char *end)
{
	const char *eol = memrchr(p, '\n', (size_t)(end - p));

	w->out = mempcpy(w->out, p, (size_t)(end - p));
	w->column = eol == NULL ? w->column + (size_t)(end - p)
				: (size_t)(end - eol - 1);
}

static char *
qp_splice(struct arena *a, const char *raw, size_t len, const struct splices *s,
    size_t *out_len)
{
	const char *p = raw, *end = raw + len;
	struct qp_writer w = {0};
	size_t room = len + 1, at = 0;
	char *out;

	for (size_t i = 0; i < s->n; i++)
		room += qp_room(s->list[i].text, s->list[i].text_len) + 6;
	out = w.out = arena_alloc(a, room);
	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		const struct splice *one = &s->list[i];
		const char *from = qp_advance(p, end, one->at - at);

		qp_copy(&w, p, from);
		qp_part(&w, out);
		qp_write(&w, one->text, one->text_len);
		p = qp_advance(from, end, one->len);
		at = one->at + one->len;
		qp_join(&w, out, p, end);
	}
	qp_copy(&w, p, end);
	*out_len = (size_t)(w.out - out);
	return out;
}

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of each digit plus one; 0 what is no digit. */
static void
base64_table(uint8_t table[256])
{
	memset(table, 0, 256);
	for (uint8_t i = 0; i < 64; i++)
		table[(unsigned char)alphabet[i]] = i + 1;
}

static bool
base64_space(char c)
{
	return c == '\r' || c == '\n' || c == ' ' || c == '\t';
}

/* Whether `p` has nothing but padding, at most `pads`, and white space. */
static bool
base64_ends(const char *p, const char *end, size_t pads)
{
	for (; p < end; p++)
		if (*p == '=' && pads > 0)
			pads--;
		else if (!base64_space(*p))
			return false;
	return true;
}

static const char *
base64_decode(struct arena *a, const char *raw, size_t len, size_t *out_len)
{
	const char *p = raw, *end = raw + len;
	char *out = arena_alloc(a, len / 4 * 3 + 4), *w = out;
	uint8_t table[256];
	uint32_t bits = 0;
	size_t digits = 0;

	if (out == NULL)
		return NULL;
	base64_table(table);
	for (; p < end; p++) {
		uint8_t digit = table[(unsigned char)*p];

		if (digit == 0 && base64_space(*p))
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
	if (!base64_ends(p, end, (4 - digits % 4) % 4) || digits % 4 == 1)
		return NULL;
	bits <<= 6 * ((4 - digits % 4) % 4);
	for (size_t i = 0; digits % 4 > 1 && i < digits % 4 - 1; i++)
		*w++ = (char)(bits >> (16 - 8 * i));
	*out_len = (size_t)(w - out);
	return out;
}

static char *
base64_write(char *out, const char *text, size_t len, size_t line)
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
base64_room(size_t len, size_t line)
{
	size_t n = (len + 2) / 3 * 4;

	return n + n / (line / 4 * 4) * 2 + 4;
}

/* The begin of the last encoded line that begins a group of three octets none
 * of which is after position `at`; `*from` is its position. */
static size_t
base64_keep(const char *raw, size_t len, size_t at, size_t *from)
{
	size_t digits = 0, keep = 0;

	*from = 0;
	for (size_t i = 0; i < len && digits / 4 * 3 <= at; i++) {
		if (!base64_space(raw[i]))
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
base64_line(const char *raw, size_t len)
{
	size_t n = 0, next;

	while (n < len && n < BASE64_LINE && !base64_space(raw[n]))
		n++;
	for (next = n; next < len && base64_space(raw[next]); next++)
		;
	return n < 4 || next == len ? BASE64_LINE : n;
}

static char *
base64_splice(struct arena *a, const char *raw, size_t len, const char *text,
    size_t text_len, const struct splices *s, size_t *out_len)
{
	const size_t line = base64_line(raw, len);
	size_t from, keep = base64_keep(raw, len, s->list[0].at, &from);
	size_t tail = len, edited_len;
	char *edited, *out, *p;

	while (tail > keep && base64_space(raw[tail - 1]))
		tail--;
	edited = splice_apply(a, text, text_len, from, s, &edited_len);
	if (edited == NULL)
		return NULL;
	out = arena_alloc(a, len + base64_room(edited_len, line));
	if (out == NULL)
		return NULL;
	p = mempcpy(out, raw, keep);
	p = base64_write(p, edited, edited_len, line);
	p = mempcpy(p, raw + tail, len - tail);
	*out_len = (size_t)(p - out);
	return out;
}

const char *
codec_decode(
    struct arena *a, enum codec c, const char *raw, size_t len, size_t *out_len)
{
	switch (c) {
	case CODEC_UNKNOWN:
		return NULL;
	case CODEC_7BIT:
	case CODEC_8BIT:
	case CODEC_BINARY:
		*out_len = len;
		return raw;
	case CODEC_QP:
		return qp_decode(a, raw, len, out_len);
	case CODEC_BASE64:
		return base64_decode(a, raw, len, out_len);
	}
	return NULL;
}

char *
codec_splice(struct arena *a, enum codec c, const char *raw, size_t len,
    const char *text, size_t text_len, const struct splices *s, size_t *out_len)
{
	if (c == CODEC_QP)
		return qp_splice(a, raw, len, s, out_len);
	if (c == CODEC_BASE64)
		return base64_splice(a, raw, len, text, text_len, s, out_len);
	return splice_apply(a, raw, len, 0, s, out_len);
}

char *
codec_encode(struct arena *a, enum codec c, const char *text, size_t len,
    size_t *out_len)
{
	struct qp_writer w = {0};
	char *out, *end;

	if (codec_plain(c)) {
		*out_len = len;
		return arena_strndup(a, text, len);
	}
	out = arena_alloc(a,
	    c == CODEC_QP ? qp_room(text, len) : base64_room(len, BASE64_LINE));
	if (out == NULL)
		return NULL;
	if (c == CODEC_QP) {
		w.out = out;
		qp_write(&w, text, len);
		end = w.out;
	} else {
		end = base64_write(out, text, len, BASE64_LINE);
		end = mempcpy(end, "\r\n", 2);
	}
	*out_len = (size_t)(end - out);
	return out;
}

bool
codec_overlong(const char *text, size_t len)
{
	const char *end = text + len, *eol;

	for (; (size_t)(end - text) > CODEC_LINE_MAX; text = eol + 1) {
		eol = memchr(text, '\n', (size_t)(end - text));
		if (eol == NULL)
			return true;
		if (eol - text - (eol > text && eol[-1] == '\r') >
		    CODEC_LINE_MAX)
			return true;
	}
	return false;
}
