/* SPDX-License-Identifier: ISC */
/*
 * buf - text that grows
 *
 * Doubles as it fills.  After the first failed allocation nothing more is
 * added, so that a buffer never holds text with a hole in it.
 */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

static bool
reserve(struct buf *b, size_t n)
{
	size_t size = b->size == 0 ? 256 : b->size;
	char *p;

	if (b->failed)
		return false;
	while (size - b->len <= n)
		size *= 2;
	if (size == b->size)
		return true;
	p = realloc(b->data, size);
	if (p == NULL) {
		b->failed = true;
		return false;
	}
	b->data = p;
	b->size = size;
	return true;
}

void
buf_add(struct buf *b, const char *s, size_t n)
{
	if (!reserve(b, n))
		return;
	memcpy(b->data + b->len, s, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void
buf_add_text(struct buf *b, const char *octets, size_t n)
{
	const uint8_t *at = (const uint8_t *)octets;
	uint8_t character[6];
	ucs4_t c;
	int len;

	while (n > 0) {
		len = u8_mbtouc(&c, at, n);
		at += len;
		n -= (size_t)len;
		len = u8_uctomb(
		    character, c == 0 ? 0xfffd : c, sizeof(character));
		buf_add(b, (const char *)character, (size_t)len);
	}
}

bool
buf_failed(const struct buf *b)
{
	return b->failed;
}

void
buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}
