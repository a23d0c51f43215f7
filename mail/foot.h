/* SPDX-License-Identifier: ISC */
/*
 * foot - the footer as it goes into a part
 */
#ifndef MAIL_FOOT_H
#define MAIL_FOOT_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct splice;

/* A footer for plain text: an empty line apart from what is before, at the end
 * or in front of the last "-- " line.  Format=flowed (RFC 3676) is heeded.
 * False when the arena is full. */
bool foot_text(struct arena *a, const char *footer, const char *text,
    size_t len, bool flowed, bool before_signature, struct splice *out)
    __attribute__((nonnull, warn_unused_result));

/* A footer for HTML at `at`, on lines of its own, after these end tags. */
bool foot_html(struct arena *a, const char *footer, const char *text,
    size_t len, size_t at, const char *closers, struct splice *out)
    __attribute__((nonnull, warn_unused_result));

#endif
