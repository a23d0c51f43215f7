/* SPDX-License-Identifier: ISC */
/*
 * flight - one opt-out for all who ask for the same at once
 *
 * A link may be clicked by many programs in the same second.  Each by itself
 * would wait in PostgreSQL for the others' lock, with a connection that other
 * people's clicks then lack, until most of them ran out of time.
 *
 * So of one link a single opt-out is under way, and those who come meanwhile
 * share the next: not the one that has begun, which may have been carried out
 * before something was given that they take back.  Clicking again records
 * nothing that the first click has not.
 */
#include "web/flight.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "policy/leave.h"

/* Lives on the stack of the thread that carries it out, which leaves last. */
struct flight {
	struct flight *next;
	const struct leave *what;
	bool begun, over;
	unsigned int riders; /* other threads that wait for its end */
	int rc;
	struct err err;
};

struct flights {
	pthread_mutex_t lock;
	pthread_cond_t change;
	struct flight *first;
};

struct flights *
flights_new(void)
{
	struct flights *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	pthread_mutex_init(&all->lock, NULL);
	pthread_cond_init(&all->change, NULL);
	return all;
}

void
flights_free(struct flights **all)
{
	if (*all == NULL)
		return;
	pthread_cond_destroy(&(*all)->change);
	pthread_mutex_destroy(&(*all)->lock);
	free(*all);
	*all = NULL;
}

static struct flight *
find(const struct flights *all, const struct leave *what, bool begun)
{
	struct flight *f = all->first;

	while (f != NULL &&
	    (f->begun != begun || f->what->purpose != what->purpose ||
		f->what->channel != what->channel ||
		memcmp(&f->what->key, &what->key, sizeof(what->key)) != 0))
		f = f->next;
	return f;
}

static void
ride(struct flights *all, struct flight *f, int *rc, struct err *e)
{
	f->riders++;
	while (!f->over)
		pthread_cond_wait(&all->change, &all->lock);
	*rc = f->rc;
	*e = f->err;
	f->riders--;
	pthread_cond_broadcast(&all->change);
}

static void
lead(struct flights *all, struct flight *own,
    int (*act)(void *arg, struct err *e), void *arg)
{
	struct flight **at = &all->first;

	own->next = all->first;
	all->first = own;
	while (find(all, own->what, true) != NULL)
		pthread_cond_wait(&all->change, &all->lock);
	own->begun = true;
	pthread_mutex_unlock(&all->lock);
	own->rc = act(arg, &own->err);
	pthread_mutex_lock(&all->lock);
	while (*at != own)
		at = &(*at)->next;
	*at = own->next;
	own->over = true;
	pthread_cond_broadcast(&all->change);
	while (own->riders > 0)
		pthread_cond_wait(&all->change, &all->lock);
}

int
flights_run(struct flights *all, const struct leave *what,
    int (*act)(void *arg, struct err *e), void *arg, struct err *e)
{
	struct flight own = {.what = what}, *other;
	int rc;

	pthread_mutex_lock(&all->lock);
	other = find(all, what, false);
	if (other != NULL) {
		ride(all, other, &rc, e);
	} else {
		lead(all, &own, act, arg);
		rc = own.rc;
		*e = own.err;
	}
	pthread_mutex_unlock(&all->lock);
	return rc;
}
