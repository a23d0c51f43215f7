/* SPDX-License-Identifier: ISC */
/*
 * store - the truth: PostgreSQL through a pool of connections
 *
 * After PostgreSQL restarted every pooled connection is dead and looks alive.
 * So a statement that failed on an old connection is tried on the next, until
 * one fails on a connection that was opened for it.
 */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "arena.h"
#include "cache.h"
#include "clock.h"
#include "conf.h"
#include "metric.h"
#include "pool.h"

struct store {
	const struct conf_database *conf;
	const char *role, *program;
	struct pool *pool;
};

static void *
open_handle(void *arg, int64_t deadline, struct err *e)
{
	const struct store *s = arg;
	char text[48];
	const struct pg_statement bound = {.sql = text};
	struct pg *p = pg_open(s->conf->url, s->role, s->program, deadline, e);

	/* What nobody waits for any more must not be committed: nobody would
	 * publish it, nor renew its mark (cache.h). */
	snprintf(text, sizeof(text), "SET statement_timeout = %lld",
	    (long long)(s->conf->timeout / CLOCK_MS));
	if (p != NULL && pg_exec(p, &bound, NULL, 0, NULL, deadline, e) != 0)
		pg_close(&p);
	return p;
}

static void
close_handle(void *handle)
{
	struct pg *p = handle;

	pg_close(&p);
}

static const struct pool_ops ops = {
    .open = open_handle,
    .close = close_handle,
    .what = "PostgreSQL",
    .waiters = 8,
};

struct store *
store_new(const struct conf_database *c, const char *role, const char *program,
    struct metrics *m)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->conf = c;
	s->role = role;
	s->program = program;
	s->pool = pool_new(&ops, s, (size_t)c->pool);
	if (s->pool == NULL)
		store_free(&s);
	else if (m != NULL)
		pool_observe(s->pool,
		    metrics_histogram(m, "assent_database_wait_seconds",
			"Wait for a connection to PostgreSQL.", ""));
	return s;
}

void
store_free(struct store **s)
{
	if (*s == NULL)
		return;
	pool_free(&(*s)->pool);
	free(*s);
	*s = NULL;
}

/* As store_exec(), by the server of `timeline`, if it is not 0. */
static int
exec_on(struct store *s, int timeline, const struct pg_statement *st,
    const struct pg_param *params, size_t n_params, struct pg_rows **rows,
    struct err *e)
{
	int64_t deadline = clock_now() + s->conf->timeout;
	bool fresh, usable;
	struct pg *p;
	int rc;

	do {
		p = pool_borrow(s->pool, deadline, &fresh, e);
		if (p == NULL)
			return -1;
		usable = timeline == 0 || pg_timeline(p) == timeline;
		if (usable) {
			rc =
			    pg_exec(p, st, params, n_params, rows, deadline, e);
			usable = pg_usable(p);
		} else {
			rc = err_set(e, ERR_UNREACHABLE,
			    "PostgreSQL: not by the server that has proved to "
			    "be the primary (timeline %d, not %d)",
			    pg_timeline(p), timeline);
		}
		pool_return(s->pool, p, usable);
	} while (rc != 0 && !usable && !fresh && clock_now() < deadline);
	return rc;
}

int
store_exec(struct store *s, const struct pg_statement *st,
    const struct pg_param *params, size_t n_params, struct pg_rows **rows,
    struct err *e)
{
	return exec_on(s, 0, st, params, n_params, rows, e);
}

int
store_check(struct store *s, struct err *e)
{
	static const struct pg_statement there = {
	    .sql = "SELECT to_regclass('assent.migration') IS NOT NULL",
	};
	static const struct pg_statement version = {
	    .sql = "SELECT coalesce(max(number), 0) FROM assent.migration",
	};
	struct pg_rows *rows;
	int64_t number = 0;
	bool exists;

	if (store_exec(s, &there, NULL, 0, &rows, e) != 0) {
		/* The roles and the schema come with the first migration. */
		if (strstr(e->text, "does not exist") != NULL)
			err_prefix(e, "run \"assentctl migrate\"");
		return -1;
	}
	exists = pg_rows_text(rows, 0, 0)[0] == 't';
	pg_rows_free(&rows);
	if (exists) {
		if (store_exec(s, &version, NULL, 0, &rows, e) != 0)
			return -1;
		number = pg_rows_int(rows, 0, 0);
		pg_rows_free(&rows);
	}
	if (number < STORE_SCHEMA)
		return err_set(e, ERR_FATAL,
		    "the database is at migration %lld, this program needs "
		    "%d: run \"assentctl migrate\"",
		    (long long)number, STORE_SCHEMA);
	if (number > STORE_SCHEMA)
		return err_set(e, ERR_FATAL,
		    "the database is at migration %lld, this program knows "
		    "%d: install the newer Assent",
		    (long long)number, STORE_SCHEMA);
	return 0;
}

long
store_permit(struct store *s, int timeline, const struct addr_key *key,
    uint8_t *out, size_t size, struct err *e)
{
	static const struct pg_statement get = {
	    .name = "permit",
	    .sql = "SELECT packed FROM assent.permit WHERE key = $1",
	    .binary = true,
	};
	const struct pg_param params[] = {{key->octets, sizeof(key->octets)}};
	struct pg_rows *rows;
	size_t len = 0;
	long rc;

	if (exec_on(s, timeline, &get, params, 1, &rows, e) != 0)
		return -1;
	if (pg_rows_count(rows) > 0) {
		const uint8_t *octets = pg_rows_octets(rows, 0, 0, &len);

		if (len <= size)
			memcpy(out, octets, len);
	}
	pg_rows_free(&rows);
	rc = (long)len;
	if (len > size)
		rc = err_set(e, ERR_FATAL, "a permit of %zu octets", len);
	return rc;
}

static int
ask_epoch(struct store *s, const struct pg_statement *st,
    struct store_epoch *out, struct err *e)
{
	struct pg_rows *rows;

	if (store_exec(s, st, NULL, 0, &rows, e) != 0)
		return -1;
	*out = (struct store_epoch){
	    .number = pg_rows_int(rows, 0, 0),
	    .timeline = (int)pg_rows_int(rows, 0, 1),
	    .age = pg_rows_int(rows, 0, 2) * CLOCK_MS,
	};
	pg_rows_free(&rows);
	return 0;
}

int
store_epoch(struct store *s, struct store_epoch *out, struct err *e)
{
	static const struct pg_statement ask = {
	    .name = "epoch",
	    .sql = "SELECT number, timeline, age FROM assent.epoch()",
	    .binary = true,
	};

	return ask_epoch(s, &ask, out, e);
}

int
store_prove(struct store *s, struct store_epoch *out, struct err *e)
{
	static const struct pg_statement ask = {
	    .name = "prove",
	    .sql = "SELECT number, timeline, age FROM assent.prove()",
	    .binary = true,
	};

	return ask_epoch(s, &ask, out, e);
}

int
store_trust(struct store *s, unsigned int slot, struct cache_trust *t,
    struct store_epoch *out, struct err *e)
{
	static const struct pg_statement get = {
	    .name = "trust",
	    .sql = "SELECT number, timeline, age, owner "
		   "FROM assent.trust($1::text::int)",
	    .binary = true,
	};
	char text[12];
	const struct pg_param params[] = {{text, 0}};
	struct pg_rows *rows;
	const uint8_t *owner;
	size_t len;

	snprintf(text, sizeof(text), "%u", slot);
	if (store_exec(s, &get, params, 1, &rows, e) != 0)
		return -1;
	*out = (struct store_epoch){
	    .number = pg_rows_int(rows, 0, 0),
	    .timeline = (int)pg_rows_int(rows, 0, 1),
	    .age = pg_rows_int(rows, 0, 2) * CLOCK_MS,
	};
	*t = (struct cache_trust){.generation = out->number};
	owner = pg_rows_octets(rows, 0, 3, &len);
	if (len == CACHE_OWNER)
		memcpy(t->owner, owner, len);
	pg_rows_free(&rows);
	return 0;
}

int
store_claim(
    struct store *s, const uint8_t *owner, const char *slots, struct err *e)
{
	static const struct pg_statement claim = {
	    .sql = "SELECT assent.cache_claim($1, $2::text::int4multirange)",
	};
	const struct pg_param params[] = {{owner, CACHE_OWNER}, {slots, 0}};

	return store_exec(s, &claim, params, 2, NULL, e);
}

static unsigned int
channel_bits(const char *list)
{
	unsigned int bits = 0;
	char word[16];
	enum channel c;
	int used;

	/* PostgreSQL writes an array as {email,sms}. */
	while (sscanf(list, "%*[{,]%15[a-z]%n", word, &used) == 1) {
		if (channel_parse(word, &c))
			bits |= 1U << c;
		list += used;
	}
	return bits;
}

int
store_purpose(struct store *s, struct arena *a, const char *brand,
    const char *name, struct store_purpose *out, struct err *e)
{
	static const struct pg_statement get = {
	    .name = "purpose",
	    .sql = "SELECT p.id, b.slug, p.slug, p.title, p.channels "
		   "FROM assent.purpose p JOIN assent.brand b "
		   "ON b.id = p.brand_id WHERE p.slug = $2 "
		   "AND ($1::text IS NULL OR b.slug = $1)",
	};
	const struct pg_param params[] = {{brand, 0}, {name, 0}};
	struct pg_rows *rows;
	size_t n;

	if (store_exec(s, &get, params, 2, &rows, e) != 0)
		return -1;
	n = pg_rows_count(rows);
	if (n == 1)
		*out = (struct store_purpose){
		    .id = (uint16_t)pg_rows_int(rows, 0, 0),
		    .brand = arena_strdup(a, pg_rows_text(rows, 0, 1)),
		    .name = arena_strdup(a, pg_rows_text(rows, 0, 2)),
		    .title = arena_strdup(a, pg_rows_text(rows, 0, 3)),
		    .channels = channel_bits(pg_rows_text(rows, 0, 4)),
		};
	pg_rows_free(&rows);
	if (n == 0)
		return err_set(e, ERR_REFUSED,
		    "there is no purpose \"%s\"%s%s (assentctl purpose add "
		    "makes it)",
		    name, brand == NULL ? "" : " of brand ",
		    brand == NULL ? "" : brand);
	if (n > 1)
		return err_set(e, ERR_REFUSED,
		    "several brands have a purpose \"%s\": say BRAND/%s", name,
		    name);
	if (out->brand == NULL || out->name == NULL || out->title == NULL)
		return err_set(e, ERR_FATAL, "out of memory for a purpose");
	return 0;
}

int
store_monitoring(
    struct store *s, const char *brand, uint16_t *purpose, struct err *e)
{
	static const struct pg_statement find = {
	    .sql = "WITH RECURSIVE up AS ("
		   "SELECT id, parent_id, 0 AS distance FROM assent.brand "
		   "WHERE slug = $1 UNION ALL "
		   "SELECT b.id, b.parent_id, up.distance + 1 "
		   "FROM up JOIN assent.brand b ON b.id = up.parent_id) "
		   "SELECT p.id FROM up JOIN assent.purpose p "
		   "ON p.brand_id = up.id AND p.monitoring "
		   "ORDER BY up.distance LIMIT 1",
	};
	const struct pg_param params[] = {{brand, 0}};
	struct pg_rows *rows;

	if (store_exec(s, &find, params, 1, &rows, e) != 0)
		return -1;
	*purpose = pg_rows_count(rows) == 0
	    ? 0
	    : (uint16_t)strtol(pg_rows_text(rows, 0, 0), NULL, 10);
	pg_rows_free(&rows);
	return 0;
}
