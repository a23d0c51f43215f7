/* SPDX-License-Identifier: ISC */
/*
 * masters - which Redis has the keys of which slot
 *
 * Servers are numbered as they are met and never forgotten, so that a pointer
 * to one stays good; `of` says whose each slot is.  To look is to ask one
 * server after another, beginning with the next each time, until one answers
 * or the cache's timeout is over: a look-up that has to wait for it costs one
 * message of a pause that much.  Meanwhile the others go on with what was
 * known.
 */
#include "masters.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "conf.h"
#include "metric.h"
#include "pool.h"
#include "redis_url.h"
#include "slots.h"
#include "topology.h"

enum { SERVERS = TOPOLOGY_SERVERS };

/* The longest pause between two looks. */
#define LOOK_PAUSE (400 * CLOCK_MS)

struct masters {
	const struct conf_cache *conf;
	struct redis_url url;
	pthread_mutex_t lock; /* of all below */
	size_t n;
	struct master *list[SERVERS];
	uint16_t of[SLOTS]; /* place in the list, from 1; 0: nobody's */
	bool doubted, looking;
	int64_t next_look;
	size_t turn;	/* who is asked first */
	struct err why; /* the last look failed; or an empty text */
	metric_counter *serving, *covered, *changed, *redirected, *alone;
	struct metric_histogram *waits;
};

static void *
open_link(void *arg, int64_t deadline, struct err *e)
{
	const struct master *s = arg;
	const struct masters *m = s->all;

	(void)deadline; /* the cache's own timeout is the shorter one */
	return redis_open_master(
	    &s->server, &m->url.login, m->conf->timeout, e);
}

static void
close_link(void *handle)
{
	redis_close(handle);
}

static const struct pool_ops ops = {
    .open = open_link,
    .close = close_link,
    .what = "Redis",
};

static void
free_master(struct master *s)
{
	pool_free(&s->pool);
	pthread_mutex_destroy(&s->breaker.lock);
	free(s->server.host);
	free(s);
}

/* Takes over the host's name.  The server's place, from 1; 0: no room. */
static size_t
add(struct masters *m, struct redis_server server)
{
	struct master *s;

	for (size_t i = 0; i < m->n; i++)
		if (m->list[i]->server.port == server.port &&
		    strcmp(m->list[i]->server.host, server.host) == 0) {
			free(server.host);
			return i + 1;
		}
	s = m->n < SERVERS ? calloc(1, sizeof(*s)) : NULL;
	if (s == NULL) {
		free(server.host);
		return 0;
	}
	s->server = server;
	s->all = m;
	pthread_mutex_init(&s->breaker.lock, NULL);
	s->pool = pool_new(&ops, s, (size_t)m->conf->pool);
	if (s->pool == NULL) {
		free_master(s);
		return 0;
	}
	pool_observe(s->pool, m->waits);
	m->list[m->n++] = s;
	return m->n;
}

static void
make_metrics(struct masters *m, struct metrics *registry)
{
	m->serving = metrics_gauge(registry, "assent_cache_masters",
	    "Redis processes that have keys, as far as known.", "");
	m->covered = metrics_gauge(registry, "assent_cache_slots_covered",
	    "Slots that have a master: of 1, or of 16384 in a cluster.", "");
	m->changed = metrics_counter(registry, "assent_cache_failovers_total",
	    "Times that another Redis turned out to be the master of slots.",
	    "");
	m->alone = metrics_gauge(registry, "assent_cache_breaker_open",
	    "How many of them are left alone, as they did not answer.", "");
	m->redirected =
	    metrics_counter(registry, "assent_cache_redirects_total",
		"Answers that named another master.", "");
	m->waits = metrics_histogram(registry, "assent_cache_wait_seconds",
	    "Wait for a connection to Redis.", "");
}

static size_t
slots_there_are(const struct masters *m)
{
	return m->url.mode == REDIS_CLUSTER ? SLOTS : 1;
}

/* Counts the servers that have slots.  Under the lock. */
static void
count_serving(struct masters *m)
{
	size_t serving = 0, alone = 0;

	for (size_t i = 0; i < m->n; i++) {
		serving += m->list[i]->serving;
		alone += m->list[i]->serving && m->list[i]->left_alone;
	}
	metric_set(m->serving, serving);
	metric_set(m->alone, alone);
}

/* Puts what was found in the place of what was known.  Under the lock. */
static void
adopt(struct masters *m, const uint16_t *of)
{
	size_t n = slots_there_are(m), covered = 0;
	bool changed = false;

	for (size_t i = 0; i < m->n; i++)
		m->list[i]->serving = false;
	for (size_t i = 0; i < n; i++) {
		changed = changed || (m->of[i] != 0 && m->of[i] != of[i]);
		covered += of[i] != 0;
		if (of[i] != 0)
			m->list[of[i] - 1]->serving = true;
		m->of[i] = of[i];
	}
	if (changed)
		metric_inc(m->changed);
	metric_set(m->covered, covered);
	count_serving(m);
	m->doubted = covered < n;
	m->why.text[0] = '\0';
}

static int
make_known(struct masters *m, struct err *e)
{
	uint16_t first[SLOTS] = {1};

	for (size_t i = 0; i < m->url.n; i++) {
		struct redis_server *s = &m->url.servers[i];

		/* Of the sentinels none has keys. */
		if (m->url.mode != REDIS_SENTINEL &&
		    add(m,
			(struct redis_server){
			    .host = strdup(s->host), .port = s->port}) == 0)
			return err_set(
			    e, ERR_FATAL, "out of memory for the cache");
	}
	if (m->url.mode == REDIS_ONE)
		adopt(m, first);
	return 0;
}

struct masters *
masters_new(const struct conf_cache *c, struct metrics *registry, struct err *e)
{
	struct masters *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		err_set(e, ERR_FATAL, "out of memory for the cache");
		return NULL;
	}
	m->conf = c;
	pthread_mutex_init(&m->lock, NULL);
	if (registry != NULL)
		make_metrics(m, registry);
	if (redis_url_parse(&m->url, c->url, e) != 0 || make_known(m, e) != 0)
		masters_free(&m);
	return m;
}

void
masters_free(struct masters **mp)
{
	struct masters *m = *mp;

	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n; i++)
		free_master(m->list[i]);
	redis_url_free(&m->url);
	pthread_mutex_destroy(&m->lock);
	free(m);
	*mp = NULL;
}

unsigned int
masters_slot(const struct masters *m, const char *tag, size_t len)
{
	return m->url.mode == REDIS_CLUSTER ? slots_hash(tag, len) : 0;
}

/* Whom to ask next, and how many there are to be asked. */
static struct redis_server
take_turn(struct masters *m, size_t *count)
{
	struct redis_server s;

	pthread_mutex_lock(&m->lock);
	if (m->url.mode == REDIS_SENTINEL) {
		*count = m->url.n;
		s = m->url.servers[m->turn++ % m->url.n];
	} else {
		*count = m->n;
		s = m->list[m->turn++ % m->n]->server;
	}
	pthread_mutex_unlock(&m->lock);
	return s;
}

/* Follows what somebody said. */
static void
follow(struct masters *m, struct topology *t)
{
	uint16_t place[SERVERS + 1] = {0};

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < t->n; i++)
		place[i + 1] = (uint16_t)add(m, t->servers[i]);
	for (size_t i = 0; i < slots_there_are(m); i++)
		t->of[i] = place[t->of[i]];
	adopt(m, t->of);
	pthread_mutex_unlock(&m->lock);
}

/* Asks until somebody knows. */
static int
look(struct masters *m, struct err *e)
{
	int64_t deadline = clock_now() + m->conf->timeout;
	size_t asked = 0, count;
	struct topology t;

	do {
		struct redis_server s = take_turn(m, &count);

		if (topology_ask(&m->url, &s, m->conf->timeout, &t, e) == 0) {
			follow(m, &t);
			return 0;
		}
	} while (++asked < count && clock_now() < deadline);
	return -1;
}

/* Looks if it is time to.  Called and returns with the lock held. */
static void
look_if_due(struct masters *m)
{
	struct err e;
	int rc;

	if (m->url.mode == REDIS_ONE || !m->doubted || m->looking ||
	    clock_now() < m->next_look)
		return;
	m->looking = true;
	pthread_mutex_unlock(&m->lock);
	rc = look(m, &e);
	pthread_mutex_lock(&m->lock);
	if (rc != 0)
		m->why = e;
	m->looking = false;
	m->next_look = clock_now() + clock_jitter(LOOK_PAUSE);
}

struct master *
masters_find(struct masters *m, unsigned int slot, struct err *e)
{
	struct master *found = NULL;

	pthread_mutex_lock(&m->lock);
	if (m->of[slot] == 0)
		m->doubted = true;
	look_if_due(m);
	if (m->of[slot] != 0)
		found = m->list[m->of[slot] - 1];
	else if (m->why.text[0] != '\0')
		err_set(e, ERR_UNREACHABLE, "no master found: %s", m->why.text);
	else
		err_set(e, ERR_UNREACHABLE, "Redis: slot %u has no master now",
		    slot);
	pthread_mutex_unlock(&m->lock);
	return found;
}

void
masters_doubt(struct masters *m)
{
	pthread_mutex_lock(&m->lock);
	m->doubted = true;
	pthread_mutex_unlock(&m->lock);
}

void
masters_moved(struct masters *m, const struct master *by, const char *text)
{
	const char *at = strrchr(text, ' ');
	struct redis_server s = {.host = NULL};
	struct err ignored;
	unsigned long slot;
	char *end;
	size_t place = 0;

	metric_inc(m->redirected);
	slot = strtoul(text + strlen("MOVED"), &end, 10);
	if (at == NULL || slot >= slots_there_are(m))
		return;
	/* A node that does not know its own address leaves the host out. */
	if (at[1] == ':')
		s = (struct redis_server){
		    .host = strdup(by->server.host), .port = atoi(at + 2)};
	else if (redis_server_parse(&s, at + 1, strlen(at + 1), 0, &ignored) !=
	    0)
		s.host = NULL;
	pthread_mutex_lock(&m->lock);
	m->doubted = true;
	if (s.host != NULL)
		place = add(m, s);
	if (place != 0) {
		m->of[slot] = (uint16_t)place;
		m->list[place - 1]->serving = true;
		count_serving(m);
	}
	pthread_mutex_unlock(&m->lock);
}

void
masters_note(struct masters *m, struct master *s, bool left_alone)
{
	if (atomic_exchange(&s->left_alone, left_alone) == left_alone)
		return;
	pthread_mutex_lock(&m->lock);
	count_serving(m);
	pthread_mutex_unlock(&m->lock);
}

struct master *
masters_unclaimed(struct masters *m)
{
	struct master *found = NULL;

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->n && found == NULL; i++)
		if (m->list[i]->unclaimed) {
			m->list[i]->unclaimed = false;
			found = m->list[i];
		}
	pthread_mutex_unlock(&m->lock);
	return found;
}

int
masters_served(
    const struct masters *m, struct redis *r, struct buf *out, struct err *e)
{
	return topology_served(&m->url, r, out, e);
}

struct master *
masters_serving(struct masters *m, size_t *i)
{
	struct master *found = NULL;

	pthread_mutex_lock(&m->lock);
	for (; *i < m->n && found == NULL; ++*i)
		if (m->list[*i]->serving)
			found = m->list[*i];
	pthread_mutex_unlock(&m->lock);
	return found;
}

static size_t
count_covered(struct masters *m)
{
	size_t n = 0;

	pthread_mutex_lock(&m->lock);
	for (size_t slot = 0; slot < slots_there_are(m); slot++)
		n += m->of[slot] != 0;
	pthread_mutex_unlock(&m->lock);
	return n;
}

int
masters_describe(struct masters *m, struct buf *out, struct err *e)
{
	const struct master *s = masters_find(m, 0, e);
	size_t covered = count_covered(m), i = 0;
	const char *between = "";

	if (s == NULL)
		return -1;
	if (covered < slots_there_are(m))
		return err_set(e, ERR_UNREACHABLE,
		    "Redis: only %zu of %d slots of the cluster have a master",
		    covered, SLOTS);
	if (m->url.mode == REDIS_SENTINEL)
		buf_printf(
		    out, "the sentinels' master \"%s\" is ", m->url.master);
	else if (m->url.mode == REDIS_CLUSTER)
		buf_printf(out, "a cluster of %d slots on ", SLOTS);
	while ((s = masters_serving(m, &i)) != NULL) {
		buf_printf(out, "%s%s", between, s->server.host);
		if (s->server.port != 0)
			buf_printf(out, ":%d", s->server.port);
		between = ", ";
	}
	return 0;
}
