/* SPDX-License-Identifier: ISC */
/*
 * engine - what all sessions of the process share
 *
 * Reload builds a whole new snapshot beside the old one and swaps the pointer
 * under the lock; the last message that holds the old one frees it.  A new
 * snapshot starts without a lease, so for a moment permits come from
 * PostgreSQL: slower, never staler.
 */
#include "engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sodium.h>

#include "policy/arena.h"
#include "footers.h"
#include "policy/cache.h"
#include "policy/catalog.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/keys.h"
#include "policy/lease.h"
#include "policy/store.h"

struct engine {
	const char *path;
	struct metrics *registry;
	struct engine_metrics metrics;
	_Atomic uint32_t reference;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool stopping;
	unsigned int messages;	  /* under way */
	struct snapshot *current; /* holds a reference of its own */
};

static void
snapshot_free(struct snapshot *s)
{
	lease_stop(&s->lookup.lease);
	pthread_mutex_destroy(&s->changer.lock);
	cache_free(&s->lookup.cache);
	footers_free(&s->footers);
	store_free(&s->lookup.store);
	keys_free(&s->keys);
	conf_free(&s->conf);
	free(s);
}

static int
count_streams(struct engine *en, struct conf *c, struct err *e)
{
	char labels[256];

	for (size_t i = 0; i < c->n_streams; i++) {
		struct stream_metrics *m = arena_alloc(c->arena, sizeof(*m));

		if (m == NULL)
			return err_set(e, ERR_FATAL, "too many streams");
		for (int r = 0; r < REASON_COUNT; r++) {
			snprintf(labels, sizeof(labels),
			    "stream=\"%s\",reason=\"%s\"", c->streams[i].name,
			    reason_info((enum reason)r)->word);
			m->verdict[r] = metrics_counter(en->registry,
			    "assent_verdicts_total",
			    "Recipients by stream and reason.", labels);
		}
		c->streams[i].metrics = m;
	}
	return 0;
}

static int
snapshot_fill(struct engine *en, struct snapshot *s, struct err *e)
{
	struct conf *c = conf_load(en->path, e);
	const char *role;

	s->conf = c;
	if (c == NULL)
		return -1;
	role = c->database.milter_role;
	s->keys = keys_load(c->keys.file, e);
	if (s->keys == NULL)
		return -1;
	s->lookup.store =
	    store_new(&c->database, role, "assent-milter", en->registry);
	if (s->lookup.store == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	if (store_check(s->lookup.store, e) != 0 ||
	    catalog_resolve(c, s->lookup.store, e) != 0 ||
	    count_streams(en, c, e) != 0)
		return -1;
	s->lookup.cache = cache_new(&c->cache, en->registry, e);
	if (s->lookup.cache == NULL)
		return -1;
	s->footers = footers_new(s->lookup.store);
	if (s->footers == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	s->changer.store = s->lookup.store;
	s->changer.cache = s->lookup.cache;
	s->changer.lease = c->cache.lease;
	s->changer.in_force = metrics_histogram(
	    en->registry, CHANGE_IN_FORCE, CHANGE_IN_FORCE_HELP, "");
	s->lookup.lease =
	    lease_start(c, s->lookup.cache, role, "assent-milter lease", e);
	if (s->lookup.lease == NULL)
		return -1;
	lease_observe(s->lookup.lease,
	    metrics_histogram(en->registry, "assent_epoch_seen_seconds",
		"Age of an epoch or timeline when it was first seen.", ""));
	return 0;
}

static struct snapshot *
snapshot_new(struct engine *en, struct err *e)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	s->references = 1;
	pthread_mutex_init(&s->changer.lock, NULL);
	if (snapshot_fill(en, s, e) == 0)
		return s;
	snapshot_free(s);
	return NULL;
}

static void
make_metrics(struct engine *en)
{
	struct metrics *r = en->registry;
	struct engine_metrics *m = &en->metrics;
	char labels[64];

	for (int i = LOOKUP_CACHE; i < LOOKUP_SOURCES; i++) {
		snprintf(labels, sizeof(labels), "source=\"%s\"",
		    lookup_source_word((enum lookup_source)i));
		m->lookup[i] = metrics_counter(r, "assent_lookups_total",
		    "Permits looked up, by who answered.", labels);
	}
	m->lookup_failed = metrics_counter(r, "assent_lookups_failed_total",
	    "Permits that nobody could be asked for.", "");
	m->lookup_time = metrics_histogram(
	    r, "assent_lookup_seconds", "Time to look one permit up.", "");
	m->rcpt_time = metrics_histogram(r, "assent_callback_seconds",
	    "Time spent in one callback.", "stage=\"rcpt\"");
	m->eom_time = metrics_histogram(r, "assent_callback_seconds",
	    "Time spent in one callback.", "stage=\"eom\"");
	m->notified = metrics_counter(r, "assent_notifications_total",
	    "Notifications about dropped recipients.", "result=\"sent\"");
	m->notify_failed = metrics_counter(r, "assent_notifications_total",
	    "Notifications about dropped recipients.", "result=\"failed\"");
	m->copied = metrics_counter(r, "assent_copies_total",
	    "Private copies of messages.", "result=\"made\"");
	m->copy_skipped = metrics_counter(r, "assent_copies_total",
	    "Private copies of messages.", "result=\"skipped\"");
	m->copy_refused = metrics_counter(r, "assent_copies_total",
	    "Private copies of messages.", "result=\"refused\"");
	m->copy_failed = metrics_counter(r, "assent_copies_total",
	    "Private copies of messages.", "result=\"failed\"");
	m->placeholders = metrics_counter(r, "assent_body_edits_total",
	    "Edits of bodies.", "what=\"placeholder\"");
	m->footers = metrics_counter(r, "assent_body_edits_total",
	    "Edits of bodies.", "what=\"footer\"");
	m->pixels = metrics_counter(
	    r, "assent_body_edits_total", "Edits of bodies.", "what=\"pixel\"");
	m->links = metrics_counter(
	    r, "assent_body_edits_total", "Edits of bodies.", "what=\"link\"");
	m->unedited = metrics_counter(r, "assent_bodies_unedited_total",
	    "Bodies that could not be edited.", "");
	for (int i = 0; i < OPTOUT_RESULTS; i++) {
		snprintf(labels, sizeof(labels), "result=\"%s\"",
		    optout_result_word((enum optout_result)i));
		m->opt_outs[i] = metrics_counter(
		    r, "assent_opt_outs_total", "Opt-outs by mail.", labels);
	}
	m->reloads = metrics_counter(r, "assent_reloads_total",
	    "Configurations loaded.", "result=\"done\"");
	m->reloads_failed = metrics_counter(r, "assent_reloads_total",
	    "Configurations loaded.", "result=\"failed\"");
}

struct engine *
engine_new(const char *path, struct err *e)
{
	struct engine *en = calloc(1, sizeof(*en));
	pthread_condattr_t attr;

	if (en == NULL || (en->registry = metrics_new()) == NULL) {
		free(en);
		err_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	en->path = path;
	pthread_mutex_init(&en->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&en->ended, &attr);
	pthread_condattr_destroy(&attr);
	make_metrics(en);
	en->current = snapshot_new(en, e);
	if (en->current == NULL)
		engine_free(&en);
	else
		en->reference = randombytes_random();
	return en;
}

void
engine_free(struct engine **enp)
{
	struct engine *en = *enp;

	if (en == NULL)
		return;
	if (en->current != NULL)
		snapshot_free(en->current);
	metrics_free(&en->registry);
	pthread_cond_destroy(&en->ended);
	pthread_mutex_destroy(&en->lock);
	free(en);
	*enp = NULL;
}

/* Gives one reference up; the snapshot to free, if it was the last.  Called
 * with the lock held, freed without it: the lease's thread is joined then. */
static struct snapshot *
drop(struct snapshot *s)
{
	return --s->references == 0 ? s : NULL;
}

int
engine_reload(struct engine *en, struct err *e)
{
	struct snapshot *fresh = snapshot_new(en, e), *old;

	if (fresh == NULL) {
		metric_inc(en->metrics.reloads_failed);
		return -1;
	}
	pthread_mutex_lock(&en->lock);
	old = drop(en->current);
	en->current = fresh;
	pthread_mutex_unlock(&en->lock);
	if (old != NULL)
		snapshot_free(old);
	metric_inc(en->metrics.reloads);
	return 0;
}

struct snapshot *
engine_begin(struct engine *en)
{
	struct snapshot *s = NULL;

	pthread_mutex_lock(&en->lock);
	if (!en->stopping) {
		s = en->current;
		s->references++;
		en->messages++;
	}
	pthread_mutex_unlock(&en->lock);
	return s;
}

void
engine_end(struct engine *en, struct snapshot **s)
{
	struct snapshot *last;

	if (*s == NULL)
		return;
	pthread_mutex_lock(&en->lock);
	last = drop(*s);
	en->messages--;
	if (en->messages == 0)
		pthread_cond_broadcast(&en->ended);
	pthread_mutex_unlock(&en->lock);
	if (last != NULL)
		snapshot_free(last);
	*s = NULL;
}

bool
engine_stopping(struct engine *en)
{
	bool stopping;

	pthread_mutex_lock(&en->lock);
	stopping = en->stopping;
	pthread_mutex_unlock(&en->lock);
	return stopping;
}

unsigned int
engine_drain(struct engine *en, int64_t deadline)
{
	struct timespec ts = {
	    .tv_sec = deadline / CLOCK_S,
	    .tv_nsec = deadline % CLOCK_S,
	};
	unsigned int left;

	pthread_mutex_lock(&en->lock);
	en->stopping = true;
	while (en->messages > 0 &&
	    pthread_cond_timedwait(&en->ended, &en->lock, &ts) == 0)
		;
	left = en->messages;
	pthread_mutex_unlock(&en->lock);
	return left;
}

const struct engine_metrics *
engine_metrics(const struct engine *en)
{
	return &en->metrics;
}

struct metrics *
engine_registry(const struct engine *en)
{
	return en->registry;
}

uint32_t
engine_reference(struct engine *en)
{
	/* An odd stride visits every number once before it repeats. */
	return atomic_fetch_add(&en->reference, 0x9e3779b1U);
}
