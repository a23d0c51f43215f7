/* SPDX-License-Identifier: ISC */
/*
 * signature - what a DKIM signature covers
 */
#ifndef MILTER_SIGNATURE_H
#define MILTER_SIGNATURE_H

#include <stdbool.h>

/* Whether the signature whose field has this value (DKIM-Signature, RFC 6376,
 * 3.5, or ARC-Message-Signature, RFC 8617, 4.1.2) names the header `name` in
 * its h=.  One without h= covers everything. */
bool signature_covers(const char *value, const char *name)
    __attribute__((nonnull));

#endif
