/* SPDX-License-Identifier: ISC */
/*
 * legible - whether a text is one that people can read
 */
#ifndef PAGE_LEGIBLE_H
#define PAGE_LEGIBLE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/err.h"

/* Whether anything of `len` octets can be seen; what is not UTF-8 cannot. */
bool legible(const char *text, size_t len)
    __attribute__((nonnull, warn_unused_result));

/* Whether all of a text can be words for people: UTF-8 without control
 * characters but tabs and ends of lines, and something in it can be seen.  0,
 * or -1 and `e`, which names the line. */
int legible_check(const char *text, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* How many characters such a text has. */
size_t legible_length(const char *text)
    __attribute__((nonnull, warn_unused_result));

#endif
