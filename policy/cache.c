/* SPDX-License-Identifier: ISC */
/*
 * cache - permits in Redis, never staler than they may be
 *
 * The only file that knows hiredis.  An entry's first octet tells what it is;
 * a ticket or mark is followed by its nonce, a permit by its octets.  A
 * connection asks for Redis' run id when it opens and uses it for its keys
 * until it closes: what one run of Redis was told, no other run repeats.
 */
#include "cache.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "addr.h"
#include "breaker.h"
#include "clock.h"
#include "conf.h"
#include "metric.h"
#include "pool.h"

enum {
	ENTRY_PERMIT = 'P',
	ENTRY_TICKET = 'T',
	ENTRY_MARK = 'M',
	ENTRY_CONTESTED = 'X',
	PREFIX = 8,
	KEY = PREFIX + ADDR_KEY,
	NONCE_ENTRY = 1 + sizeof(struct cache_nonce),
	RUN_ID = 40,
	PORT = 6379
};

#define TICKET_MS "5000"
#define MARK_MS "60000"

/* Each takes one key; ARGV[1] is our ticket or mark. */
#define IF_TICKET_THEN_PERMIT                                                  \
	"if redis.call('GET',KEYS[1])==ARGV[1] then "                          \
	"redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) end return 1"
#define MARK_OR_CONTEST                                                        \
	"local v=redis.call('GET',KEYS[1]) local c=v and v:sub(1,1) "          \
	"redis.call('SET',KEYS[1],(c=='M' or c=='X') and 'X' or ARGV[1],"      \
	"'PX'," MARK_MS ") return 1"
#define PUBLISH_OR_CONTEST                                                     \
	"if redis.call('GET',KEYS[1])==ARGV[1] then "                          \
	"redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) else "                 \
	"redis.call('SET',KEYS[1],'X','PX'," MARK_MS ") end return 1"

struct cache_url {
	char *host, *path, *user, *password;
	int port, database;
};

struct cache {
	const struct conf_cache *conf;
	struct cache_url url;
	struct pool *pool;
	struct breaker breaker;
	metric_counter *failed, *spared, *open; /* may be NULL */
};

/* One connection and what its keys begin with. */
struct link {
	redisContext *redis;
	char run[RUN_ID];
	int64_t epoch; /* the one of `prefix`; none has number 0 */
	char prefix[PREFIX];
};

/* "redis://[USER:]PASSWORD@HOST:PORT/DATABASE" or "unix:PATH", cut up. */
static int
parse_host(struct cache_url *u, const char *text, struct err *e)
{
	char host[256] = "", rest[64] = "";
	const char *at = strrchr(text, '@');

	if (at != NULL) {
		const char *colon = memchr(text, ':', (size_t)(at - text));
		const char *secret = colon == NULL ? text : colon + 1;

		if (colon != NULL && colon > text)
			u->user = strndup(text, (size_t)(colon - text));
		u->password = strndup(secret, (size_t)(at - secret));
		text = at + 1;
	}
	u->port = PORT;
	if (sscanf(text, "[%255[0-9a-fA-F:.]]%63s", host, rest) < 1 &&
	    sscanf(text, "%255[^:/[]%63s", host, rest) < 1)
		return err_set(e, ERR_FATAL, "no host in it");
	if (rest[0] != '\0' &&
	    sscanf(rest, ":%5d/%5d", &u->port, &u->database) < 1 &&
	    sscanf(rest, "/%5d", &u->database) < 1)
		return err_set(e, ERR_FATAL,
		    "after the host there must be :PORT or /DATABASE");
	u->host = strdup(host);
	return 0;
}

static int
parse_url(struct cache_url *u, const char *url, struct err *e)
{
	int rc;

	if (strncmp(url, "unix:", 5) == 0 && url[5] != '\0') {
		u->path = strdup(url + 5);
		return u->path != NULL
		    ? 0
		    : err_set(e, ERR_FATAL, "out of memory for cache url");
	}
	if (strncmp(url, "redis://", 8) != 0)
		return err_set(e, ERR_FATAL,
		    "cache url: \"%s\" is neither unix:PATH nor "
		    "redis://[[USER:]PASSWORD@]HOST[:PORT][/DATABASE]",
		    url);
	rc = parse_host(u, url + 8, e);
	return rc == 0 ? 0 : err_prefix(e, "cache url");
}

static void
close_link(void *handle)
{
	struct link *l = handle;

	if (l->redis != NULL)
		redisFree(l->redis);
	free(l);
}

static int
complain(const struct link *l, const redisReply *r, struct err *e)
{
	const redisContext *c = l->redis;
	const char *what = "out of memory";

	if (r != NULL && r->type == REDIS_REPLY_ERROR)
		what = r->str;
	else if (c != NULL && c->err == REDIS_ERR_IO &&
	    (errno == EAGAIN || errno == EWOULDBLOCK))
		what = "no answer in time";
	else if (c != NULL && c->err != 0)
		what = c->errstr;
	else if (r != NULL)
		what = "an answer that makes no sense";
	return err_set(e, ERR_UNREACHABLE, "Redis: %s", what);
}

/* Sends AUTH, SELECT and the like; their only good answer is OK. */
static int
expect_ok(struct link *l, const char *const *argv, int argc, struct err *e)
{
	redisReply *r =
	    redisCommandArgv(l->redis, argc, (const char **)argv, NULL);
	int rc = 0;

	if (r == NULL || r->type != REDIS_REPLY_STATUS)
		rc = complain(l, r, e);
	freeReplyObject(r);
	return rc;
}

static int
log_in(struct link *l, const struct cache_url *u, struct err *e)
{
	const char *auth[] = {
	    "AUTH", u->user == NULL ? u->password : u->user, u->password};
	char number[16];
	const char *select[] = {"SELECT", number};

	if (u->password != NULL &&
	    expect_ok(l, auth, u->user == NULL ? 2 : 3, e) != 0)
		return -1;
	snprintf(number, sizeof(number), "%d", u->database);
	return u->database == 0 ? 0 : expect_ok(l, select, 2, e);
}

static int
learn_run(struct link *l, struct err *e)
{
	redisReply *r = redisCommand(l->redis, "INFO server");
	const char *id;
	int rc = 0;

	if (r == NULL || r->type != REDIS_REPLY_STRING ||
	    (id = strstr(r->str, "\nrun_id:")) == NULL ||
	    strlen(id + 8) < RUN_ID)
		rc = complain(l, r, e);
	else
		memcpy(l->run, id + 8, RUN_ID);
	freeReplyObject(r);
	return rc;
}

static void *
open_link(void *arg, int64_t deadline, struct err *e)
{
	const struct cache *c = arg;
	struct link *l = calloc(1, sizeof(*l));
	struct timeval tv = {
	    .tv_sec = c->conf->timeout / CLOCK_S,
	    .tv_usec = c->conf->timeout % CLOCK_S / 1000,
	};

	(void)deadline; /* the cache's own timeout is the shorter one */
	if (l == NULL) {
		err_set(e, ERR_FATAL, "out of memory for a connection");
		return NULL;
	}
	l->redis = c->url.path != NULL
	    ? redisConnectUnixWithTimeout(c->url.path, tv)
	    : redisConnectWithTimeout(c->url.host, c->url.port, tv);
	if (l->redis == NULL || l->redis->err != 0 ||
	    redisSetTimeout(l->redis, tv) != REDIS_OK) {
		complain(l, NULL, e);
	} else if (log_in(l, &c->url, e) == 0 && learn_run(l, e) == 0) {
		return l;
	}
	close_link(l);
	return NULL;
}

static const struct pool_ops ops = {
    .open = open_link,
    .close = close_link,
    .what = "Redis",
};

static void
make_metrics(struct cache *c, struct metrics *m)
{
	c->failed = metrics_counter(m, "assent_cache_failures_total",
	    "Operations that Redis did not answer.", "");
	c->spared = metrics_counter(m, "assent_cache_spared_total",
	    "Operations not tried, as Redis did not answer before.", "");
	c->open = metrics_gauge(m, "assent_cache_breaker_open",
	    "Whether Redis is left alone, as it did not answer.", "");
}

struct cache *
cache_new(const struct conf_cache *conf, struct metrics *m, struct err *e)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		err_set(e, ERR_FATAL, "out of memory for the cache");
		return NULL;
	}
	c->conf = conf;
	pthread_mutex_init(&c->breaker.lock, NULL);
	if (m != NULL)
		make_metrics(c, m);
	if (parse_url(&c->url, conf->url, e) != 0) {
		cache_free(&c);
		return NULL;
	}
	c->pool = pool_new(&ops, c, (size_t)conf->pool);
	if (c->pool == NULL) {
		err_set(e, ERR_FATAL, "out of memory for the cache");
		cache_free(&c);
	}
	return c;
}

void
cache_free(struct cache **cp)
{
	struct cache *c = *cp;

	if (c == NULL)
		return;
	pool_free(&c->pool);
	pthread_mutex_destroy(&c->breaker.lock);
	free(c->url.host);
	free(c->url.path);
	free(c->url.user);
	free(c->url.password);
	free(c);
	*cp = NULL;
}

static void
enter_epoch(struct link *l, int64_t epoch)
{
	uint8_t hash[crypto_generichash_BYTES_MIN];
	crypto_generichash_state st;

	crypto_generichash_init(&st, NULL, 0, sizeof(hash));
	crypto_generichash_update(&st, (const uint8_t *)l->run, RUN_ID);
	crypto_generichash_update(&st, (const uint8_t *)&epoch, sizeof(epoch));
	crypto_generichash_final(&st, hash, sizeof(hash));
	memcpy(l->prefix, hash, PREFIX);
	l->epoch = epoch;
}

static void
make_key(
    struct link *l, int64_t epoch, const struct addr_key *key, char out[KEY])
{
	if (l->epoch != epoch)
		enter_epoch(l, epoch);
	memcpy(out, l->prefix, PREFIX);
	memcpy(out + PREFIX, key->octets, ADDR_KEY);
}

/* A command about one key: words before it, the key, words after it. */
struct command {
	const char *before[3], *after[5];
	size_t len[5]; /* of `after`; 0: a C string */
};

static redisReply *
send_command(struct link *l, const struct command *cmd, const char key[KEY])
{
	const char *argv[9];
	size_t len[9];
	int n = 0;

	for (size_t i = 0; i < 3 && cmd->before[i] != NULL; i++, n++) {
		argv[n] = cmd->before[i];
		len[n] = strlen(cmd->before[i]);
	}
	argv[n] = key;
	len[n++] = KEY;
	for (size_t i = 0; i < 5 && cmd->after[i] != NULL; i++, n++) {
		argv[n] = cmd->after[i];
		len[n] = cmd->len[i] > 0 ? cmd->len[i] : strlen(argv[n]);
	}
	return redisCommandArgv(l->redis, n, argv, len);
}

/* Sends `cmd` about the entry of `key`.  A reply that is not an error, or NULL
 * and `e`; `*answered` says whether there was a reply at all. */
static redisReply *
ask(struct cache *c, int64_t epoch, const struct addr_key *key,
    const struct command *cmd, bool *answered, struct err *e)
{
	int64_t deadline = clock_now() + c->conf->timeout;
	redisReply *r = NULL;
	char full[KEY];
	bool fresh, dead;

	*answered = false;
	do {
		struct link *l = pool_borrow(c->pool, deadline, &fresh, e);

		if (l == NULL)
			return NULL;
		make_key(l, epoch, key, full);
		r = send_command(l, cmd, full);
		dead = r == NULL;
		if (r == NULL || r->type == REDIS_REPLY_ERROR) {
			complain(l, r, e);
			freeReplyObject(r);
			r = NULL;
		}
		pool_return(c->pool, l, !dead);
	} while (dead && !fresh && clock_now() < deadline);
	*answered = !dead;
	return r;
}

/* Likewise, unless Redis is left alone; a reply is to be freed with
 * freeReplyObject(). */
static redisReply *
run(struct cache *c, int64_t epoch, const struct addr_key *key,
    const struct command *cmd, struct err *e)
{
	int64_t begun = clock_now();
	redisReply *r;
	bool answered;

	if (!breaker_admits(&c->breaker, begun)) {
		metric_inc(c->spared);
		err_set(e, ERR_UNREACHABLE,
		    "Redis: left alone for a moment, as it did not answer");
		return NULL;
	}
	r = ask(c, epoch, key, cmd, &answered, e);
	if (!answered)
		metric_inc(c->failed);
	metric_set(
	    c->open, breaker_report(&c->breaker, answered, begun, clock_now()));
	return r;
}

static enum cache_answer
read_entry(
    const redisReply *r, uint8_t *out, size_t size, size_t *len, struct err *e)
{
	if (r->type == REDIS_REPLY_NIL)
		return CACHE_MISS;
	if (r->type != REDIS_REPLY_STRING || r->len < 1) {
		err_set(e, ERR_FATAL, "Redis: an entry that is none of ours");
		return CACHE_DOWN;
	}
	if (r->str[0] != ENTRY_PERMIT)
		return CACHE_BUSY;
	*len = r->len - 1;
	if (*len > size) {
		err_set(e, ERR_FATAL, "Redis: a permit of %zu octets", *len);
		return CACHE_DOWN;
	}
	memcpy(out, r->str + 1, *len);
	return CACHE_HIT;
}

enum cache_answer
cache_get(struct cache *c, int64_t epoch, const struct addr_key *key,
    uint8_t *out, size_t size, size_t *len, struct err *e)
{
	static const struct command get = {.before = {"GET"}};
	redisReply *r = run(c, epoch, key, &get, e);
	enum cache_answer answer;

	if (r == NULL)
		return CACHE_DOWN;
	answer = read_entry(r, out, size, len, e);
	freeReplyObject(r);
	return answer;
}

static void
make_nonce(char kind, struct cache_nonce *nonce, char entry[NONCE_ENTRY])
{
	randombytes_buf(nonce->octets, sizeof(nonce->octets));
	entry[0] = kind;
	memcpy(entry + 1, nonce->octets, sizeof(nonce->octets));
}

enum cache_answer
cache_ticket(struct cache *c, int64_t epoch, const struct addr_key *key,
    struct cache_nonce *nonce, struct err *e)
{
	char entry[NONCE_ENTRY];
	const struct command set = {
	    .before = {"SET"},
	    .after = {entry, "NX", "PX", TICKET_MS},
	    .len = {sizeof(entry)},
	};
	enum cache_answer answer;
	redisReply *r;

	make_nonce(ENTRY_TICKET, nonce, entry);
	r = run(c, epoch, key, &set, e);
	if (r == NULL)
		return CACHE_DOWN;
	answer = r->type == REDIS_REPLY_NIL ? CACHE_BUSY : CACHE_MISS;
	freeReplyObject(r);
	return answer;
}

/* Runs a script that replaces our ticket or mark by a permit. */
static int
replace(struct cache *c, int64_t epoch, const struct addr_key *key,
    const char *script, char kind, const struct cache_nonce *nonce,
    const uint8_t *permit, size_t permit_len, struct err *e)
{
	char old[NONCE_ENTRY], new[1 + 4096], ttl[24];
	const struct command eval = {
	    .before = {"EVAL", script, "1"},
	    .after = {old, new, ttl},
	    .len = {sizeof(old), 1 + permit_len},
	};
	redisReply *r;

	if (permit_len >= sizeof(new))
		return err_set(
		    e, ERR_FATAL, "a permit of %zu octets", permit_len);
	old[0] = kind;
	memcpy(old + 1, nonce->octets, sizeof(nonce->octets));
	new[0] = ENTRY_PERMIT;
	if (permit_len > 0)
		memcpy(new + 1, permit, permit_len);
	snprintf(
	    ttl, sizeof(ttl), "%lld", (long long)(c->conf->ttl / CLOCK_MS));
	r = run(c, epoch, key, &eval, e);
	if (r == NULL)
		return -1;
	freeReplyObject(r);
	return 0;
}

int
cache_fill(struct cache *c, int64_t epoch, const struct addr_key *key,
    const struct cache_nonce *ticket, const uint8_t *permit, size_t len,
    struct err *e)
{
	return replace(c, epoch, key, IF_TICKET_THEN_PERMIT, ENTRY_TICKET,
	    ticket, permit, len, e);
}

int
cache_mark(struct cache *c, int64_t epoch, const struct addr_key *key,
    struct cache_nonce *nonce, struct err *e)
{
	char entry[NONCE_ENTRY];
	const struct command eval = {
	    .before = {"EVAL", MARK_OR_CONTEST, "1"},
	    .after = {entry},
	    .len = {sizeof(entry)},
	};
	redisReply *r;

	make_nonce(ENTRY_MARK, nonce, entry);
	r = run(c, epoch, key, &eval, e);
	if (r == NULL)
		return -1;
	freeReplyObject(r);
	return 0;
}

int
cache_publish(struct cache *c, int64_t epoch, const struct addr_key *key,
    const struct cache_nonce *mark, const uint8_t *permit, size_t len,
    struct err *e)
{
	return replace(c, epoch, key, PUBLISH_OR_CONTEST, ENTRY_MARK, mark,
	    permit, len, e);
}

int
cache_ping(struct cache *c, struct err *e)
{
	static const struct command exists = {.before = {"EXISTS"}};
	const struct addr_key none = {{0}};
	redisReply *r = run(c, 0, &none, &exists, e);

	if (r == NULL)
		return -1;
	freeReplyObject(r);
	return 0;
}
