/* SPDX-License-Identifier: ISC */
/*
 * cache - permits in Redis, never staler than they may be
 *
 * An entry's first octet tells what it is; a ticket or mark is followed by its
 * nonce, a permit by its octets.  A command goes to the master of the key's
 * slot, and what it answers counts if it came from the slot's owner: the
 * identity of a connection is compared after each answer, as it may have been
 * learnt along with it.
 */
#include "cache.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "buf.h"
#include "conf.h"
#include "masters.h"
#include "metric.h"
#include "pool.h"

enum {
	ENTRY_PERMIT = 'P',
	ENTRY_TICKET = 'T',
	ENTRY_MARK = 'M',
	ENTRY_CONTESTED = 'X',
	NAME = 8,
	TAG = 1 + ADDR_KEY,
	KEY = 1 + TAG + 1 + NAME, /* "{TAG}NAME" */
	NONCE_ENTRY = 1 + sizeof(struct cache_nonce),
	REDIRECTS = 3
};

_Static_assert((int)CACHE_OWNER == (int)REDIS_IDENTITY, "one identity");

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

struct cache {
	const struct conf_cache *conf;
	struct masters *masters;
	metric_counter *failed, *spared, *disowned; /* may be NULL */
};

/* A question about one key, and what came of it. */
struct question {
	unsigned int slot;
	const struct cache_trust *trust;
	struct redis_command command;
	char key[KEY];
};

/* What an answer means for the question. */
enum answered {
	ANSWERED_NOT = 0, /* by nobody who counts */
	ANSWERED,
	ANSWERED_ABSENT, /* the entry is not here, nor can it come here */
	ANSWERED_ELSEWHERE
};

static void
make_metrics(struct cache *c, struct metrics *m)
{
	c->failed = metrics_counter(m, "assent_cache_failures_total",
	    "Operations that Redis did not answer.", "");
	c->spared = metrics_counter(m, "assent_cache_spared_total",
	    "Operations not tried, as Redis did not answer before.", "");
	c->disowned = metrics_counter(m, "assent_cache_disowned_total",
	    "Answers not believed: of a Redis that is not the slot's owner.",
	    "");
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
	if (m != NULL)
		make_metrics(c, m);
	c->masters = masters_new(conf, m, e);
	if (c->masters == NULL)
		cache_free(&c);
	return c;
}

void
cache_free(struct cache **cp)
{
	struct cache *c = *cp;

	if (c == NULL)
		return;
	masters_free(&c->masters);
	free(c);
	*cp = NULL;
}

/* The hash tag begins with a letter, as an empty one would be none: the "}"
 * that ends it may well be an octet of the address key. */
static void
make_tag(const struct addr_key *key, char out[TAG])
{
	out[0] = 'k';
	memcpy(out + 1, key->octets, ADDR_KEY);
}

unsigned int
cache_slot(const struct cache *c, const struct addr_key *key)
{
	char tag[TAG];
	const char *end;

	make_tag(key, tag);
	end = memchr(tag, '}', TAG);
	return masters_slot(
	    c->masters, tag, end == NULL ? TAG : (size_t)(end - tag));
}

static void
make_key(const struct cache_trust *t, const struct addr_key *key, char out[KEY])
{
	uint8_t name[crypto_generichash_BYTES_MIN];
	crypto_generichash_state st;

	crypto_generichash_init(&st, NULL, 0, sizeof(name));
	crypto_generichash_update(&st, t->owner, CACHE_OWNER);
	crypto_generichash_update(
	    &st, (const uint8_t *)&t->generation, sizeof(t->generation));
	crypto_generichash_final(&st, name, sizeof(name));
	out[0] = '{';
	make_tag(key, out + 1);
	out[1 + TAG] = '}';
	memcpy(out + 1 + TAG + 1, name, NAME);
}

static void
report(struct cache *c, struct master *s, bool answered, int64_t begun)
{
	if (!answered)
		metric_inc(c->failed);
	masters_note(c->masters, s,
	    breaker_report(&s->breaker, answered, begun, clock_now()));
}

static bool
is_error(const struct redis_reply *reply, const char *word)
{
	return strncmp(reply->text, word, strlen(word)) == 0;
}

/* What the reply of `r`, a connection to `s`, is worth. */
static enum answered
judge(struct cache *c, struct master *s, const struct question *q,
    const struct redis *r, const struct redis_reply *reply, struct err *e)
{
	bool error = reply->type == REDIS_ERROR;
	bool absent = error && is_error(reply, "ASK ");

	if (error && is_error(reply, "MOVED ")) {
		masters_moved(c->masters, s, reply->text);
		return ANSWERED_ELSEWHERE;
	}
	if (error && !absent) {
		masters_doubt(c->masters);
		return ANSWERED_NOT;
	}
	if (q->trust != NULL &&
	    memcmp(redis_identity(r), q->trust->owner, CACHE_OWNER) != 0) {
		s->unclaimed = true;
		metric_inc(c->disowned);
		err_set(e, ERR_UNREACHABLE,
		    "Redis %s: not the owner of slot %u as yet, or no longer",
		    s->server.host, q->slot);
		return ANSWERED_NOT;
	}
	return absent ? ANSWERED_ABSENT : ANSWERED;
}

/* Asks `s`; again on a new connection, if an old one turns out dead. */
static enum answered
ask(struct cache *c, struct master *s, const struct question *q,
    struct redis_reply *reply, struct err *e)
{
	int64_t begun = clock_now(), deadline = begun + c->conf->timeout;
	enum answered answer = ANSWERED_NOT;
	bool fresh, dead;

	do {
		struct redis *r = pool_borrow(s->pool, deadline, &fresh, e);

		dead = true;
		if (r == NULL)
			break;
		dead = redis_ask(r, &q->command, reply, e) != 0;
		if (!dead)
			answer = judge(c, s, q, r, reply, e);
		pool_return(s->pool, r, !dead);
	} while (dead && !fresh && clock_now() < deadline);
	if (dead)
		masters_doubt(c->masters);
	else if (answer != ANSWERED)
		redis_reply_free(reply);
	report(c, s, !dead, begun);
	return answer;
}

static enum answered
ask_if_admitted(struct cache *c, struct master *s, const struct question *q,
    struct redis_reply *reply, struct err *e)
{
	if (breaker_admits(&s->breaker, clock_now()))
		return ask(c, s, q, reply, e);
	metric_inc(c->spared);
	masters_doubt(c->masters);
	err_set(e, ERR_UNREACHABLE,
	    "Redis %s: left alone for a moment, as it did not answer",
	    s->server.host);
	return ANSWERED_NOT;
}

/* Asks the master of the slot, whoever that turns out to be.  On ANSWERED the
 * reply is to be freed; on ANSWERED_NOT `e` says why. */
static enum answered
run(struct cache *c, const struct question *q, struct redis_reply *reply,
    struct err *e)
{
	for (int i = 0; i <= REDIRECTS; i++) {
		struct master *s = masters_find(c->masters, q->slot, e);
		enum answered answer;

		if (s == NULL) {
			metric_inc(c->failed);
			return ANSWERED_NOT;
		}
		answer = ask_if_admitted(c, s, q, reply, e);
		if (answer != ANSWERED_ELSEWHERE)
			return answer;
	}
	err_set(e, ERR_UNREACHABLE, "Redis: slot %u is moved about", q->slot);
	return ANSWERED_NOT;
}

/* A question about the entry of `key`; the command is still to be filled in,
 * with the key's octets at `place`. */
static void
prepare(struct question *q, const struct cache *c, const struct cache_trust *t,
    const struct addr_key *key, size_t place)
{
	*q = (struct question){.slot = cache_slot(c, key), .trust = t};
	make_key(t, key, q->key);
	q->command.word[place] = q->key;
	q->command.len[place] = KEY;
}

static void
set_word(struct question *q, size_t place, const char *word, size_t len)
{
	q->command.word[place] = word;
	q->command.len[place] = len;
}

static enum cache_answer
read_entry(const struct redis_reply *r, uint8_t *out, size_t size, size_t *len,
    struct err *e)
{
	if (r->type == REDIS_NIL)
		return CACHE_MISS;
	if (r->type != REDIS_TEXT || r->len < 1) {
		err_set(e, ERR_FATAL, "Redis: an entry that is none of ours");
		return CACHE_DOWN;
	}
	if (r->text[0] != ENTRY_PERMIT)
		return CACHE_BUSY;
	*len = r->len - 1;
	if (*len > size) {
		err_set(e, ERR_FATAL, "Redis: a permit of %zu octets", *len);
		return CACHE_DOWN;
	}
	memcpy(out, r->text + 1, *len);
	return CACHE_HIT;
}

enum cache_answer
cache_get(struct cache *c, const struct cache_trust *t,
    const struct addr_key *key, uint8_t *out, size_t size, size_t *len,
    struct err *e)
{
	enum cache_answer answer = CACHE_DOWN;
	struct redis_reply reply;
	struct question q;

	prepare(&q, c, t, key, 1);
	set_word(&q, 0, "GET", 0);
	switch (run(c, &q, &reply, e)) {
	case ANSWERED:
		answer = read_entry(&reply, out, size, len, e);
		redis_reply_free(&reply);
		return answer;
	case ANSWERED_ABSENT:
		return CACHE_BUSY;
	case ANSWERED_NOT:
	case ANSWERED_ELSEWHERE:
		break;
	}
	return CACHE_DOWN;
}

static void
make_nonce(char kind, struct cache_nonce *nonce, char entry[NONCE_ENTRY])
{
	randombytes_buf(nonce->octets, sizeof(nonce->octets));
	entry[0] = kind;
	memcpy(entry + 1, nonce->octets, sizeof(nonce->octets));
}

enum cache_answer
cache_ticket(struct cache *c, const struct cache_trust *t,
    const struct addr_key *key, struct cache_nonce *nonce, struct err *e)
{
	static const char *const options[] = {"NX", "PX", TICKET_MS};
	enum cache_answer answer = CACHE_BUSY;
	char entry[NONCE_ENTRY];
	struct redis_reply reply;
	struct question q;

	make_nonce(ENTRY_TICKET, nonce, entry);
	prepare(&q, c, t, key, 1);
	set_word(&q, 0, "SET", 0);
	set_word(&q, 2, entry, sizeof(entry));
	for (size_t i = 0; i < 3; i++)
		set_word(&q, 3 + i, options[i], 0);
	switch (run(c, &q, &reply, e)) {
	case ANSWERED:
		if (reply.type != REDIS_NIL)
			answer = CACHE_MISS;
		redis_reply_free(&reply);
		return answer;
	case ANSWERED_ABSENT:
		return CACHE_BUSY;
	case ANSWERED_NOT:
	case ANSWERED_ELSEWHERE:
		break;
	}
	return CACHE_DOWN;
}

/* Runs a script on the entry, which `q` has been prepared for at place 3 with
 * arguments after it. */
static int
run_script(
    struct cache *c, struct question *q, const char *script, struct err *e)
{
	struct redis_reply reply;

	set_word(q, 0, "EVAL", 0);
	set_word(q, 1, script, 0);
	set_word(q, 2, "1", 0);
	switch (run(c, q, &reply, e)) {
	case ANSWERED:
		redis_reply_free(&reply);
		return 0;
	case ANSWERED_ABSENT:
		return err_set(e, ERR_UNREACHABLE,
		    "Redis: slot %u is being moved", q->slot);
	case ANSWERED_NOT:
	case ANSWERED_ELSEWHERE:
		break;
	}
	return -1;
}

/* Runs a script that replaces our ticket or mark by a permit. */
static int
replace(struct cache *c, struct question *q, const char *script, char kind,
    const struct cache_nonce *nonce, const uint8_t *permit, size_t permit_len,
    struct err *e)
{
	char old[NONCE_ENTRY], new[1 + 4096], ttl[24];

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
	set_word(q, 4, old, sizeof(old));
	set_word(q, 5, new, 1 + permit_len);
	set_word(q, 6, ttl, 0);
	return run_script(c, q, script, e);
}

int
cache_fill(struct cache *c, const struct cache_trust *t,
    const struct addr_key *key, const struct cache_nonce *ticket,
    const uint8_t *permit, size_t len, struct err *e)
{
	struct question q;

	prepare(&q, c, t, key, 3);
	return replace(
	    c, &q, IF_TICKET_THEN_PERMIT, ENTRY_TICKET, ticket, permit, len, e);
}

int
cache_mark(struct cache *c, const struct cache_trust *t,
    const struct addr_key *key, struct cache_nonce *nonce, struct err *e)
{
	char entry[NONCE_ENTRY];
	struct question q;

	make_nonce(ENTRY_MARK, nonce, entry);
	prepare(&q, c, t, key, 3);
	set_word(&q, 4, entry, sizeof(entry));
	return run_script(c, &q, MARK_OR_CONTEST, e);
}

int
cache_publish(struct cache *c, const struct cache_trust *t,
    const struct addr_key *key, const struct cache_nonce *mark,
    const uint8_t *permit, size_t len, struct err *e)
{
	struct question q;

	prepare(&q, c, t, key, 3);
	return replace(
	    c, &q, PUBLISH_OR_CONTEST, ENTRY_MARK, mark, permit, len, e);
}

int
cache_ping(struct cache *c, struct err *e)
{
	static const struct question ping = {.command.word = {"PING"}};
	struct redis_reply reply;
	struct master *s = masters_find(c->masters, 0, e);
	size_t i = 0;

	if (s == NULL)
		return -1;
	while ((s = masters_serving(c->masters, &i)) != NULL) {
		if (ask_if_admitted(c, s, &ping, &reply, e) != ANSWERED)
			return -1;
		redis_reply_free(&reply);
	}
	return 0;
}

int
cache_describe(struct cache *c, struct buf *out, struct err *e)
{
	if (masters_describe(c->masters, out, e) != 0)
		return -1;
	return cache_ping(c, e);
}

bool
cache_claim(struct cache *c, uint8_t owner[CACHE_OWNER], struct buf *slots)
{
	struct master *s = masters_unclaimed(c->masters);
	struct err ignored;
	struct redis *r;
	int rc;

	if (s == NULL)
		return false;
	r = pool_borrow(
	    s->pool, clock_now() + c->conf->timeout, NULL, &ignored);
	if (r == NULL)
		return false;
	rc = masters_served(c->masters, r, slots, &ignored);
	memcpy(owner, redis_identity(r), CACHE_OWNER);
	pool_return(s->pool, r, rc == 0);
	return rc == 0 && !buf_failed(slots);
}
