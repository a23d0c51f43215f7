/* SPDX-License-Identifier: ISC */
/*
 * sender - the thread that sends the pages' queued mail
 */
#ifndef WEB_SENDER_H
#define WEB_SENDER_H

#include "policy/err.h"

struct sender;
struct sites;

/* Starts it over `all`, which must outlive it; once, before other threads.
 * NULL and `e`. */
struct sender *sender_start(struct sites *all, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Stops it after the message that it is at, thirty seconds at most; accepts
 * NULL and nulls the caller's pointer. */
void sender_stop(struct sender **s) __attribute__((nonnull));

#endif
