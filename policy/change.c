/* SPDX-License-Identifier: ISC */
/*
 * change - the write path: mark, commit, publish, then acknowledge
 *
 * The mark goes out before the transaction, so that whatever happens to this
 * process afterwards, no reader finds the old permit once the new one is
 * committed.  When Redis cannot be marked the transaction is told so, moves
 * the epoch on (sql/003-freshness.sql), and the acknowledgement waits until no
 * node can hold a lease on the old one.
 */
#include "change.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "cache.h"
#include "clock.h"
#include "endpoint.h"
#include "lease.h"
#include "metric.h"
#include "pg.h"
#include "store.h"

/* A generation this much older than a lease needs no waiting out: its commit,
 * and all that a commit can wait for, is over. */
#define COMMIT_MAX (60 * CLOCK_S)

struct marking {
	const struct addr_key *key;
	unsigned int slot;
	bool done;
	struct cache_nonce nonce;
	/* "GENERATION:SLOT:KEY" for SQL; "" if not done */
	char text[ADDR_KEY_HEX + 32];
};

static const char *
act_word(enum change_act act)
{
	static const char *const words[] = {
#define X(id, word) [id] = (word),
	    CHANGE_ACTS(X)
#undef X
	};

	return words[act];
}

/* Notes the epoch, or a slot's generation, that PostgreSQL told. Since when it,
 * or a later one, has been known: they all count by one counter. */
static int64_t
see_epoch(struct changer *ch, const struct store_epoch *epoch)
{
	int64_t since;

	pthread_mutex_lock(&ch->lock);
	if (epoch->number > ch->generation || epoch->timeline != ch->timeline) {
		ch->seen_at = clock_now();
		ch->generation = epoch->number;
		ch->timeline = epoch->timeline;
	}
	since = ch->seen_at;
	pthread_mutex_unlock(&ch->lock);
	return since;
}

bool
change_claim(struct changer *ch)
{
	uint8_t owner[CACHE_OWNER];
	struct buf slots = {0};
	struct err ignored;
	bool claimed = cache_claim(ch->cache, owner, &slots) &&
	    store_claim(ch->store, owner, slots.data, &ignored) == 0;

	buf_free(&slots);
	return claimed;
}

static int
mark(struct changer *ch, const struct addr_key *key, struct marking *m,
    struct err *e)
{
	char hex[ADDR_KEY_HEX];
	struct store_epoch epoch;
	struct cache_trust t;
	struct err ignored;

	*m = (struct marking){.key = key};
	if (ch->cache == NULL)
		return 0;
	m->slot = cache_slot(ch->cache, key);
	for (int i = 0; i < 2 && !m->done; i++) {
		if (i > 0 && !change_claim(ch))
			break;
		if (store_trust(ch->store, m->slot, &t, &epoch, e) != 0)
			return -1;
		m->done =
		    cache_mark(ch->cache, &t, key, &m->nonce, &ignored) == 0;
	}
	if (m->done)
		snprintf(m->text, sizeof(m->text), "%lld:%u:%s",
		    (long long)t.generation, m->slot, addr_key_hex(key, hex));
	return 0;
}

/* Publishes the marked permit in the generation that holds now.  False when its
 * owner did not take it: then the mark may be gone, too, evicted or flushed. */
static bool
publish(struct changer *ch, const struct marking *m,
    const struct cache_trust *t, const struct pg_rows *rows)
{
	struct err ignored;

	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		size_t n, len;
		const uint8_t *key = pg_rows_octets(rows, i, 0, &n);
		const uint8_t *permit = pg_rows_octets(rows, i, 1, &len);

		if (n == ADDR_KEY && memcmp(key, m->key->octets, n) == 0)
			return cache_publish(ch->cache, t, m->key, &m->nonce,
				   permit, len, &ignored) == 0;
	}
	return false;
}

static int
move_epoch(struct changer *ch, struct err *e)
{
	static const struct pg_statement move = {
	    .sql = "SELECT assent.move_epoch()",
	};

	return store_exec(ch->store, &move, NULL, 0, NULL, e);
}

/* Whom to believe after the commit.  What changed nothing has committed
 * nothing: it may have found a change that nobody has confirmed. */
static int
trust_after(struct changer *ch, const struct marking *m,
    const struct pg_rows *rows, struct cache_trust *t,
    struct store_epoch *epoch, struct err *e)
{
	bool changed = pg_rows_count(rows) > 0 && pg_rows_int(rows, 0, 2) != 0;

	if ((!changed && store_prove(ch->store, epoch, e) != 0) ||
	    store_trust(ch->store, m->slot, t, epoch, e) != 0)
		return err_prefix(e, "committed, but not yet in force");
	return 0;
}

/* After the commit: returns when the change is in force on every node. */
static int
settle(struct changer *ch, const struct marking *m, const struct pg_rows *rows,
    struct err *e)
{
	int64_t since, wait = lease_wait(ch->lease);
	struct store_epoch epoch;
	struct cache_trust t;

	if (trust_after(ch, m, rows, &t, &epoch, e) != 0)
		return -1;
	/* Nobody has that key, so nothing was there to change. */
	if (pg_rows_count(rows) == 0)
		return 0;
	since = see_epoch(ch, &epoch);
	/* Also when SQL has moved the epoch on already: it has not if this
	 * change only repeats one whose writer died before it could publish. */
	if (!m->done || !publish(ch, m, &t, rows)) {
		if (move_epoch(ch, e) != 0)
			return err_prefix(e, "committed, but not yet in force");
		since = clock_now();
	} else if (epoch.age >= wait + COMMIT_MAX) {
		return 0;
	}
	clock_sleep_until(since + wait);
	return 0;
}

/* Runs the statement and returns when it is in force; its rows are then to be
 * freed. */
static int
commit_rows(struct changer *ch, const struct marking *m,
    const struct pg_statement *st, const struct pg_param *params, size_t n,
    struct pg_rows **rows, struct err *e)
{
	int64_t committed;

	if (store_exec(ch->store, st, params, n, rows, e) != 0)
		return -1;
	committed = clock_now();
	if (settle(ch, m, *rows, e) == 0) {
		metric_observe(ch->in_force, clock_now() - committed);
		return 0;
	}
	pg_rows_free(rows);
	return -1;
}

int
change_run(struct changer *ch, const struct addr_key *key,
    const struct pg_statement *st, struct pg_param *params, size_t n,
    bool *changed, struct err *e)
{
	struct pg_rows *rows;
	struct marking m;

	if (mark(ch, key, &m, e) != 0)
		return -1;
	params[0] = (struct pg_param){m.text, 0};
	if (commit_rows(ch, &m, st, params, n, &rows, e) != 0)
		return -1;
	*changed = pg_rows_count(rows) > 0 && pg_rows_int(rows, 0, 2) != 0;
	pg_rows_free(&rows);
	return 0;
}

int
change_apply(
    struct changer *ch, const struct change *c, bool *changed, struct err *e)
{
	static const struct pg_statement change = {
	    .name = "change",
	    .sql = "SELECT key, packed, changed FROM assent.change($1, "
		   "$2::text::assent.act, $3, $4::text::assent.endpoint_kind, "
		   "$5, $6, $7::text::int, $8::text::assent.channel, "
		   "$9::text::timestamptz, $10::text::timestamptz, $11, "
		   "$12::text::jsonb, $13::text::int)",
	    .binary = true,
	};
	const char *word = c->purpose == 0 ? NULL : channel_word(c->channel);
	char purpose[8], text[12];
	struct pg_param params[] = {
	    {NULL, 0},
	    {act_word(c->act), 0},
	    {c->key.octets, ADDR_KEY},
	    {c->endpoint->kind, 0},
	    {c->endpoint->canonical, 0},
	    {c->endpoint->original, 0},
	    {c->purpose == 0 ? NULL : purpose, 0},
	    {word, 0},
	    {c->at, 0},
	    {c->expires, 0},
	    {c->source, 0},
	    {c->proof, 0},
	    {c->text == 0 ? NULL : text, 0},
	};

	snprintf(purpose, sizeof(purpose), "%u", c->purpose);
	snprintf(text, sizeof(text), "%d", c->text);
	return change_run(ch, &c->key, &change, params,
	    sizeof(params) / sizeof(params[0]), changed, e);
}

int
change_opt_out(struct changer *ch, const struct addr_key *key, uint16_t purpose,
    enum channel channel, const char *source, const char *proof, bool *changed,
    struct err *e)
{
	static const struct pg_statement opt_out = {
	    .name = "opt-out",
	    .sql = "SELECT key, packed, changed FROM assent.opt_out($1, $2, "
		   "$3::text::int, $4::text::assent.channel, $5, "
		   "$6::text::jsonb)",
	    .binary = true,
	};
	char number[8];
	struct pg_param params[] = {
	    {NULL, 0},
	    {key->octets, ADDR_KEY},
	    {number, 0},
	    {channel_word(channel), 0},
	    {source, 0},
	    {proof, 0},
	};

	snprintf(number, sizeof(number), "%u", purpose);
	return change_run(ch, key, &opt_out, params,
	    sizeof(params) / sizeof(params[0]), changed, e);
}

int
change_preferences(struct changer *ch, const struct addr_key *key,
    const struct change_preferences *p, bool *changed, struct err *e)
{
	static const struct pg_statement save = {
	    .name = "preferences-save",
	    .sql = "SELECT key, packed, changed FROM assent.preferences_save("
		   "$1, $2, $3::text::int, $4::text::assent.channel, "
		   "$5::text::int[], $6::text::int[], $7::text::int[], "
		   "$8::text::boolean, $9::text::boolean, 'preferences', "
		   "$10::text::jsonb)",
	    .binary = true,
	};
	char number[8];
	struct pg_param params[] = {
	    {NULL, 0},
	    {key->octets, ADDR_KEY},
	    {number, 0},
	    {channel_word(p->channel), 0},
	    {p->leave, 0},
	    {p->join, 0},
	    {p->texts, 0},
	    {p->all ? "true" : "false", 0},
	    {p->gives ? "true" : "false", 0},
	    {p->proof, 0},
	};

	snprintf(number, sizeof(number), "%u", p->purpose);
	return change_run(ch, key, &save, params,
	    sizeof(params) / sizeof(params[0]), changed, e);
}

int
change_sign_up(struct changer *ch, const struct addr_key *key,
    const uint8_t *reference, size_t len, const char *proof, bool *changed,
    struct err *e)
{
	static const struct pg_statement confirm = {
	    .name = "sign-up-confirm",
	    .sql = "SELECT key, packed, changed FROM assent.sign_up_confirm("
		   "$1, $2, $3::text::jsonb)",
	    .binary = true,
	};
	struct pg_param params[] = {{NULL, 0}, {reference, len}, {proof, 0}};

	return change_run(ch, key, &confirm, params, 3, changed, e);
}

int
change_profile(struct changer *ch, const struct addr_key *key,
    const struct change_profile *p, bool *changed, struct err *e)
{
	static const struct pg_statement act = {
	    .name = "profile-act",
	    .sql = "SELECT key, packed, changed FROM assent.profile_act($1, "
		   "$2, $3, $4::text::jsonb, $5::text::jsonb)",
	    .binary = true,
	};
	struct pg_param params[] = {
	    {NULL, 0},
	    {p->reference, p->len},
	    {p->act, 0},
	    {p->detail, 0},
	    {p->proof, 0},
	};

	return change_run(ch, key, &act, params,
	    sizeof(params) / sizeof(params[0]), changed, e);
}

int
change_address(struct changer *ch, const struct addr_key *key,
    const uint8_t *reference, size_t len, bool *changed, struct err *e)
{
	static const struct pg_statement confirm = {
	    .name = "address-confirm",
	    .sql = "SELECT key, packed, changed "
		   "FROM assent.address_confirm($1, $2)",
	    .binary = true,
	};
	struct pg_param params[] = {{NULL, 0}, {reference, len}};

	return change_run(ch, key, &confirm, params, 2, changed, e);
}

int
change_forget(struct changer *ch, const struct addr_key *key,
    const char *source, struct change_forgotten *out, struct err *e)
{
	static const struct pg_statement forget = {
	    .name = "forget",
	    .sql = "SELECT key, packed, changed, addresses, consents, fields "
		   "FROM assent.forget($1, $2, $3)",
	    .binary = true,
	};
	struct pg_rows *rows;
	struct marking m;

	if (mark(ch, key, &m, e) != 0)
		return -1;
	const struct pg_param params[] = {
	    {m.text, 0},
	    {key->octets, ADDR_KEY},
	    {source, 0},
	};
	if (commit_rows(ch, &m, &forget, params,
		sizeof(params) / sizeof(params[0]), &rows, e) != 0)
		return -1;
	*out = (struct change_forgotten){
	    .changed = pg_rows_int(rows, 0, 2) != 0,
	    .addresses = pg_rows_int(rows, 0, 3),
	    .consents = pg_rows_int(rows, 0, 4),
	    .events = pg_rows_int(rows, 0, 5),
	};
	pg_rows_free(&rows);
	return 0;
}

int
change_monitoring_off(struct changer *ch, const struct addr_key *key,
    const char *source, bool *changed, struct err *e)
{
	static const struct pg_statement off = {
	    .sql = "SELECT key, packed, changed "
		   "FROM assent.monitoring_off($1, $2, $3, NULL)",
	    .binary = true,
	};
	struct pg_param params[] = {
	    {NULL, 0}, {key->octets, ADDR_KEY}, {source, 0}};

	return change_run(ch, key, &off, params, 3, changed, e);
}

/* What is marked is the address that comes or goes: the others' permits stay
 * what they are. */
int
change_endpoint_add(struct changer *ch, const struct addr_key *of,
    const struct addr_key *key, const struct endpoint *endpoint,
    const char *source, bool *changed, struct err *e)
{
	static const struct pg_statement add = {
	    .sql = "SELECT key, packed, changed FROM assent.endpoint_add($1, "
		   "$2, $3, $4, $5::text::assent.endpoint_kind, $6, $7)",
	    .binary = true,
	};
	struct pg_param params[] = {
	    {NULL, 0},
	    {of->octets, ADDR_KEY},
	    {source, 0},
	    {key->octets, ADDR_KEY},
	    {endpoint->kind, 0},
	    {endpoint->canonical, 0},
	    {endpoint->original, 0},
	};

	return change_run(ch, key, &add, params,
	    sizeof(params) / sizeof(params[0]), changed, e);
}

int
change_endpoint_remove(struct changer *ch, const struct addr_key *key,
    const char *source, bool *changed, struct err *e)
{
	static const struct pg_statement remove = {
	    .sql = "SELECT key, packed, changed "
		   "FROM assent.endpoint_remove($1, $2, $3)",
	    .binary = true,
	};
	struct pg_param params[] = {
	    {NULL, 0}, {key->octets, ADDR_KEY}, {source, 0}};

	return change_run(ch, key, &remove, params, 3, changed, e);
}

int
change_wait(struct changer *ch, struct err *e)
{
	int64_t wait = lease_wait(ch->lease);
	struct store_epoch epoch;

	if (store_prove(ch->store, &epoch, e) != 0)
		return -1;
	see_epoch(ch, &epoch);
	if (epoch.age < wait + COMMIT_MAX)
		clock_sleep_until(clock_now() + wait);
	return 0;
}
