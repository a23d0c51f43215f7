/* SPDX-License-Identifier: ISC */
/*
 * warm - fill the cache from PostgreSQL before the mail comes
 *
 * Goes through all permits in the order of their keys, a batch at a time, and
 * fills each as a reader does who misses: a ticket, then the permit is read,
 * then it replaces that ticket and nothing else (policy/cache.h).  So warming
 * may run beside anything; what is there, or is being changed, is passed by.
 * That is also why it needs no memory of its own to be begun again.
 *
 * The epoch is read before each batch, from a server that has just proved to
 * be the primary.  If it moves on, nobody finds what was filled before, and the
 * answer says so.  Whom to believe about a slot is read once an epoch: if that
 * changes, the new owner does not take the ticket.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/cache.h"
#include "policy/clock.h"
#include "policy/permit.h"
#include "policy/slots.h"
#include "policy/store.h"

/* A batch is over long before its tickets are. */
enum { BATCH = 500 };

struct warming {
	struct ctl *ctl;
	uint16_t purpose; /* only who has it on record; 0: all */
	struct addr_key last;
	size_t last_len; /* 0 before the first batch */
	int64_t epoch;
	struct cache_trust
	    *known; /* by slot, in this epoch; or no generation */
	long long filled, present, lost;
	int64_t begun, shown;
	bool showed;
	/* The batch: keys, and the tickets set for them. */
	size_t n;
	struct addr_key keys[BATCH];
	struct cache_trust trust[BATCH];
	struct cache_nonce tickets[BATCH];
};

/* One line that is written over, for an eye only, and once it takes time.
 * Keys are spread evenly, so the last one tells how far it is. */
static void
show(struct warming *w, bool over)
{
	int64_t now = clock_now();
	unsigned int at = w->last.octets[0] * 256U + w->last.octets[1];

	if (!isatty(STDERR_FILENO) ||
	    (now - w->shown < CLOCK_S && !(over && w->showed)))
		return;
	fprintf(stderr, "\rwarming: %u %%, %lld permits, %lld/s  %s",
	    over ? 100 : at * 100 / 65536, w->filled,
	    w->filled * CLOCK_S / (now - w->begun), over ? "\n" : "");
	w->shown = now;
	w->showed = true;
}

/* Whether the permit, as it is now, is one to be warmed: 1, 0, -1. */
static int
wanted(
    const struct warming *w, const uint8_t *packed, size_t len, struct err *e)
{
	struct permit permit;

	if (permit_decode(packed, len, &permit, e) != 0)
		return -1;
	if (w->purpose == 0)
		return 1;
	for (int c = 0; c < CHANNEL_COUNT; c++)
		if (permit_find(&permit, w->purpose, (enum channel)c)
			.standing != STANDING_NONE)
			return 1;
	return 0;
}

/* Sets a ticket for `key`, unless something is there. */
static int
take(struct warming *w, const struct addr_key *key, struct err *e)
{
	struct cache *cache = w->ctl->cache;
	unsigned int slot = cache_slot(cache, key);
	struct cache_trust *t = &w->known[slot];
	enum cache_answer answer = CACHE_DOWN;
	struct store_epoch epoch;

	for (int i = 0; i < 2 && answer == CACHE_DOWN; i++) {
		if (i > 0 && !change_claim(&w->ctl->changer))
			break;
		if ((i > 0 || t->generation == 0) &&
		    store_trust(w->ctl->store, slot, t, &epoch, e) != 0)
			return -1;
		answer = cache_ticket(cache, t, key, &w->tickets[w->n], e);
	}
	switch (answer) {
	case CACHE_DOWN:
		return -1;
	case CACHE_BUSY:
	case CACHE_HIT:
		w->present++;
		return 0;
	case CACHE_MISS:
		w->trust[w->n] = *t;
		w->keys[w->n++] = *key;
	}
	return 0;
}

/* Tickets for the batch after the last key; the number of permits it has. */
static long
take_tickets(struct warming *w, struct err *e)
{
	static const struct pg_statement next = {
	    .name = "warm-next",
	    .sql = "SELECT key, packed FROM assent.permit WHERE key > $1 "
		   "ORDER BY key LIMIT $2::text::int",
	    .binary = true,
	};
	char limit[12];
	const struct pg_param params[] = {
	    {w->last_len == 0 ? (const void *)"" : w->last.octets, w->last_len},
	    {limit, 0},
	};
	struct pg_rows *rows;
	long n;

	snprintf(limit, sizeof(limit), "%d", BATCH);
	if (store_exec(w->ctl->store, &next, params, 2, &rows, e) != 0)
		return -1;
	n = (long)pg_rows_count(rows);
	w->n = 0;
	for (long i = 0; i < n && n >= 0; i++) {
		size_t len;
		const uint8_t *packed =
		    pg_rows_octets(rows, (size_t)i, 1, &len);
		int rc = wanted(w, packed, len, e);

		memcpy(w->last.octets, pg_rows_octets(rows, (size_t)i, 0, NULL),
		    ADDR_KEY);
		if (rc < 0 || (rc > 0 && take(w, &w->last, e) != 0))
			n = -1;
	}
	w->last_len = ADDR_KEY;
	pg_rows_free(&rows);
	return n;
}

/* Puts the permits that are read now in the tickets' places.  Both are in the
 * order of keys; a permit that is gone leaves its ticket to run out. */
static int
fill(struct warming *w, const struct pg_rows *rows, struct err *e)
{
	size_t i = 0;

	for (size_t row = 0; row < pg_rows_count(rows); row++) {
		const uint8_t *key = pg_rows_octets(rows, row, 0, NULL);
		size_t len;
		const uint8_t *packed = pg_rows_octets(rows, row, 1, &len);

		while (i < w->n && memcmp(w->keys[i].octets, key, ADDR_KEY) < 0)
			i++;
		if (i == w->n || memcmp(w->keys[i].octets, key, ADDR_KEY) != 0)
			continue;
		if (cache_fill(w->ctl->cache, &w->trust[i], &w->keys[i],
			&w->tickets[i], packed, len, e) != 0)
			return -1;
		w->filled++;
	}
	return 0;
}

static int
fill_tickets(struct warming *w, struct err *e)
{
	static const struct pg_statement range = {
	    .name = "warm-range",
	    .sql = "SELECT key, packed FROM assent.permit "
		   "WHERE key BETWEEN $1 AND $2 ORDER BY key",
	    .binary = true,
	};
	const struct pg_param params[] = {
	    {w->keys[0].octets, ADDR_KEY},
	    {w->keys[w->n == 0 ? 0 : w->n - 1].octets, ADDR_KEY},
	};
	struct pg_rows *rows;
	int rc;

	if (w->n == 0)
		return 0;
	if (store_exec(w->ctl->store, &range, params, 2, &rows, e) != 0)
		return -1;
	rc = fill(w, rows, e);
	pg_rows_free(&rows);
	return rc;
}

/* Notes the epoch that holds now. */
static int
look_at_epoch(struct warming *w, struct err *e)
{
	struct store_epoch epoch;

	if (store_prove(w->ctl->store, &epoch, e) != 0)
		return -1;
	if (epoch.number != w->epoch) {
		w->lost += w->filled + w->present;
		w->filled = w->present = 0;
		memset(w->known, 0, SLOTS * sizeof(*w->known));
	}
	w->epoch = epoch.number;
	return 0;
}

static int
warm(struct warming *w, struct err *e)
{
	long n;

	do {
		if (look_at_epoch(w, e) != 0)
			return -1;
		n = take_tickets(w, e);
		if (n < 0 || fill_tickets(w, e) != 0)
			return -1;
		show(w, n == 0);
	} while (n > 0);
	return look_at_epoch(w, e);
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *name = args_value(a, "purpose");
	struct store_purpose purpose = {.id = 0};
	struct warming w = {.ctl = c, .begun = clock_now()};
	int64_t took;
	int rc;

	if (ctl_changer(c, e) != 0 ||
	    (name != NULL && ctl_purpose(c, name, &purpose, e) != 0))
		return OUTCOME_FAILED;
	w.purpose = purpose.id;
	w.shown = w.begun;
	w.known = calloc(SLOTS, sizeof(*w.known));
	if (w.known == NULL)
		return OUTCOME_FAILED;
	rc = warm(&w, e);
	free(w.known);
	took = clock_now() - w.begun;
	out_int(out, "filled", w.filled);
	out_int(out, "present", w.present);
	out_int(out, "lost", w.lost);
	out_int(out, "per_second", w.filled * CLOCK_S / took);
	if (rc != 0)
		return OUTCOME_FAILED;
	return w.lost > 0 ? OUTCOME_NO : OUTCOME_DONE;
}

static long long
number(const json_t *out, const char *key)
{
	return (long long)json_integer_value(json_object_get(out, key));
}

static void
print(const json_t *out)
{
	printf("%lld permits filled, %lld a second; %lld were there\n",
	    number(out, "filled"), number(out, "per_second"),
	    number(out, "present"));
	if (number(out, "lost") > 0)
		printf("%lld are of no use, as a change moved the cache's "
		       "epoch on: warm it again\n",
		    number(out, "lost"));
}

const struct command commands_cache[] = {
    {
	.name = "cache warm",
	.arguments = "",
	.summary = "Fills the cache before the mail comes",
	.about = "Puts permits into Redis that are not there yet, so that a "
		 "campaign does not begin\nwith PostgreSQL. May run beside "
		 "anything, and may be stopped and begun again.",
	.options =
	    {
		{"purpose", "PURPOSE", "only who has it on record"},
	    },
	.run = run,
	.print = print,
    },
    {0},
};
