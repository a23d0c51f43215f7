/* SPDX-License-Identifier: ISC */
/*
 * split - a private copy for each recipient of a message
 *
 * Nothing is lost: the original is given up only when the MTA has every copy.
 * Nothing is sent twice: a copy is handed over under a claim, and recorded as
 * soon as the MTA has taken it.  Between those two there is a moment in which
 * a lost reply, or the death of this process, leaves a copy that was taken and
 * is not recorded; it is then sent again, as any MTA would (RFC 5321,
 * 4.2.5, RFC 1047).  While PostgreSQL does not answer nothing begins.
 *
 * A copy that the MTA refuses for good is given up: to be asked again would
 * not change its mind, and would keep the client at it for days.
 */
#include "split.h"

#include <stdio.h>
#include <string.h>

#include "body.h"
#include "copy.h"
#include "engine.h"
#include "mail/inject.h"
#include "policy/arena.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/log.h"
#include "policy/stream.h"
#include "record.h"
#include "session.h"

/* One copy's header block, and what is made for it. */
enum { COPY_MAX = 4 << 20 };

/* Between two tries to record a copy that was taken. */
#define RECORD_PAUSE (200 * CLOCK_MS)

struct work {
	const struct session *s;
	const struct stream_purpose *purpose;
	struct record record;
	struct inject *mta;
	struct arena *arena; /* one copy's */
	int64_t deadline;    /* no copy is begun after it */
};

enum result { RESULT_MADE, RESULT_SKIPPED, RESULT_REFUSED, RESULT_FAILED };

static void
tell(const struct work *w, const struct recipient *r, enum result result,
    const char *why)
{
	static const char *const words[] = {
	    [RESULT_MADE] = "made",
	    [RESULT_SKIPPED] = "skipped",
	    [RESULT_REFUSED] = "refused",
	    [RESULT_FAILED] = "failed",
	};
	const struct engine_metrics *count = engine_metrics(w->s->engine);
	const struct message *m = &w->s->message;
	char shown[ADDR_MAX + 8], hex[ADDR_KEY_HEX];
	metric_counter *const counters[] = {
	    [RESULT_MADE] = count->copied,
	    [RESULT_SKIPPED] = count->copy_skipped,
	    [RESULT_REFUSED] = count->copy_refused,
	    [RESULT_FAILED] = count->copy_failed,
	};

	metric_inc(counters[result]);
	log_line(result == RESULT_FAILED ? LOG_ERROR : LOG_INFORM,
	    "copy result=%s stream=%s rcpt=%s queue=%s ref=%08x%s%s%s",
	    words[result], m->stream->name,
	    log_address(shown, sizeof(shown),
		(enum log_addresses)m->snapshot->conf->log.addresses,
		r->addr.original, addr_key_hex(&r->key, hex)),
	    m->queue_id, r->reference, why == NULL ? "" : " reply=\"",
	    why == NULL ? "" : why, why == NULL ? "" : "\"");
}

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

/* The parameters of MAIL.  A client says SMTPUTF8 itself where it is needed;
 * mail of sendmail(1) cannot. */
static const char *
mail_parameters(const struct work *w, const struct recipient *r)
{
	const struct message *m = &w->s->message;
	bool ascii = is_ascii(m->sender) && is_ascii(r->addr.original);

	for (struct field *f = m->fields; m->queued && f != NULL; f = f->next)
		ascii = ascii && is_ascii(f->value);
	if (ascii || strstr(m->parameters, " SMTPUTF8") != NULL)
		return m->parameters;
	return arena_printf(w->arena, "%s SMTPUTF8", m->parameters);
}

/* `*others`: it failed for this one, and others may yet get theirs; with
 * ERR_REFUSED, it always will. */
static int
hand_over(const struct work *w, const struct recipient *r, bool *others,
    struct err *e)
{
	const struct conf *c = w->s->message.snapshot->conf;
	struct copy copy;
	struct inject_mail mail = {
	    .from = w->s->message.sender,
	    .to = r->addr.original,
	    .to_parameters = r->parameters,
	};

	arena_reset(w->arena);
	if (copy_make(w->arena, w->s, w->purpose, r, &copy, e) != 0)
		return -1;
	mail.from_parameters = mail_parameters(w, r);
	if (mail.from_parameters == NULL)
		return err_set(e, ERR_FATAL, "message too large for its arena");
	mail.text = copy.text;
	mail.n_text = copy.n_text;
	if (inject_send(w->mta, &mail, clock_now() + c->milter.timeout, e) == 0)
		return 0;
	*others = e->kind == ERR_REFUSED || e->kind == ERR_BUSY;
	return -1;
}

/* A copy that was taken must not be forgotten: tries until time is up. */
static int
record(const struct work *w, const struct recipient *r, struct err *e)
{
	while (record_made(&w->record, r, e) != 0) {
		if (clock_now() > w->deadline)
			return err_prefix(e, "a copy is not recorded");
		clock_sleep_until(clock_now() + RECORD_PAUSE);
	}
	return 0;
}

/* The MTA will not have the copy of `r`, however often that was named. */
static void
give_up(const struct work *w, const struct recipient *r)
{
	const char *said = arena_strdup(w->s->arena, inject_reply(w->mta));

	tell(w, r, RESULT_REFUSED, inject_reply(w->mta));
	for (struct recipient *p = w->s->message.recipients; p; p = p->next)
		if (reason_info(p->reason)->verdict == VERDICT_ACCEPT &&
		    memcmp(&p->key, &r->key, sizeof(p->key)) == 0) {
			p->reason = REASON_UNDELIVERABLE;
			p->refusal = said;
		}
}

/* 0 when `r` has its copy, or never will; `*others` as in hand_over(). */
static int
serve(const struct work *w, const struct recipient *r, bool *others,
    struct err *e)
{
	enum record_answer answer;
	struct err ignored;

	if (record_claim(&w->record, r, &answer, e) != 0)
		return -1;
	switch (answer) {
	case RECORD_BUSY:
		*others = true;
		return err_set(e, ERR_UNREACHABLE, "another delivery is at it");
	case RECORD_MADE:
		tell(w, r, RESULT_SKIPPED, NULL);
		return 0;
	case RECORD_CLAIMED:
		break;
	}
	if (hand_over(w, r, others, e) == 0) {
		tell(w, r, RESULT_MADE, inject_reply(w->mta));
		return record(w, r, e);
	}
	/* If this fails the claim runs out by itself. */
	(void)!record_forget(&w->record, r, &ignored);
	if (!*others || e->kind != ERR_REFUSED)
		return -1;
	give_up(w, r);
	return 0;
}

/* Whether there is time for one more. */
static int
check_time(const struct work *w, struct err *e)
{
	if (engine_stopping(w->s->engine))
		return err_set(e, ERR_UNREACHABLE, "the milter stops");
	if (clock_now() > w->deadline)
		return err_set(e, ERR_UNREACHABLE, "the time is up");
	return 0;
}

static int
serve_all(const struct work *w, struct err *e)
{
	int rc = 0;
	struct err why;

	for (struct recipient *r = w->s->message.recipients; r; r = r->next) {
		bool others = false;

		if (r->again ||
		    reason_info(r->reason)->verdict != VERDICT_ACCEPT)
			continue;
		if (check_time(w, &why) == 0 && serve(w, r, &others, &why) == 0)
			continue;
		tell(w, r, RESULT_FAILED, why.text);
		rc = -1;
		*e = why;
		if (!others)
			break;
	}
	return rc;
}

int
split_make(const struct session *s, const struct stream_purpose *purpose,
    struct err *e)
{
	const struct conf *c = s->message.snapshot->conf;
	struct work w = {
	    .s = s,
	    .purpose = purpose,
	    .mta = inject_open(c->milter.inject),
	    .arena = body_arena(s, COPY_MAX),
	    .deadline = clock_now() + c->milter.copies_timeout,
	};
	int rc;

	record_begin(&w.record, s, c->milter.timeout);
	if (w.mta == NULL || w.arena == NULL)
		rc = err_set(e, ERR_FATAL, "out of memory for private copies");
	else
		rc = serve_all(&w, e);
	inject_close(&w.mta);
	arena_free(&w.arena);
	return rc;
}

void
split_end(const struct session *s)
{
	struct record rec;
	struct err ignored;

	if (record_lasts(s))
		return;
	record_begin(&rec, s, 0);
	for (struct recipient *r = s->message.recipients; r; r = r->next)
		if (reason_info(r->reason)->verdict == VERDICT_ACCEPT &&
		    !r->again && record_forget(&rec, r, &ignored) != 0)
			return;
}
