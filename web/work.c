/* SPDX-License-Identifier: ISC */
/*
 * work - threads for jobs that block
 *
 * A click may have to wait out the nodes' lease, for seconds; the threads that
 * move octets must not wait with it.  The queue is bounded: whoever does not
 * fit is told so at once, instead of waiting for an answer that comes after
 * the client has given up.
 */
#include "web/work.h"

#include <pthread.h>
#include <stdlib.h>

struct job {
	void (*run)(void *);
	void *arg;
};

struct work {
	pthread_mutex_t lock;
	pthread_cond_t change;
	bool stopping;
	size_t n_threads, places, first, queued;
	pthread_t *threads;
	struct job *ring;
};

static bool
take(struct work *w, struct job *j)
{
	bool got;

	pthread_mutex_lock(&w->lock);
	while (w->queued == 0 && !w->stopping)
		pthread_cond_wait(&w->change, &w->lock);
	got = w->queued > 0;
	if (got) {
		*j = w->ring[w->first];
		w->first = (w->first + 1) % w->places;
		w->queued--;
	}
	pthread_mutex_unlock(&w->lock);
	return got;
}

static void *
loop(void *arg)
{
	struct work *w = arg;
	struct job j;

	while (take(w, &j))
		j.run(j.arg);
	return NULL;
}

struct work *
work_start(size_t threads, size_t places)
{
	struct work *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->change, NULL);
	w->places = places;
	w->ring = calloc(places, sizeof(*w->ring));
	w->threads = calloc(threads, sizeof(*w->threads));
	while (w->ring != NULL && w->threads != NULL &&
	    w->n_threads < threads &&
	    pthread_create(&w->threads[w->n_threads], NULL, loop, w) == 0)
		w->n_threads++;
	if (w->n_threads < threads)
		work_free(&w);
	return w;
}

bool
work_submit(struct work *w, void (*run)(void *), void *arg)
{
	bool fits;

	pthread_mutex_lock(&w->lock);
	fits = !w->stopping && w->queued < w->places;
	if (fits) {
		w->ring[(w->first + w->queued) % w->places] =
		    (struct job){.run = run, .arg = arg};
		w->queued++;
		pthread_cond_signal(&w->change);
	}
	pthread_mutex_unlock(&w->lock);
	return fits;
}

void
work_stop(struct work *w)
{
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->change);
	pthread_mutex_unlock(&w->lock);
	while (w->n_threads > 0)
		pthread_join(w->threads[--w->n_threads], NULL);
}

void
work_free(struct work **wp)
{
	struct work *w = *wp;

	if (w == NULL)
		return;
	work_stop(w);
	pthread_cond_destroy(&w->change);
	pthread_mutex_destroy(&w->lock);
	free(w->threads);
	free(w->ring);
	free(w);
	*wp = NULL;
}
