/* SPDX-License-Identifier: ISC */
/*
 * base64 - the transfer encoding of that name (RFC 2045, 6.8)
 *
 * As codec.h says of every encoding; NULL when the arena is full.
 */
#ifndef MAIL_BASE64_H
#define MAIL_BASE64_H

#include <stddef.h>

struct arena;
struct splices;

/* NULL also for what is malformed. */
const char *base64_decode(struct arena *a, const char *raw, size_t len,
    size_t *out_len) __attribute__((nonnull, warn_unused_result));

/* Lines before the first splice stay, and the width of lines. */
char *base64_splice(struct arena *a, const char *raw, size_t len,
    const char *text, size_t text_len, const struct splices *s, size_t *out_len)
    __attribute__((nonnull, warn_unused_result));

/* Ends in a line break. */
char *base64_encode(struct arena *a, const char *text, size_t len,
    size_t *out_len) __attribute__((nonnull, warn_unused_result));

#endif
