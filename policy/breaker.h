/* SPDX-License-Identifier: ISC */
/*
 * breaker - leaves a server that does not answer alone for a while
 *
 * After a few failures in a row the breaker is open: nobody is admitted, so
 * nobody waits out a time-out, but for one probe after each pause.  The first
 * answer closes it.
 */
#ifndef POLICY_BREAKER_H
#define POLICY_BREAKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

/* Failures in a row that open it, and the longest pause between probes. */
enum { BREAKER_FAILURES = 3 };
#define BREAKER_PAUSE CLOCK_S

struct breaker {
	pthread_mutex_t lock; /* PTHREAD_MUTEX_INITIALIZER; the rest 0 */
	unsigned int failures;
	bool probing;
	int64_t retry; /* while open: when the next probe may begin */
};

/* Whether the server may be asked at `now`, by clock_now().  Who is admitted
 * reports. */
bool breaker_admits(struct breaker *b, int64_t now)
    __attribute__((nonnull, warn_unused_result));

/* What came, at `now`, of asking since `begun`.  True: the breaker is open. */
bool breaker_report(struct breaker *b, bool answered, int64_t begun,
    int64_t now) __attribute__((nonnull));

#endif
