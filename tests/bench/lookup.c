/* SPDX-License-Identifier: ISC */
/*
 * lookup - what a permit from the cache costs, beside a bare GET
 *
 * Asks for permits as the milter does, lease, owner and all, and in turns with
 * each question GETs a value of the same length over a connection of its own,
 * which is the least that any cache in Redis could do.  Every permit must come
 * from the cache.  Prints the median and the 99th percentile of both, in
 * microseconds.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/addr.h"
#include "policy/arena.h"
#include "policy/cache.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/endpoint.h"
#include "policy/keys.h"
#include "policy/lease.h"
#include "policy/lookup.h"
#include "policy/store.h"

enum { PEOPLE = 8, TRIES = 100 };

static struct lookup lookup;
static struct addr_key keys[PEOPLE];
static redisContext *redis;
static char bare[32];

static void
die(const char *what, const struct err *e)
{
	fprintf(stderr, "lookup: %s: %s\n", what, e->text);
	exit(1);
}

static void
open_all(const char *path)
{
	struct err e = {.text = "out of memory"};
	struct conf *conf = conf_load(path, &e);
	struct keys *secrets =
	    conf == NULL ? NULL : keys_load(conf->keys.file, &e);
	struct arena *a = arena_new(1 << 16);

	if (secrets == NULL || a == NULL)
		die(path, &e);
	lookup.store = store_new(
	    &conf->database, conf->database.milter_role, "bench", NULL);
	lookup.cache = cache_new(&conf->cache, NULL, &e);
	if (lookup.store == NULL || lookup.cache == NULL)
		die("cache", &e);
	lookup.lease = lease_start(conf, lookup.cache,
	    conf->database.milter_role, "bench lease", &e);
	if (lookup.lease == NULL)
		die("lease", &e);
	for (int i = 0; i < PEOPLE; i++) {
		char text[32];
		struct endpoint who;

		snprintf(text, sizeof(text), "granted%d@rcpt.test", i + 2);
		if (endpoint_parse(
			a, "email", text, strlen(text), &who, &e) != 0)
			die(text, &e);
		keys[i] = endpoint_key(keys_index(secrets), &who);
	}
}

static int64_t
look_up(int i, enum lookup_source *source)
{
	struct lookup_result found;
	struct err e;
	int64_t begun = clock_now();

	if (lookup_permit(&lookup, &keys[i % PEOPLE], &found, NULL, &e) != 0)
		die("look-up", &e);
	*source = found.source;
	return clock_now() - begun;
}

/* Until every permit comes from the cache. */
static void
warm_up(void)
{
	static const struct err cold = {.text = "the cache is not used"};

	for (int i = 0; i < PEOPLE; i++) {
		enum lookup_source source = LOOKUP_NONE;

		for (int n = 0; source != LOOKUP_CACHE; n++) {
			if (n == TRIES)
				die("look-up", &cold);
			look_up(i, &source);
			if (source == LOOKUP_STORE)
				clock_sleep_until(clock_now() + CLOCK_S / 10);
		}
	}
}

/* A key that this server has, which need not have all. */
static void
set_bare(const char *where)
{
	static const struct err unset = {.text = "cannot be set there"};
	char *end;
	long port = strtol(where, &end, 10);
	bool done = false;

	redis = *end == '\0' ? redisConnect("127.0.0.1", (int)port)
			     : redisConnectUnix(where);
	for (int i = 0; redis->err == 0 && !done && i < TRIES; i++) {
		redisReply *r;

		snprintf(bare, sizeof(bare), "bench-%d-as-long-as-ours", i);
		r = redisCommand(redis, "SET %s %s", bare, "a permit of ours");
		done = r != NULL && r->type == REDIS_REPLY_STATUS;
		freeReplyObject(r);
	}
	if (!done)
		die(where, &unset);
}

static int64_t
get_bare(void)
{
	int64_t begun = clock_now();
	redisReply *r = redisCommand(redis, "GET %s", bare);
	static const struct err gone = {.text = "no answer"};

	if (r == NULL || r->type != REDIS_REPLY_STRING)
		die("GET", &gone);
	freeReplyObject(r);
	return clock_now() - begun;
}

static int
earlier(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
report(const char *name, int64_t *took, size_t n, const char *end)
{
	qsort(took, n, sizeof(*took), earlier);
	printf("\"%s\": {\"p50_us\": %.2f, \"p99_us\": %.2f}%s", name,
	    (double)took[n / 2] / 1e3, (double)took[n * 99 / 100] / 1e3, end);
}

int
main(int argc, char **argv)
{
	static const struct err missed = {.text = "not from the cache"};
	int n = argc == 4 ? atoi(argv[3]) : 0;
	int64_t *ours, *theirs;

	if (n < 100) {
		fputs("usage: lookup CONF PORT|SOCKET TIMES\n", stderr);
		return 2;
	}
	ours = calloc((size_t)n, sizeof(*ours));
	theirs = calloc((size_t)n, sizeof(*theirs));
	open_all(argv[1]);
	set_bare(argv[2]);
	warm_up();
	for (int i = 0; i < n; i++) {
		enum lookup_source source;

		if (i % 2 == 0)
			theirs[i] = get_bare();
		ours[i] = look_up(i, &source);
		if (source != LOOKUP_CACHE)
			die("look-up", &missed);
		if (i % 2 != 0)
			theirs[i] = get_bare();
	}
	printf("{");
	report("assent", ours, (size_t)n, ", ");
	report("bare", theirs, (size_t)n, "}\n");
	return 0;
}
