/* SPDX-License-Identifier: ISC */
/*
 * lease - the right to answer for a little while
 *
 * A lease runs from before the question was sent, so that however long the
 * answer took, it never lasts longer than its length after PostgreSQL gave it.
 * When the connection breaks the lease runs on to its end: nothing about it
 * depended on the connection.
 */
#include "lease.h"

#include <pthread.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "conf.h"
#include "metric.h"
#include "pg.h"
#include "slots.h"

#define LEASE_RETRY (300 * CLOCK_MS)

struct lease {
	const struct conf *conf;
	const char *role, *program;
	pthread_t thread;
	int stop;      /* an eventfd: readable when the thread shall end */
	struct pg *pg; /* the thread's */
	struct cache *cache;
	int64_t version; /* of `claims`, the thread's, too */
	pthread_mutex_t lock;
	/* Under the lock; `until` by clock_boot().  A claim's generation is
	 * its own, not raised to the epoch. */
	struct lease_term term;
	struct metric_histogram *seen;
	int64_t until;
	struct cache_trust claims[SLOTS];
};

int64_t
lease_wait(int64_t lease)
{
	return lease + lease / 4;
}

static bool
stopping(struct lease *l, int64_t pause)
{
	struct pollfd fd = {.fd = l->stop, .events = POLLIN};

	return poll(&fd, 1, (int)(pause / CLOCK_MS)) > 0;
}

static struct pg *
connect_and_listen(struct lease *l)
{
	/* A proof that was given up on goes on waiting for a standby, and would
	 * keep its place at the server. */
	static const struct pg_statement listen = {
	    .sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
		   "WHERE usename = session_user AND wait_event = 'SyncRep' "
		   "AND application_name = current_setting('application_name') "
		   "AND xact_start < clock_timestamp() - interval '1 minute'; "
		   "LISTEN assent_epoch",
	};
	int64_t deadline = clock_now() + l->conf->database.timeout;
	struct err ignored; /* whoever asks PostgreSQL meanwhile reports it */
	struct pg *p = pg_open(
	    l->conf->database.url, l->role, l->program, deadline, &ignored);

	if (p != NULL &&
	    pg_exec(p, &listen, NULL, 0, NULL, deadline, &ignored) != 0)
		pg_close(&p);
	return p;
}

/* The claims made since the last time. */
static int
ask_claims(struct lease *l, struct pg_rows **rows, int64_t deadline)
{
	static const struct pg_statement get = {
	    .name = "claims",
	    .sql = "SELECT lower(part), upper(part) - 1, owner, version "
		   "FROM assent.cache_owner, unnest(slots) AS part "
		   "WHERE version > $1::text::bigint ORDER BY version",
	    .binary = true,
	};
	char since[24];
	const struct pg_param params[] = {{since, 0}};
	struct err ignored;

	snprintf(since, sizeof(since), "%lld", (long long)l->version);
	return pg_exec(l->pg, &get, params, 1, rows, deadline, &ignored);
}

/* Takes them over.  Under the lock. */
static void
adopt_claims(struct lease *l, const struct pg_rows *rows)
{
	/* What another server said of owners is not kept. */
	if (l->version == 0)
		memset(l->claims, 0, sizeof(l->claims));
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		size_t first = (size_t)pg_rows_int(rows, i, 0);
		size_t last = (size_t)pg_rows_int(rows, i, 1), len;
		const uint8_t *owner = pg_rows_octets(rows, i, 2, &len);
		struct cache_trust t = {.generation = pg_rows_int(rows, i, 3)};

		if (len == CACHE_OWNER)
			memcpy(t.owner, owner, len);
		for (size_t slot = first; slot <= last && slot < SLOTS; slot++)
			l->claims[slot] = t;
		l->version = t.generation;
	}
}

/* Takes over what was proved.  Under the lock. */
static void
adopt_term(struct lease *l, const struct pg_rows *rows)
{
	int64_t epoch = pg_rows_int(rows, 0, 0);
	int timeline = (int)pg_rows_int(rows, 0, 1);

	if (l->term.timeline != 0 &&
	    (epoch != l->term.epoch || timeline != l->term.timeline))
		metric_observe(l->seen, pg_rows_int(rows, 0, 2) * CLOCK_MS);
	l->term.epoch = epoch;
	l->term.timeline = timeline;
}

/* Asks for the owners and then for the proof, which confirms what was read. */
static int
renew(struct lease *l)
{
	static const struct pg_statement prove = {
	    .name = "prove",
	    .sql = "SELECT number, timeline, age FROM assent.prove()",
	    .binary = true,
	};
	int64_t asked = clock_boot(), length = l->conf->cache.lease;
	int64_t deadline = clock_now() + length;
	struct pg_rows *claims, *rows;
	struct err ignored;

	if (ask_claims(l, &claims, deadline) != 0)
		return -1;
	if (pg_exec(l->pg, &prove, NULL, 0, &rows, deadline, &ignored) != 0) {
		pg_rows_free(&claims);
		return -1;
	}
	pthread_mutex_lock(&l->lock);
	adopt_claims(l, claims);
	adopt_term(l, rows);
	l->until = asked + length;
	pthread_mutex_unlock(&l->lock);
	pg_rows_free(&claims);
	pg_rows_free(&rows);
	return 0;
}

/* Makes a Redis that serves slots their owner, if there is one that is not. */
static int
make_claim(struct lease *l)
{
	static const struct pg_statement claim = {
	    .sql = "SELECT assent.cache_claim($1, $2::text::int4multirange)",
	};
	uint8_t owner[CACHE_OWNER];
	struct buf slots = {0};
	struct err ignored;
	int rc = 0;

	if (cache_claim(l->cache, owner, &slots)) {
		const struct pg_param params[] = {
		    {owner, CACHE_OWNER}, {slots.data, 0}};

		rc = pg_exec(l->pg, &claim, params, 2, NULL,
		    clock_now() + l->conf->cache.lease, &ignored);
	}
	buf_free(&slots);
	return rc;
}

static void
connect_and_renew(struct lease *l)
{
	if (l->pg == NULL) {
		l->version = 0;
		l->pg = connect_and_listen(l);
	}
	if (l->pg != NULL && (renew(l) != 0 || make_claim(l) != 0))
		pg_close(&l->pg);
}

static void *
keep(void *arg)
{
	struct lease *l = arg;

	do {
		if (l->pg != NULL)
			pg_wait_notify(l->pg, l->stop,
			    clock_now() + l->conf->cache.lease / 4);
		connect_and_renew(l);
	} while (!stopping(l, l->pg == NULL ? clock_jitter(LEASE_RETRY) : 0));
	pg_close(&l->pg);
	return NULL;
}

struct lease *
lease_start(const struct conf *c, struct cache *cache, const char *role,
    const char *program, struct err *e)
{
	struct lease *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		err_set(e, ERR_FATAL, "out of memory for the lease");
		return NULL;
	}
	l->conf = c;
	l->cache = cache;
	l->role = role;
	l->program = program;
	pthread_mutex_init(&l->lock, NULL);
	l->stop = eventfd(0, EFD_CLOEXEC);
	connect_and_renew(l);
	if (l->stop >= 0 && pthread_create(&l->thread, NULL, keep, l) == 0)
		return l;
	err_set(e, ERR_FATAL, "the lease's thread cannot be started");
	pg_close(&l->pg);
	if (l->stop >= 0)
		close(l->stop);
	pthread_mutex_destroy(&l->lock);
	free(l);
	return NULL;
}

void
lease_observe(struct lease *l, struct metric_histogram *h)
{
	pthread_mutex_lock(&l->lock);
	l->seen = h;
	pthread_mutex_unlock(&l->lock);
}

void
lease_stop(struct lease **lp)
{
	struct lease *l = *lp;

	if (l == NULL)
		return;
	eventfd_write(l->stop, 1);
	pthread_join(l->thread, NULL);
	close(l->stop);
	pthread_mutex_destroy(&l->lock);
	free(l);
	*lp = NULL;
}

bool
lease_holds(struct lease *l, unsigned int slot, struct lease_term *term)
{
	bool holds;

	pthread_mutex_lock(&l->lock);
	holds = clock_boot() < l->until;
	*term = l->term;
	term->trust = l->claims[slot];
	if (term->trust.generation < term->epoch)
		term->trust.generation = term->epoch;
	pthread_mutex_unlock(&l->lock);
	return holds;
}
