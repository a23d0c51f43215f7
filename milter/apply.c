/* SPDX-License-Identifier: ISC */
/*
 * apply - act on what was decided
 *
 * The order keeps the promises: nobody is dropped before the sender has been
 * told, nothing is edited before everybody is decided about, and whatever
 * fails on the way defers the whole message, which is then as if it had never
 * come.  Deleting every recipient would lose the message with a 250, so a
 * message that nobody may get is refused instead.
 */
#include "apply.h"

#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "judge.h"
#include "label.h"
#include "list.h"
#include "notify.h"
#include "policy/arena.h"
#include "policy/conf.h"
#include "policy/log.h"
#include "policy/stream.h"
#include "session.h"

sfsistat
apply_reply(SMFICTX *ctx, enum reason reason, const struct recipient *r)
{
	const struct reason_info *info = reason_info(reason);
	char text[400]; /* with the codes below RFC 5321's 512 octets */

	if (info->verdict == VERDICT_ACCEPT)
		return SMFIS_CONTINUE;
	if (r != NULL)
		snprintf(text, sizeof(text), "%s: %s (%s%sref %08x)",
		    info->word, info->text,
		    r->purpose == NULL ? "" : r->purpose->name,
		    r->purpose == NULL ? "" : ", ", r->reference);
	else
		snprintf(text, sizeof(text), "%s: %s", info->word, info->text);
	if (smfi_setreply(ctx, (char *)info->code, (char *)info->enhanced,
		text) != MI_SUCCESS)
		log_line(LOG_ERROR, "reply-not-set reason=%s", info->word);
	return info->verdict == VERDICT_REFUSE ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

/* What the message is for, by its header or else by its stream. */
static enum reason
find_purpose(struct message *m, const struct stream_purpose **purpose)
{
	*purpose = m->stream->purpose;
	if (m->count[AUTHOR_PURPOSE] == 0)
		return *purpose != NULL ? REASON_GRANTED : REASON_MISSING;
	if (m->count[AUTHOR_PURPOSE] > 1 || m->value[AUTHOR_PURPOSE] == NULL ||
	    !label_parse(m->value[AUTHOR_PURPOSE], &m->label))
		return REASON_MALFORMED;
	*purpose = stream_purpose(
	    m->stream, m->label.purpose.text, m->label.purpose.len);
	return *purpose != NULL ? REASON_GRANTED : REASON_PURPOSE;
}

/* Whether an earlier accepted recipient is the same mailbox. */
static bool
counted_before(const struct message *m, const struct recipient *r)
{
	for (const struct recipient *p = m->recipients; p != r; p = p->next)
		if (p->reason == REASON_GRANTED &&
		    memcmp(&p->key, &r->key, sizeof(p->key)) == 0)
			return true;
	return false;
}

/* How the recipients fell out. */
struct outcome {
	size_t accepted, mailboxes, refused;
	const struct recipient *one;	  /* an accepted one */
	const struct recipient *deferred; /* the first of each */
	const struct recipient *turned_away;
};

static struct outcome
judge_all(struct session *s, const struct stream_purpose *purpose)
{
	struct message *m = &s->message;
	struct outcome out = {0};

	for (struct recipient *r = m->recipients; r != NULL; r = r->next) {
		judge_recipient(s, r, purpose);
		switch (reason_info(r->reason)->verdict) {
		case VERDICT_ACCEPT:
			out.accepted++;
			out.mailboxes += counted_before(m, r) ? 0 : 1;
			out.one = r;
			break;
		case VERDICT_REFUSE:
			out.refused++;
			if (out.turned_away == NULL)
				out.turned_away = r;
			break;
		case VERDICT_DEFER:
			if (out.deferred == NULL)
				out.deferred = r;
			break;
		}
	}
	return out;
}

static void
conclude_all(const struct session *s, enum verdict verdict)
{
	const struct recipient *r = s->message.recipients;

	for (; r != NULL; r = r->next)
		if (reason_info(r->reason)->verdict == verdict)
			judge_conclude(s, r);
}

/* Tells the sender, then drops. */
static int
drop_refused(SMFICTX *ctx, struct session *s, struct err *e)
{
	const struct engine_metrics *count = engine_metrics(s->engine);

	if (notify_refused(s, e) != 0) {
		metric_inc(count->notify_failed);
		return -1;
	}
	metric_inc(count->notified);
	for (struct recipient *r = s->message.recipients; r; r = r->next)
		if (reason_info(r->reason)->verdict == VERDICT_REFUSE &&
		    smfi_delrcpt(ctx, (char *)r->path) != MI_SUCCESS)
			return err_set(e, ERR_FATAL,
			    "the MTA does not let a recipient be dropped");
	return 0;
}

/* Takes away all `n` of a header; the last first, so that numbers hold. */
static bool
remove_all(SMFICTX *ctx, const char *name, unsigned int n)
{
	for (; n > 0; n--)
		if (smfi_chgheader(ctx, (char *)name, (int)n, NULL) !=
		    MI_SUCCESS)
			return false;
	return true;
}

static bool
put(SMFICTX *ctx, const char *name, unsigned int theirs, const char *value)
{
	return remove_all(ctx, name, theirs) &&
	    (value == NULL ||
		smfi_addheader(ctx, (char *)name, (char *)value) == MI_SUCCESS);
}

static int
edit_headers(SMFICTX *ctx, struct session *s,
    const struct stream_purpose *purpose, const struct recipient *only,
    struct err *e)
{
	const struct message *m = &s->message;
	const unsigned int *n = m->count;
	enum stream_author author = m->stream->author;
	struct list_fields f;
	bool done = true;

	if (list_fields(s->arena, m->snapshot->conf, m->snapshot->keys,
		m->stream, purpose, only, &f, e) != 0)
		return -1;
	if (author == AUTHOR_MERGE && m->value[AUTHOR_UNSUBSCRIBE] != NULL &&
	    m->value[AUTHOR_UNSUBSCRIBE][0] != '\0')
		f.unsubscribe = arena_printf(s->arena, "%s,\n\t%s",
		    f.unsubscribe, m->value[AUTHOR_UNSUBSCRIBE]);
	if (f.unsubscribe == NULL)
		return err_set(e, ERR_FATAL, "message too large for its arena");
	if (author != AUTHOR_KEEP || n[AUTHOR_UNSUBSCRIBE] == 0)
		done = put(ctx, "List-Unsubscribe", n[AUTHOR_UNSUBSCRIBE],
			   f.unsubscribe) &&
		    put(ctx, "List-Unsubscribe-Post",
			n[AUTHOR_UNSUBSCRIBE_POST], f.unsubscribe_post);
	if (done && (author == AUTHOR_REPLACE || n[AUTHOR_LIST_ID] == 0))
		done = put(ctx, "List-Id", n[AUTHOR_LIST_ID], f.id);
	if (done)
		done = remove_all(ctx, LABEL_HEADER, n[AUTHOR_PURPOSE]);
	return done ? 0
		    : err_set(e, ERR_FATAL, "the MTA refused a header edit");
}

/* Defers the whole message for a trouble of ours. */
static sfsistat
defer(SMFICTX *ctx, const struct session *s, const struct err *e)
{
	log_line(LOG_ERROR, "message-deferred stream=%s queue=%s error=\"%s\"",
	    s->message.stream->name,
	    s->message.queue_id == NULL ? "-" : s->message.queue_id, e->text);
	return apply_reply(ctx, REASON_UNREACHABLE, NULL);
}

/* Refuses the whole message for a reason that is not one recipient's. */
static sfsistat
turn_back(SMFICTX *ctx, struct session *s, enum reason reason)
{
	const struct stream_metrics *count = s->message.stream->metrics;

	metric_inc(count->verdict[reason]);
	log_line(LOG_INFORM, "message-refused reason=%s stream=%s queue=%s",
	    reason_info(reason)->word, s->message.stream->name,
	    s->message.queue_id == NULL ? "-" : s->message.queue_id);
	return apply_reply(ctx, reason, NULL);
}

sfsistat
apply_end(SMFICTX *ctx, struct session *s)
{
	struct message *m = &s->message;
	const struct stream_purpose *purpose;
	enum reason reason = find_purpose(m, &purpose);
	struct outcome out;
	struct err e;

	/* Without recipients there is nothing to decide, so nothing to let by.
	 */
	if (m->too_big || m->recipients == NULL)
		/* Deferred, a message in a queue would come again for ever. */
		return turn_back(
		    ctx, s, m->queued ? REASON_CROWDED : REASON_TOO_BIG);
	if (reason != REASON_GRANTED)
		return turn_back(ctx, s, reason);
	out = judge_all(s, purpose);
	if (out.deferred != NULL) {
		conclude_all(s, VERDICT_DEFER);
		return apply_reply(ctx, out.deferred->reason, out.deferred);
	}
	conclude_all(s, VERDICT_REFUSE);
	if (out.accepted == 0)
		return apply_reply(
		    ctx, out.turned_away->reason, out.turned_away);
	if (out.refused > 0 && m->sender[0] == '\0')
		return turn_back(ctx, s, REASON_NOBODY_TO_TELL);
	if (out.refused > 0 && drop_refused(ctx, s, &e) != 0)
		return defer(ctx, s, &e);
	if (edit_headers(
		ctx, s, purpose, out.mailboxes == 1 ? out.one : NULL, &e) != 0)
		return defer(ctx, s, &e);
	conclude_all(s, VERDICT_ACCEPT);
	return SMFIS_CONTINUE;
}
