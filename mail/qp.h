/* SPDX-License-Identifier: ISC */
/*
 * qp - quoted-printable (RFC 2045, 6.7)
 *
 * As codec.h says of every encoding; NULL when the arena is full.
 */
#ifndef MAIL_QP_H
#define MAIL_QP_H

#include <stddef.h>

struct arena;
struct splices;

const char *qp_decode(struct arena *a, const char *raw, size_t len,
    size_t *out_len) __attribute__((nonnull, warn_unused_result));

/* Lines that a splice is in, or that follow one, get soft breaks where they
 * need them. */
char *qp_splice(struct arena *a, const char *raw, size_t len,
    const struct splices *s, size_t *out_len)
    __attribute__((nonnull, warn_unused_result));

char *qp_encode(struct arena *a, const char *text, size_t len, size_t *out_len)
    __attribute__((nonnull, warn_unused_result));

#endif
