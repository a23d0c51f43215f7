/* SPDX-License-Identifier: ISC */
/*
 * breaker - leaves a server that does not answer alone for a while
 *
 * The pause is a matter of chance, so that many nodes do not knock at the same
 * moment.  It does not grow: a probe costs one message of a second its
 * time-out, and a server that is back is found within the second.
 */
#include "breaker.h"

bool
breaker_admits(struct breaker *b, int64_t now)
{
	bool admitted = true;

	pthread_mutex_lock(&b->lock);
	if (b->failures >= BREAKER_FAILURES) {
		admitted = !b->probing && now >= b->retry;
		if (admitted)
			b->probing = true;
	}
	pthread_mutex_unlock(&b->lock);
	return admitted;
}

bool
breaker_report(struct breaker *b, bool answered, int64_t begun, int64_t now)
{
	bool open;

	pthread_mutex_lock(&b->lock);
	if (answered) {
		b->failures = 0;
		b->probing = false;
	} else if (b->failures < BREAKER_FAILURES) {
		b->failures++;
		b->retry = now + clock_jitter(BREAKER_PAUSE);
	} else if (begun >= b->retry) {
		/* The probe; others began before the breaker opened. */
		b->probing = false;
		b->retry = now + clock_jitter(BREAKER_PAUSE);
	}
	open = b->failures >= BREAKER_FAILURES;
	pthread_mutex_unlock(&b->lock);
	return open;
}
