/* SPDX-License-Identifier: ISC */
/*
 * patience - how long a client may take to ask
 *
 * Everybody may take equally long, so the queue of those awaited is in the
 * order of their deadlines: the thread looks at its head only, and every change
 * takes the same short time, however many there are.  A connection is shut
 * down, not closed: the library that owns it sees its end and closes it, and
 * the lock is held, so that the descriptor is not somebody else's by then.
 */
#include "web/patience.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "policy/clock.h"

#define PAUSE (500 * CLOCK_MS)

struct patient {
	TAILQ_ENTRY(patient) next;
	int64_t deadline;
	int fd;
	bool awaited;
};

struct patience {
	pthread_mutex_t lock;
	pthread_t thread;
	TAILQ_HEAD(, patient) awaited;
	int64_t limit;
	bool stopping;
};

static void
rest(struct patience *p, struct patient *one)
{
	if (one->awaited)
		TAILQ_REMOVE(&p->awaited, one, next);
	one->awaited = false;
}

static void
await(struct patience *p, struct patient *one)
{
	rest(p, one);
	one->deadline = clock_now() + p->limit;
	one->awaited = true;
	TAILQ_INSERT_TAIL(&p->awaited, one, next);
}

/* False when it is time to stop. */
static bool
look(struct patience *p)
{
	struct patient *one;
	bool stopping;

	pthread_mutex_lock(&p->lock);
	while ((one = TAILQ_FIRST(&p->awaited)) != NULL &&
	    one->deadline <= clock_now()) {
		rest(p, one);
		shutdown(one->fd, SHUT_RDWR);
	}
	stopping = p->stopping;
	pthread_mutex_unlock(&p->lock);
	return !stopping;
}

static void *
loop(void *arg)
{
	while (look(arg))
		clock_sleep_until(clock_now() + PAUSE);
	return NULL;
}

struct patience *
patience_start(int64_t limit)
{
	struct patience *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->limit = limit;
	TAILQ_INIT(&p->awaited);
	pthread_mutex_init(&p->lock, NULL);
	if (pthread_create(&p->thread, NULL, loop, p) == 0)
		return p;
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}

void
patience_stop(struct patience **pp)
{
	struct patience *p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct patient *
patience_watch(struct patience *p, int fd)
{
	struct patient *one = calloc(1, sizeof(*one));

	if (one == NULL)
		return NULL;
	one->fd = fd;
	patience_await(p, one);
	return one;
}

void
patience_rest(struct patience *p, struct patient *one)
{
	if (one == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	rest(p, one);
	pthread_mutex_unlock(&p->lock);
}

void
patience_await(struct patience *p, struct patient *one)
{
	if (one == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	await(p, one);
	pthread_mutex_unlock(&p->lock);
}

void
patience_forget(struct patience *p, struct patient **one)
{
	patience_rest(p, *one);
	free(*one);
	*one = NULL;
}
