/* SPDX-License-Identifier: ISC */
/*
 * qp - quoted-printable
 *
 * Read as mail programs read it: an "=" that begins no escape stands for
 * itself.  No map from decoded to encoded octets is kept, which would be larger
 * than the message: the few positions that matter are found by walking the
 * encoded octets once more, with the steps that decoded them.
 */
#include "qp.h"

#include <stdbool.h>
#include <string.h>

#include "ascii.h"
#include "policy/arena.h"
#include "splice.h"

enum { LINE_MAX_OCTETS = 76 };

/* The encoded octets of what begins with the "=" at `p`; `*octet` is what they
 * stand for, -1 for a soft line break. */
static size_t
escape(const char *p, const char *end, int *octet)
{
	const char *q = p + 1;

	if (end - p >= 3 && ascii_hex(p[1]) >= 0 && ascii_hex(p[2]) >= 0) {
		*octet = ascii_hex(p[1]) << 4 | ascii_hex(p[2]);
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

const char *
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
		p += escape(p, end, &octet);
		if (octet >= 0)
			*w++ = (char)octet;
	}
	*out_len = (size_t)(w - out);
	return out;
}

/* Where in the encoded octets, from `p` on, the decoded position `n` further
 * on is: before any soft break there. */
static const char *
advance(const char *p, const char *end, size_t n)
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
		p += escape(p, end, &octet);
		if (octet >= 0)
			n--;
	}
	return p;
}

struct writer {
	char *out;
	size_t column;
};

static void
soft_break(struct writer *w)
{
	w->out = mempcpy(w->out, "=\r\n", 3);
	w->column = 0;
}

/* `last` when a line break or nothing follows: white space would be lost. */
static void
put(struct writer *w, unsigned char c, bool last)
{
	static const char digits[] = "0123456789ABCDEF";
	const bool space = c == ' ' || c == '\t';
	const bool literal =
	    c != '=' && ((c > ' ' && c < 0x7f) || (space && !last));

	if (w->column + (literal ? 1 : 3) > LINE_MAX_OCTETS - 1)
		soft_break(w);
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
write_text(struct writer *w, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (breaks_at(text, len, i)) {
			w->out = mempcpy(w->out, "\r\n", 2);
			w->column = 0;
			i++;
			continue;
		}
		put(w, (unsigned char)text[i],
		    i + 1 == len || breaks_at(text, len, i + 1));
	}
}

/* At most what write_text() writes, soft breaks and all. */
static size_t
room_for(const char *text, size_t len)
{
	size_t n = len;

	for (size_t i = 0; i < len; i++)
		if (breaks_at(text, len, i))
			i++;
		else if (text[i] < ' ' || text[i] >= 0x7f || text[i] == '=' ||
		    i + 1 == len || breaks_at(text, len, i + 1))
			n += 2;
	return n + n / (LINE_MAX_OCTETS - 4) * 3 + 8;
}

/* Puts soft breaks where the encoded line that goes on at `p` would otherwise
 * get too long, or end in white space. */
static void
join(struct writer *w, const char *begin, const char *p, const char *end)
{
	const char *eol = memchr(p, '\n', (size_t)(end - p));
	size_t rest = (size_t)((eol == NULL ? end : eol) - p);

	if (eol != NULL && rest > 0 && eol[-1] == '\r')
		rest--;
	if (w->column > 0 && rest > 0 && w->column + rest > LINE_MAX_OCTETS)
		soft_break(w);
	else if (rest == 0 && w->out > begin &&
	    (w->out[-1] == ' ' || w->out[-1] == '\t'))
		soft_break(w);
}

/* Keeps a stray "=" at the end of what was written from becoming an escape
 * together with what comes next. */
static void
keep_apart(struct writer *w, const char *begin)
{
	const char *end = w->out;

	if ((end - begin >= 1 && end[-1] == '=') ||
	    (end - begin >= 2 && end[-2] == '=' && ascii_hex(end[-1]) >= 0))
		soft_break(w);
}

static void
copy(struct writer *w, const char *p, const char *end)
{
	const char *eol = memrchr(p, '\n', (size_t)(end - p));

	w->out = mempcpy(w->out, p, (size_t)(end - p));
	w->column = eol == NULL ? w->column + (size_t)(end - p)
				: (size_t)(end - eol - 1);
}

char *
qp_splice(struct arena *a, const char *raw, size_t len, const struct splices *s,
    size_t *out_len)
{
	const char *p = raw, *end = raw + len;
	struct writer w = {0};
	size_t room = len + 1, at = 0;
	char *out;

	for (size_t i = 0; i < s->n; i++)
		room += room_for(s->list[i].text, s->list[i].text_len) + 6;
	out = w.out = arena_alloc(a, room);
	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		const struct splice *one = &s->list[i];
		const char *from = advance(p, end, one->at - at);

		copy(&w, p, from);
		keep_apart(&w, out);
		write_text(&w, one->text, one->text_len);
		p = advance(from, end, one->len);
		at = one->at + one->len;
		join(&w, out, p, end);
	}
	copy(&w, p, end);
	*out_len = (size_t)(w.out - out);
	return out;
}

char *
qp_encode(struct arena *a, const char *text, size_t len, size_t *out_len)
{
	struct writer w = {.out = arena_alloc(a, room_for(text, len))};
	char *out = w.out;

	if (out == NULL)
		return NULL;
	write_text(&w, text, len);
	*out_len = (size_t)(w.out - out);
	return out;
}
