/* SPDX-License-Identifier: ISC */
/*
 * pool - a few connections lent to many threads
 *
 * Idle handles form a stack, so that the warm ones are used first.  Opening
 * happens outside the lock, on the borrower's time.  A handle that is no good
 * any more takes the idle ones with it: they lead to the same server, and
 * whoever tried them one by one would wait as often.
 */
#include "pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "metric.h"

/* After a failed opening nobody tries again for up to this long and as long as
 * the opening took: a server that refuses at once is found again at once, one
 * that does not answer holds up little. */
#define POOL_PAUSE (40 * CLOCK_MS)

struct pool {
	const struct pool_ops *ops;
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t returned;
	size_t max, open, idle, waiting;
	int64_t down_until;
	struct err down;
	struct metric_histogram *waits;
	void *stack[];
};

struct pool *
pool_new(const struct pool_ops *ops, void *arg, size_t max)
{
	struct pool *p = calloc(1, sizeof(*p) + max * sizeof(p->stack[0]));
	pthread_condattr_t attr;

	if (p == NULL)
		return NULL;
	p->ops = ops;
	p->arg = arg;
	p->max = max;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->returned, &attr);
	pthread_condattr_destroy(&attr);
	return p;
}

void
pool_observe(struct pool *p, struct metric_histogram *h)
{
	p->waits = h;
}

void
pool_free(struct pool **pp)
{
	struct pool *p = *pp;

	if (p == NULL)
		return;
	assert(p->open == p->idle);
	while (p->idle > 0)
		p->ops->close(p->stack[--p->idle]);
	pthread_cond_destroy(&p->returned);
	pthread_mutex_destroy(&p->lock);
	free(p);
	*pp = NULL;
}

/* Opens a handle; the place for it is already counted.  Called and returns
 * with the lock held. */
static void *
open_one(struct pool *p, int64_t deadline, struct err *e)
{
	int64_t begun = clock_now(), now;
	void *handle;

	pthread_mutex_unlock(&p->lock);
	handle = p->ops->open(p->arg, deadline, e);
	pthread_mutex_lock(&p->lock);
	if (handle != NULL)
		return handle;
	p->open--;
	p->down = *e;
	now = clock_now();
	p->down_until = now + (now - begun) + clock_jitter(POOL_PAUSE);
	/* All who wait hear of it: each is told "down", none passes it on. */
	pthread_cond_broadcast(&p->returned);
	return NULL;
}

static bool
has_place(const struct pool *p)
{
	return p->idle > 0 || p->open < p->max;
}

/* Waits until a handle or a place is free.  -1 at the deadline, and at once
 * when too many wait: the last of them would only wait for nothing. */
static int
wait_for_place(struct pool *p, int64_t deadline, struct err *e)
{
	struct timespec ts = {
	    .tv_sec = deadline / CLOCK_S,
	    .tv_nsec = deadline % CLOCK_S,
	};
	int64_t begun;

	if (has_place(p)) {
		metric_observe(p->waits, 0);
		return 0;
	}
	if (p->ops->waiters > 0 && p->waiting >= p->ops->waiters * p->max)
		return err_set(e, ERR_BUSY,
		    "%s: too many wait for its %zu connections", p->ops->what,
		    p->max);
	begun = clock_now();
	p->waiting++;
	while (!has_place(p) &&
	    pthread_cond_timedwait(&p->returned, &p->lock, &ts) == 0)
		;
	p->waiting--;
	metric_observe(p->waits, clock_now() - begun);
	if (has_place(p))
		return 0;
	return err_set(e, ERR_BUSY, "%s: all %zu connections stayed busy",
	    p->ops->what, p->max);
}

static void *
take(struct pool *p, int64_t deadline, bool *opened, struct err *e)
{
	if (wait_for_place(p, deadline, e) != 0)
		return NULL;
	if (p->idle > 0)
		return p->stack[--p->idle];
	if (clock_now() < p->down_until) {
		*e = p->down;
		return NULL;
	}
	p->open++;
	*opened = true;
	return open_one(p, deadline, e);
}

void *
pool_borrow(struct pool *p, int64_t deadline, bool *fresh, struct err *e)
{
	bool opened = false;
	void *handle;

	pthread_mutex_lock(&p->lock);
	handle = take(p, deadline, &opened, e);
	pthread_mutex_unlock(&p->lock);
	if (fresh != NULL)
		*fresh = opened;
	return handle;
}

void
pool_return(struct pool *p, void *handle, bool good)
{
	pthread_mutex_lock(&p->lock);
	p->stack[p->idle++] = handle;
	for (; !good && p->idle > 0; p->open--)
		p->ops->close(p->stack[--p->idle]);
	pthread_cond_signal(&p->returned);
	pthread_mutex_unlock(&p->lock);
}
