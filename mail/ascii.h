/* SPDX-License-Identifier: ISC */
/*
 * ascii - UTF-8 where only ASCII can go
 */
#ifndef MAIL_ASCII_H
#define MAIL_ASCII_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* With numeric character references, for HTML.  Like the other one a string
 * of `*out_len` octets, or NULL when the arena is full. */
char *ascii_references(struct arena *a, const char *s, size_t len,
    size_t *out_len) __attribute__((nonnull, warn_unused_result));

/* With question marks.  The last resort, for text in a character set that
 * nobody knows: the address in a footer is worth more than its letters. */
char *ascii_marks(struct arena *a, const char *s, size_t len, size_t *out_len)
    __attribute__((nonnull, warn_unused_result));

/* The value of a hexadecimal digit, -1 if it is none.  Here, since decoders ask
 * at every other octet. */
static inline int
ascii_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool ascii_only(const char *s, size_t len)
    __attribute__((nonnull, warn_unused_result));

#endif
