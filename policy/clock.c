/* SPDX-License-Identifier: ISC */
/*
 * clock - points in time and how far away they are
 */
#include "clock.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <time.h>

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * CLOCK_S + ts.tv_nsec;
}

int64_t
clock_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t
clock_boot(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

int64_t
clock_wall(void)
{
	return (int64_t)time(NULL);
}

int
clock_left_ms(int64_t deadline)
{
	int64_t left = (deadline - clock_now() + CLOCK_MS - 1) / CLOCK_MS;

	if (left < 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

int64_t
clock_jitter(int64_t pause)
{
	uint32_t part = randombytes_uniform(1 << 16);

	return pause / 2 + pause / 2 * part / (1 << 16);
}

void
clock_sleep_until(int64_t deadline)
{
	struct timespec ts = {
	    .tv_sec = deadline / CLOCK_S,
	    .tv_nsec = deadline % CLOCK_S,
	};

	while (
	    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}
