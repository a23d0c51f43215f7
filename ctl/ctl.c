/* SPDX-License-Identifier: ISC */
/*
 * ctl - what the commands work with: configuration, keys, database, cache
 *
 * The database is spoken to as the operator role, which can change consent
 * through the rules and nothing else; the cache is only ever written by
 * change_apply().  A cache that cannot even be set up is an error here, not a
 * slower way: its URL is wrong, and every change would wait for nothing.
 */
#include "ctl.h"

#include <stdio.h>
#include <string.h>

#include "page/legible.h"
#include "policy/arena.h"
#include "policy/cache.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/keys.h"
#include "policy/store.h"

#define CONNECT_TIME (15 * CLOCK_S)

enum { ARENA = 1 << 20, SLUG_MAX = 63 };

int
ctl_init(struct ctl *c, const char *conf_path)
{
	*c = (struct ctl){.conf_path = conf_path, .arena = arena_new(ARENA)};
	return c->arena == NULL ? -1 : 0;
}

void
ctl_release(struct ctl *c)
{
	cache_free(&c->cache);
	store_free(&c->store);
	keys_free(&c->keys);
	conf_free(&c->conf);
	arena_free(&c->arena);
}

int
ctl_conf(struct ctl *c, struct err *e)
{
	if (c->conf == NULL)
		c->conf = conf_load(c->conf_path, e);
	return c->conf == NULL ? -1 : 0;
}

int
ctl_keys(struct ctl *c, struct err *e)
{
	if (ctl_conf(c, e) != 0)
		return -1;
	if (c->keys == NULL)
		c->keys = keys_load(c->conf->keys.file, e);
	return c->keys == NULL ? -1 : 0;
}

int
ctl_store(struct ctl *c, struct err *e)
{
	const struct conf_database *db;
	struct store *s;

	if (c->store != NULL)
		return 0;
	if (ctl_conf(c, e) != 0)
		return -1;
	db = &c->conf->database;
	s = store_new(db, db->operator_role, "assentctl", NULL);
	if (s == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	if (store_check(s, e) != 0) {
		store_free(&s);
		return -1;
	}
	c->store = s;
	return 0;
}

struct pg *
ctl_owner(struct ctl *c, const char *url, struct err *e)
{
	if (url == NULL) {
		if (ctl_conf(c, e) != 0)
			return NULL;
		url = c->conf->database.url;
	}
	return pg_open(url, NULL, "assentctl", clock_now() + CONNECT_TIME, e);
}

int
ctl_changer(struct ctl *c, struct err *e)
{
	if (c->changer.store != NULL)
		return 0;
	if (ctl_store(c, e) != 0)
		return -1;
	if (c->cache == NULL)
		c->cache = cache_new(&c->conf->cache, NULL, e);
	if (c->cache == NULL)
		return -1;
	pthread_mutex_init(&c->changer.lock, NULL);
	c->changer.cache = c->cache;
	c->changer.lease = c->conf->cache.lease;
	c->changer.store = c->store;
	return 0;
}

int
ctl_endpoint(struct ctl *c, const char *kind, const char *text,
    struct endpoint *out, struct addr_key *key, struct err *e)
{
	if (endpoint_parse(c->arena, kind, text, strlen(text), out, e) != 0)
		return err_prefix(e, "address \"%s\"", text);
	if (ctl_keys(c, e) != 0)
		return -1;
	*key = endpoint_key(keys_index(c->keys), out);
	return 0;
}

int
ctl_channel(
    const char *word, const char *kind, enum channel *out, struct err *e)
{
	size_t found = 0;

	if (word != NULL && channel_parse(word, out))
		return 0;
	if (word != NULL)
		return err_set(e, ERR_REFUSED,
		    "--channel \"%s\" is none of email, sms, voice, phone, "
		    "paper, push, im",
		    word);
	for (int i = 0; i < CHANNEL_COUNT; i++)
		if (strcmp(channel_kind((enum channel)i), kind) == 0) {
			*out = (enum channel)i;
			found++;
		}
	if (found == 1)
		return 0;
	return err_set(e, ERR_REFUSED,
	    "which channel of this number: --channel sms, voice or phone?");
}

int
ctl_purpose(
    struct ctl *c, const char *text, struct store_purpose *out, struct err *e)
{
	const char *slash = strchr(text, '/');
	const char *name = slash == NULL ? text : slash + 1;
	char *brand = NULL;

	if (ctl_slug("purpose", name, e) != 0)
		return -1;
	if (slash != NULL) {
		brand = arena_strndup(c->arena, text, (size_t)(slash - text));
		if (brand == NULL)
			return err_set(e, ERR_FATAL, "out of memory");
		if (ctl_slug("brand", brand, e) != 0)
			return -1;
	}
	if (ctl_store(c, e) != 0)
		return -1;
	return store_purpose(c->store, c->arena, brand, name, out, e);
}

const char *
ctl_purpose_name(struct ctl *c, const struct store_purpose *p)
{
	return arena_printf(c->arena, "%s/%s", p->brand, p->name);
}

static int
read_time(
    struct ctl *c, const char *text, bool last, const char **out, struct err *e)
{
	static const struct pg_statement read = {
	    .name = "time",
	    .sql = "SELECT isfinite(t), to_char(t AT TIME ZONE 'UTC', "
		   "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') "
		   "FROM (SELECT $1::text::timestamptz AS t) AS given",
	};
	static const struct pg_statement read_last = {
	    .name = "time-last",
	    .sql = "SELECT isfinite(t), to_char(CASE "
		   "WHEN $1::text ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN "
		   "least(t + interval '1 day' - interval '1 microsecond', "
		   "greatest(t, now())) ELSE t END AT TIME ZONE 'UTC', "
		   "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') "
		   "FROM (SELECT $1::text::timestamptz AS t) AS given",
	};
	const struct pg_param params[] = {{text, 0}};
	struct pg_rows *rows;
	int rc = 0;

	if (store_exec(
		c->store, last ? &read_last : &read, params, 1, &rows, e) != 0)
		return -1;
	if (pg_rows_text(rows, 0, 0)[0] != 't')
		rc = err_set(e, ERR_FATAL, "not a point in time");
	else
		*out = arena_strdup(c->arena, pg_rows_text(rows, 0, 1));
	pg_rows_free(&rows);
	if (rc == 0 && *out == NULL)
		rc = err_set(e, ERR_UNREACHABLE, "out of memory");
	return rc;
}

static const char *
point_in_time(struct ctl *c, const char *option, const char *text, bool last,
    struct err *e)
{
	const char *out = NULL;

	if (ctl_store(c, e) != 0)
		return NULL;
	if (read_time(c, text, last, &out, e) == 0)
		return out;
	if (e->kind != ERR_UNREACHABLE)
		err_set(e, ERR_REFUSED,
		    "--%s \"%s\" cannot be read as a time: write "
		    "2026-11-21T18:00:00Z, 2026-11-21 18:00+01 or 2026-11-21",
		    option, text);
	return NULL;
}

const char *
ctl_time(struct ctl *c, const char *option, const char *text, struct err *e)
{
	return point_in_time(c, option, text, false, e);
}

const char *
ctl_time_last(
    struct ctl *c, const char *option, const char *text, struct err *e)
{
	return point_in_time(c, option, text, true, e);
}

int
ctl_slug(const char *what, const char *text, struct err *e)
{
	static const char alnum[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t len = strlen(text);

	if (len == 0 || len > SLUG_MAX || strchr(alnum, text[0]) == NULL ||
	    strchr(alnum, text[len - 1]) == NULL)
		len = 0;
	for (size_t i = 0; i < len; i++)
		if (strchr(alnum, text[i]) == NULL &&
		    strchr("._-", text[i]) == NULL)
			len = 0;
	if (len == 0)
		return err_set(e, ERR_REFUSED,
		    "%s \"%s\": a name is 1 to %d of a-z, 0-9 and, within it, "
		    "\".\", \"_\" and \"-\"",
		    what, text, SLUG_MAX);
	return 0;
}

int
ctl_language(const char *text, struct err *e)
{
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
	static const char subtag[] = "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *at = text;
	size_t n = strspn(at, lower);
	bool good = n == 2 || n == 3;

	while (good && at[n] == '-') {
		at += n + 1;
		n = strspn(at, subtag);
		good = n >= 2 && n <= 8;
	}
	if (good && at[n] == '\0')
		return 0;
	return err_set(e, ERR_REFUSED,
	    "language \"%s\": write its code, such as en, pl or pt-BR", text);
}

int
ctl_legible(const char *option, const char *text, struct err *e)
{
	if (text == NULL || legible_check(text, e) == 0)
		return 0;
	return err_prefix(e, "--%s", option);
}
