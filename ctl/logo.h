/* SPDX-License-Identifier: ISC */
/*
 * logo - an image file as a URI that holds it
 */
#ifndef CTL_LOGO_H
#define CTL_LOGO_H

#include "policy/err.h"

struct arena;

enum { LOGO_MAX = 32 * 1024 };

/* Reads a PNG or JPEG file of at most LOGO_MAX octets; its URI (RFC 2397), in
 * the arena.  NULL and `e`, which names the file. */
const char *logo_read(struct arena *a, const char *path, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
