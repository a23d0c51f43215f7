/* SPDX-License-Identifier: ISC */
/*
 * copy - one recipient's private copy of a message
 */
#ifndef MILTER_COPY_H
#define MILTER_COPY_H

#include <stddef.h>

#include "policy/err.h"

struct arena;
struct recipient;
struct session;
struct stream_purpose;

/* The text with CRLF lines: header block with its empty line, and body. */
struct copy {
	const char *head, *body;
	size_t head_len, body_len;
};

/* Makes the copy for `r` of the session's message, which must have been kept
 * whole.  It lives in `a`, and no longer than the message; -1 when `a` is
 * full. */
int copy_make(struct arena *a, const struct session *s,
    const struct stream_purpose *purpose, const struct recipient *r,
    struct copy *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
