/* SPDX-License-Identifier: ISC */
/*
 * instant - a point in time to the microsecond, as the ledger counts it
 *
 * Microseconds since 2000-01-01 00:00 UTC, as PostgreSQL has them, its two
 * infinities included.  The text is ISO 8601 in UTC, always with six decimals,
 * so that every instant has exactly one text.
 */
#ifndef POLICY_INSTANT_H
#define POLICY_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

enum { INSTANT_TEXT = 96 };

/* "2026-11-21T18:00:00.000000Z", "infinity" or "-infinity". Returns `out`. */
const char *instant_text(int64_t t, char out[INSTANT_TEXT])
    __attribute__((nonnull));

/* Whether `text` is exactly what instant_text() makes of `*t`. */
bool instant_parse(const char *text, int64_t *t) __attribute__((nonnull));

int64_t instant_now(void);

#endif
