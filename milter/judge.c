/* SPDX-License-Identifier: ISC */
/*
 * judge - one recipient: look up, decide, count, log
 *
 * A look-up that fails leaves the facts empty, and decide() defers.  A +tag
 * address asks about its base as well, for which no answer is as bad as none
 * for itself.
 */
#include "judge.h"

#include "engine.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/decide.h"
#include "policy/keys.h"
#include "policy/log.h"
#include "policy/lookup.h"
#include "policy/stream.h"
#include "session.h"

static bool
look_up(struct session *s, const struct addr_key *key,
    struct lookup_result *out, struct err *e)
{
	const struct engine_metrics *m = engine_metrics(s->engine);
	int64_t begun = clock_now();
	int rc = lookup_permit(&s->message.snapshot->lookup, key, out, NULL, e);

	metric_observe(m->lookup_time, clock_now() - begun);
	metric_inc(rc == 0 ? m->lookup[out->source] : m->lookup_failed);
	return rc == 0;
}

/* Whether the person has agreed to be followed. */
static bool
may_follow(const struct permit *p, const struct stream *stream, int64_t now)
{
	struct permit_pair pair;

	if (stream->monitoring == 0 || p->erased)
		return false;
	pair = permit_find(p, stream->monitoring, stream->channel);
	return pair.standing == STANDING_GRANTED &&
	    (pair.expires == 0 || pair.expires > now) && pair.paused <= now;
}

/* Why nothing can be decided: the log has the rest. */
static enum reason
unanswered(const struct err *e)
{
	log_line(LOG_WARN, "lookup-failed error=\"%s\"", e->text);
	return e->kind == ERR_BUSY ? REASON_OVERLOAD : REASON_UNREACHABLE;
}

static enum reason
consult(struct session *s, struct recipient *r,
    const struct stream_purpose *purpose)
{
	struct decide_facts facts = {
	    .purpose = purpose->id,
	    .channel = s->message.stream->channel,
	    .now = clock_wall(),
	};
	struct lookup_result own, base;
	struct addr_key base_key;
	struct err e;

	if (!look_up(s, &r->key, &own, &e))
		return unanswered(&e);
	facts.permit = &own.permit;
	r->language = own.permit.language;
	r->monitored = may_follow(&own.permit, s->message.stream, facts.now);
	r->source = lookup_source_word(own.source);
	if (r->addr.base != NULL) {
		base_key = addr_key(keys_index(s->message.snapshot->keys),
		    channel_kind(s->message.stream->channel), r->addr.base);
		if (!look_up(s, &base_key, &base, &e))
			return unanswered(&e);
		facts.base = &base.permit;
	}
	return decide(&facts);
}

static void
note(struct session *s, struct recipient *r, enum reason reason)
{
	r->reason = reason;
	r->reference = engine_reference(s->engine);
}

void
judge_recipient(struct session *s, struct recipient *r,
    const struct stream_purpose *purpose)
{
	if (r->settled || r->purpose == purpose)
		return;
	r->purpose = purpose;
	r->source = "none";
	note(s, r, r->readable ? consult(s, r, purpose) : REASON_ADDRESS);
}

void
judge_otherwise(struct session *s, struct recipient *r, enum reason reason)
{
	note(s, r, reason);
}

void
judge_conclude(const struct session *s, const struct recipient *r)
{
	static const char *const words[] = {
	    [VERDICT_DEFER] = "defer",
	    [VERDICT_REFUSE] = "refuse",
	    [VERDICT_ACCEPT] = "accept",
	};
	const struct message *m = &s->message;
	const struct stream_metrics *count = m->stream->metrics;
	const struct reason_info *info = reason_info(r->reason);
	const struct label_part *campaign = &m->label.campaign;
	char shown[ADDR_MAX + 8], hex[ADDR_KEY_HEX] = "unreadable";

	metric_inc(count->verdict[r->reason]);
	if (r->readable)
		addr_key_hex(&r->key, hex);
	log_line(LOG_INFORM,
	    "%s reason=%s stream=%s purpose=%s rcpt=%s source=%s queue=%s "
	    "ref=%08x%s%.*s",
	    words[info->verdict], info->word, m->stream->name,
	    r->purpose == NULL ? "-" : r->purpose->name,
	    log_address(shown, sizeof(shown),
		(enum log_addresses)m->snapshot->conf->log.addresses,
		r->readable ? r->addr.original : "unreadable", hex),
	    r->source == NULL ? "none" : r->source,
	    m->queue_id == NULL ? "-" : m->queue_id, r->reference,
	    campaign->len > 0 ? " campaign=" : "", (int)campaign->len,
	    campaign->len > 0 ? campaign->text : "");
}
