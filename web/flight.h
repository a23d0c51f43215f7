/* SPDX-License-Identifier: ISC */
/*
 * flight - one opt-out for all who ask for the same at once
 */
#ifndef WEB_FLIGHT_H
#define WEB_FLIGHT_H

#include <stdbool.h>

#include "policy/err.h"

struct flights;
struct leave;

struct flights *flights_new(void) __attribute__((warn_unused_result));
/* Nobody may be in flights_run(); accepts NULL. */
void flights_free(struct flights **all) __attribute__((nonnull));

/* Returns what `act` returned, 0 or -1 and `e`, in a call that began after this
 * one: by this thread, or by another's for the same key, purpose and channel.
 * Blocks for two such calls at most. */
int flights_run(struct flights *all, const struct leave *what,
    int (*act)(void *arg, struct err *e), void *arg, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
