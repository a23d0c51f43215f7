/* SPDX-License-Identifier: ISC */
/*
 * codec - the transfer encoding of a part (RFC 2045, 6)
 */
#ifndef MAIL_CODEC_H
#define MAIL_CODEC_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct splices;

enum { CODEC_LINE_MAX = 998 }; /* RFC 5322, 2.1.1: octets without CRLF */

enum codec {
	CODEC_UNKNOWN = 0,
	CODEC_7BIT,
	CODEC_8BIT,
	CODEC_BINARY,
	CODEC_QP,
	CODEC_BASE64
};

/* What a Content-Transfer-Encoding names; NULL is 7bit. */
enum codec codec_of(const char *name);
const char *codec_name(enum codec c);

/* Whether the octets stand for themselves. */
bool codec_plain(enum codec c);

/* The octets of a part decoded; the part's own when they stand for themselves.
 * NULL if they are malformed or the arena is full. */
const char *codec_decode(struct arena *a, enum codec c, const char *raw,
    size_t len, size_t *out_len) __attribute__((nonnull, warn_unused_result));

/*
 * The encoded part with splices, which are positions in the decoded text, made
 * in it.  Encoded octets outside of them stay; in base64 only those of the
 * lines before the first one can.  NULL when the arena is full.
 */
char *codec_splice(struct arena *a, enum codec c, const char *raw, size_t len,
    const char *text, size_t text_len, const struct splices *s, size_t *out_len)
    __attribute__((nonnull, warn_unused_result));

/* A text encoded from scratch; its CRLF are line breaks in quoted-printable.
 * NULL when the arena is full. */
char *codec_encode(struct arena *a, enum codec c, const char *text, size_t len,
    size_t *out_len) __attribute__((nonnull, warn_unused_result));

/* Whether a line is too long to be sent as it is. */
bool codec_overlong(const char *text, size_t len)
    __attribute__((nonnull, warn_unused_result));

#endif
