/* SPDX-License-Identifier: ISC */
/*
 * buf - text that grows
 *
 * For output whose length nobody knows beforehand: a metrics page, a delivery
 * status notification.  Running out of memory is remembered and reported once,
 * by buf_failed(), so that writers need not check every line.
 */
#ifndef POLICY_BUF_H
#define POLICY_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* NUL-terminated once anything was added, else NULL */
	size_t len, size;
	bool failed;
};

void buf_add(struct buf *b, const char *s, size_t n) __attribute__((nonnull));
void buf_puts(struct buf *b, const char *s) __attribute__((nonnull));
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull));

/* Adds `n` octets from outside as text: what is not UTF-8 becomes U+FFFD, and
 * so does a NUL, which neither C nor PostgreSQL has in a text. */
void buf_add_text(struct buf *b, const char *octets, size_t n)
    __attribute__((nonnull));

/* Whether any addition was lost; the content must not be used then. */
bool buf_failed(const struct buf *b) __attribute__((nonnull));

/* Releases the text and leaves an empty, usable buffer. */
void buf_free(struct buf *b) __attribute__((nonnull));

#endif
