/* SPDX-License-Identifier: ISC */
/*
 * dom - what a browser makes of HTML whose tags do not match, by gumbo
 */
#ifndef MAIL_DOM_H
#define MAIL_DOM_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* The end tags of what is open in the body at the end of the text, innermost
 * first.  False if that would take more than len + 512 KB, or cannot be
 * told. */
bool dom_closers(struct arena *a, const char *text, size_t len, char **out)
    __attribute__((nonnull, warn_unused_result));

#endif
