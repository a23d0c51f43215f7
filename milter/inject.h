/* SPDX-License-Identifier: ISC */
/*
 * inject - hand a message to the MTA by SMTP
 */
#ifndef MILTER_INJECT_H
#define MILTER_INJECT_H

#include <stddef.h>
#include <stdint.h>

#include "policy/err.h"

/* Starts libcurl; once, before threads. */
int inject_init(struct err *e) __attribute__((nonnull, warn_unused_result));

/* Sends `len` octets with CRLF lines to `rcpt` from the null sender through
 * `url` (smtp://HOST:PORT), in at most `timeout` nanoseconds.  0 only when the
 * MTA has taken the message. */
int inject(const char *url, int64_t timeout, const char *rcpt, const char *text,
    size_t len, struct err *e) __attribute__((nonnull, warn_unused_result));

#endif
