/* SPDX-License-Identifier: ISC */
/*
 * ascii - UTF-8 where only ASCII can go
 */
#include "ascii.h"

#include <stdint.h>
#include <string.h>

#include "policy/arena.h"

bool
ascii_only(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((s[i] & 0x80) != 0)
			return false;
	return true;
}

char *
ascii_references(struct arena *a, const char *s, size_t len, size_t *out_len)
{
	char *out = arena_alloc(a, 10 * len + 1), *w = out;
	const unsigned char *p = (const unsigned char *)s, *end = p + len;

	if (out == NULL)
		return NULL;
	while (p < end) {
		unsigned more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0;
		uint32_t c = *p++;

		if (c < 0x80) {
			*w++ = (char)c;
			continue;
		}
		for (c &= 0x3fU >> more; more > 0 && p < end; more--)
			c = c << 6 | (*p++ & 0x3f);
		w = stpcpy(w, "&#");
		for (uint32_t unit = 1000000; unit > 0; unit /= 10)
			if (c >= unit)
				*w++ = (char)('0' + c / unit % 10);
		*w++ = ';';
	}
	*out_len = (size_t)(w - out);
	return out;
}

char *
ascii_marks(struct arena *a, const char *s, size_t len, size_t *out_len)
{
	char *out = arena_alloc(a, len + 1), *w = out;

	for (size_t i = 0; out != NULL && i < len; i++)
		if ((s[i] & 0x80) == 0)
			*w++ = s[i];
		else if ((s[i] & 0x40) != 0)
			*w++ = '?';
	*out_len = (size_t)(w - out);
	return out;
}
