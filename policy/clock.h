/* SPDX-License-Identifier: ISC */
/*
 * clock - points in time and how far away they are
 *
 * Deadlines are points on the monotonic clock in nanoseconds, so that neither
 * a changed wall clock nor EINTR moves them.
 */
#ifndef POLICY_CLOCK_H
#define POLICY_CLOCK_H

#include <stdint.h>

#define CLOCK_MS INT64_C(1000000)
#define CLOCK_S INT64_C(1000000000)

/* Now on the monotonic clock, in nanoseconds. */
int64_t clock_now(void);

/* The same, but going on while the machine is suspended: for leases. */
int64_t clock_boot(void);

/* Now in seconds since 1970, for comparing with expiries. */
int64_t clock_wall(void);

/* Milliseconds left until `deadline`, for poll(2): never negative, rounded
 * up, so that a wait does not end before its deadline. */
int clock_left_ms(int64_t deadline);

/* Between half of `pause` and the whole, by chance: so that many who wait for
 * the same thing do not come back at the same moment. */
int64_t clock_jitter(int64_t pause);

/* Sleeps until `deadline`, through interruptions. */
void clock_sleep_until(int64_t deadline);

#endif
