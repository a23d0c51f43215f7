/* SPDX-License-Identifier: ISC */
/*
 * charset - the character set of a text part
 *
 * All that is looked for in a text is ASCII: placeholders, tags, addresses of
 * links.  So a text is looked at through its *view*: one octet for each unit
 * of the character set, an ASCII character where the unit is one, and an octet
 * above 0x7f where it is anything else.  A position in the view times the
 * width of a unit is a position in the text.  For most character sets the text
 * is its own view.
 */
#ifndef MAIL_CHARSET_H
#define MAIL_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum charset_kind {
	CHARSET_OPAQUE = 0, /* ASCII cannot be found in it: hands off */
	CHARSET_OCTETS,	    /* octets below 0x80 are ASCII, always */
	CHARSET_PAIRS,	    /* the second octet of a pair may look like ASCII */
	CHARSET_SHIFTS,	    /* ISO-2022: escapes switch to and from ASCII */
	CHARSET_WIDE	    /* UTF-16 and UTF-32 */
};

struct charset {
	const char *name; /* as iconv knows it; NULL if it does not */
	enum charset_kind kind;
	size_t width; /* octets in a unit */
	bool little;  /* wide: the low octet comes first */
};

/* What a charset parameter means for this text; NULL means US-ASCII (RFC 2045,
 * 5.2).  The text's byte order mark is heeded.  `name` must outlive `out`. */
void charset_of(const char *name, const char *text, size_t len,
    struct charset *out) __attribute__((nonnull(4)));

/* The text's view and its length in units; NULL when the arena is full. */
const char *charset_view(struct arena *a, const struct charset *c,
    const char *text, size_t len, size_t *units)
    __attribute__((nonnull, warn_unused_result));

/* UTF-8 in another character set, complete in itself: it begins and ends in
 * ASCII.  The text itself if that is the same; NULL if the set has not got all
 * the characters, or the arena is full. */
const char *charset_encode(struct arena *a, const struct charset *c,
    const char *utf8, size_t len, size_t *out_len)
    __attribute__((nonnull, warn_unused_result));

/* The text in UTF-8.  NULL if it is not what it claims to be, or the arena is
 * full. */
char *charset_to_utf8(struct arena *a, const struct charset *c,
    const char *text, size_t len, size_t *out_len)
    __attribute__((nonnull, warn_unused_result));

/* Whether the unit at `units` is reached in ASCII; only ISO-2022 may say no. */
bool charset_in_ascii(const struct charset *c, const char *text, size_t units)
    __attribute__((nonnull));

#endif
