/* SPDX-License-Identifier: ISC */
/*
 * record - which private copies of a message have been handed over
 *
 * The fingerprint must be the same when a client tries again, and another for
 * every other message.  So what servers on the way put in does not count:
 * trace fields, and the Message-ID that this MTA made for this attempt, known
 * by the queue id in it.  Nor does Date where there is a Message-ID: the MTA
 * makes that one up as well, and the Message-ID tells messages apart.
 *
 * Claims are what keeps two deliveries of one message apart.  Locks of
 * PostgreSQL would need a connection for each message under way, or one lock
 * a recipient from a table of a few thousand; a claim is a row, and ends by
 * itself if its milter dies.  It lasts longer than the copy can take, on
 * PostgreSQL's clock from before it was granted, so no other attempt begins
 * the same copy meanwhile (clocks' rates within a quarter, as in lookup.h).
 */
#include "record.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/keys.h"
#include "policy/store.h"
#include "policy/stream.h"
#include "session.h"

enum { FINGERPRINT = 16 };

struct fingerprint {
	uint8_t octets[FINGERPRINT];
};

/* Adds a text with its end, so that neighbours cannot trade octets. */
static void
hash_text(crypto_generichash_state *st, const char *text)
{
	crypto_generichash_update(
	    st, (const unsigned char *)text, strlen(text) + 1);
}

/* Whether the message's own Message-ID was put in by the MTA just now. */
static bool
made_here(const struct message *m)
{
	const char *id = m->value[AUTHOR_MESSAGE_ID];

	return id != NULL && m->queue_id != NULL && m->queue_id[0] != '\0' &&
	    strstr(id, m->queue_id) != NULL;
}

static bool
counts(const struct message *m, const char *name)
{
	static const char *const trace[] = {"Received", "X-Received",
	    "Return-Path", "Received-SPF", "Authentication-Results"};

	for (size_t i = 0; i < sizeof(trace) / sizeof(trace[0]); i++)
		if (strcasecmp(name, trace[i]) == 0)
			return false;
	if (strcasecmp(name, "Message-ID") == 0)
		return !made_here(m);
	return strcasecmp(name, "Date") != 0 ||
	    m->count[AUTHOR_MESSAGE_ID] == 0;
}

bool
record_lasts(const struct session *s)
{
	const struct message *m = &s->message;

	if (m->count[AUTHOR_MESSAGE_ID] > 0)
		return !made_here(m);
	return m->count[AUTHOR_DATE] > 0;
}

void
record_begin(struct record *r, const struct session *s, int64_t longest)
{
	const struct message *m = &s->message;
	const struct snapshot *snap = m->snapshot;
	crypto_generichash_state st;

	r->store = snap->lookup.store;
	r->secret = keys_index(snap->keys);
	r->lifetime = (snap->conf->database.timeout + longest) / 4 * 5;
	randombytes_buf(r->attempt, sizeof(r->attempt));
	crypto_generichash_init(&st, r->secret, KEYS_SECRET, RECORD_DIGEST);
	hash_text(&st, "copy");
	hash_text(&st, m->stream->name);
	hash_text(&st, m->sender);
	for (struct field *f = m->fields; f != NULL; f = f->next)
		if (counts(m, f->name)) {
			hash_text(&st, f->name);
			hash_text(&st, f->value);
		}
	hash_text(&st, "");
	if (m->body.len > 0)
		crypto_generichash_update(
		    &st, (const unsigned char *)m->body.data, m->body.len);
	crypto_generichash_final(&st, r->content, sizeof(r->content));
}

static struct fingerprint
fingerprint(const struct record *r, const struct recipient *to)
{
	crypto_generichash_state st;
	struct fingerprint f;

	crypto_generichash_init(&st, r->secret, KEYS_SECRET, sizeof(f.octets));
	crypto_generichash_update(&st, r->content, sizeof(r->content));
	crypto_generichash_update(&st, to->key.octets, sizeof(to->key.octets));
	crypto_generichash_final(&st, f.octets, sizeof(f.octets));
	return f;
}

int
record_claim(const struct record *r, const struct recipient *to,
    enum record_answer *answer, struct err *e)
{
	static const struct pg_statement claim = {
	    .name = "copy-claim",
	    .sql = "SELECT assent.copy_claim($1, $2, $3::text::interval)",
	};
	const struct fingerprint f = fingerprint(r, to);
	char lifetime[40];
	const struct pg_param params[] = {
	    {f.octets, sizeof(f.octets)},
	    {r->attempt, sizeof(r->attempt)},
	    {lifetime, 0},
	};
	struct pg_rows *rows;
	const char *word;

	*answer = RECORD_BUSY;
	snprintf(lifetime, sizeof(lifetime), "%lld milliseconds",
	    (long long)(r->lifetime / CLOCK_MS));
	if (store_exec(r->store, &claim, params, 3, &rows, e) != 0)
		return -1;
	word = pg_rows_text(rows, 0, 0);
	if (strcmp(word, "claimed") == 0)
		*answer = RECORD_CLAIMED;
	else if (strcmp(word, "made") == 0)
		*answer = RECORD_MADE;
	pg_rows_free(&rows);
	return 0;
}

static int
tell(const struct record *r, const struct pg_statement *st,
    const struct recipient *to, struct err *e)
{
	const struct fingerprint f = fingerprint(r, to);
	const struct pg_param params[] = {
	    {f.octets, sizeof(f.octets)},
	    {r->attempt, sizeof(r->attempt)},
	};

	return store_exec(r->store, st, params, 2, NULL, e);
}

int
record_made(const struct record *r, const struct recipient *to, struct err *e)
{
	static const struct pg_statement made = {
	    .name = "copy-made",
	    .sql = "SELECT assent.copy_made($1, $2)",
	};

	return tell(r, &made, to, e);
}

int
record_forget(const struct record *r, const struct recipient *to, struct err *e)
{
	static const struct pg_statement forget = {
	    .name = "copy-forget",
	    .sql = "SELECT assent.copy_forget($1, $2)",
	};

	return tell(r, &forget, to, e);
}
