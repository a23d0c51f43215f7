/* SPDX-License-Identifier: ISC */
/*
 * callback - what libmilter calls
 */
#ifndef MILTER_CALLBACK_H
#define MILTER_CALLBACK_H

#include "policy/err.h"

struct engine;

/* Registers the callbacks with libmilter; their sessions use `en`. */
int callback_register(struct engine *en, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
