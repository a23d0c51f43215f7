/* SPDX-License-Identifier: ISC */
/*
 * site - what requests work with: configuration, keys and servers
 *
 * A request keeps the snapshot that it began with; a reload builds a whole new
 * one, and only one that could have started the program takes the old one's
 * place.  A hold is taken under the lock that also guards the swap, so that
 * nobody can hold what has just been released.
 */
#include "web/site.h"

#include <pthread.h>
#include <stdlib.h>

#include "policy/cache.h"
#include "policy/conf.h"
#include "policy/keys.h"
#include "policy/metric.h"
#include "policy/store.h"
#include "page/share.h"
#include "web/flight.h"
#include "web/tally.h"

#define PROGRAM "assent-web"

struct sites {
	pthread_mutex_t lock;
	struct site *current;
};

static int
open_servers(struct site *s, struct err *e)
{
	const struct conf_database *db = &s->conf->database;
	struct metrics *metrics = tally_registry(s->tally);

	s->flights = flights_new();
	s->reader = store_new(db, db->reader_role, PROGRAM, metrics);
	s->writer = store_new(db, db->web_role, PROGRAM, metrics);
	if (s->flights == NULL || s->reader == NULL || s->writer == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	s->cache = cache_new(&s->conf->cache, tally_registry(s->tally), e);
	if (s->cache == NULL)
		return err_prefix(e, "%s", s->conf->path);
	pthread_mutex_init(&s->changer.lock, NULL);
	s->changer.store = s->writer;
	s->changer.cache = s->cache;
	s->changer.lease = s->conf->cache.lease;
	s->changer.in_force = metrics_histogram(
	    metrics, CHANGE_IN_FORCE, CHANGE_IN_FORCE_HELP, "");
	if (store_check(s->reader, e) != 0)
		return -1;
	return store_check(s->writer, e);
}

struct site *
site_open(const char *path, struct tally *t, struct err *e)
{
	struct site *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	s->tally = t;
	s->holders = 1;
	s->conf = conf_load(path, e);
	if (s->conf != NULL)
		s->keys = keys_load(s->conf->keys.file, e);
	if (s->keys != NULL)
		s->share = share_load(s->conf->web.share, e);
	if (s->share == NULL || open_servers(s, e) != 0)
		site_release(&s);
	return s;
}

void
site_release(struct site **sp)
{
	struct site *s = *sp;

	*sp = NULL;
	if (s == NULL || atomic_fetch_sub(&s->holders, 1) > 1)
		return;
	flights_free(&s->flights);
	cache_free(&s->cache);
	store_free(&s->writer);
	store_free(&s->reader);
	share_free(&s->share);
	keys_free(&s->keys);
	conf_free(&s->conf);
	free(s);
}

struct sites *
sites_new(struct site *first)
{
	struct sites *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	pthread_mutex_init(&all->lock, NULL);
	all->current = first;
	return all;
}

void
sites_free(struct sites **all)
{
	if (*all == NULL)
		return;
	site_release(&(*all)->current);
	pthread_mutex_destroy(&(*all)->lock);
	free(*all);
	*all = NULL;
}

struct site *
sites_hold(struct sites *all)
{
	struct site *s;

	pthread_mutex_lock(&all->lock);
	s = all->current;
	atomic_fetch_add(&s->holders, 1);
	pthread_mutex_unlock(&all->lock);
	return s;
}

void
sites_swap(struct sites *all, struct site *next)
{
	struct site *old;

	pthread_mutex_lock(&all->lock);
	old = all->current;
	all->current = next;
	pthread_mutex_unlock(&all->lock);
	site_release(&old);
}
