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

/* Reads a date or time as people and programs write it, always with the year
 * first: 2026-11-21, 2026-11-21 18:00, 2026-11-21T18:00:00.5+01:00 and what is
 * between; UTC where no zone is given.  False for anything else, and for days
 * and hours that do not exist. */
bool instant_read(const char *text, int64_t *t) __attribute__((nonnull));

int64_t instant_now(void);

#endif
