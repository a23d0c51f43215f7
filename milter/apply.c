/* SPDX-License-Identifier: ISC */
/*
 * apply - act on what was decided
 *
 * The order keeps the promises: nobody is dropped before the sender has been
 * told, nothing is edited before everybody is decided about, and whatever
 * fails on the way defers the whole message, which is then as if it had never
 * come, but for opt-outs and private copies, which count once made.  Deleting
 * every recipient would lose the message with a 250, so a message that nobody
 * may get is refused instead.
 */
#include "apply.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "body.h"
#include "engine.h"
#include "fields.h"
#include "judge.h"
#include "label.h"
#include "notify.h"
#include "optout.h"
#include "policy/arena.h"
#include "policy/conf.h"
#include "policy/log.h"
#include "policy/stream.h"
#include "session.h"
#include "split.h"

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

static const char *
queue_id(const struct session *s)
{
	const char *id = s->message.queue_id;

	return id == NULL || id[0] == '\0' ? "-" : id;
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
	const struct stream_purpose *purpose;
	const struct recipient *one;	  /* an accepted one */
	const struct recipient *only;	  /* NULL: several share the message */
	const struct recipient *deferred; /* the first of each */
	const struct recipient *turned_away;
};

static struct outcome
judge_all(struct session *s, const struct stream_purpose *purpose)
{
	struct message *m = &s->message;
	struct outcome out = {.purpose = purpose};

	for (struct recipient *r = m->recipients; r != NULL; r = r->next) {
		judge_recipient(s, r, purpose);
		switch (reason_info(r->reason)->verdict) {
		case VERDICT_ACCEPT:
			out.accepted++;
			r->again = counted_before(m, r);
			out.mailboxes += r->again ? 0 : 1;
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

/* Those refused by consent have been concluded before. */
static void
conclude_undeliverable(const struct session *s)
{
	const struct recipient *r = s->message.recipients;

	for (; r != NULL; r = r->next)
		if (r->reason == REASON_UNDELIVERABLE)
			judge_conclude(s, r);
}

/* Tells the sender who is refused. */
static int
tell_sender(const struct session *s, struct err *e)
{
	const struct engine_metrics *count = engine_metrics(s->engine);

	if (notify_refused(s, e) != 0) {
		metric_inc(count->notify_failed);
		return -1;
	}
	metric_inc(count->notified);
	return 0;
}

static int
drop(SMFICTX *ctx, const char *path, struct err *e)
{
	if (smfi_delrcpt(ctx, (char *)path) == MI_SUCCESS)
		return 0;
	return err_set(
	    e, ERR_FATAL, "the MTA does not let a recipient be dropped");
}

/* Tells the sender, then drops. */
static int
drop_refused(SMFICTX *ctx, const struct session *s, struct err *e)
{
	if (tell_sender(s, e) != 0)
		return -1;
	for (struct recipient *r = s->message.recipients; r; r = r->next)
		if (reason_info(r->reason)->verdict == VERDICT_REFUSE &&
		    drop(ctx, r->path, e) != 0)
			return -1;
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

/* A field's value as the MTA takes it, space and all; NULL when the arena is
 * full. */
static char *
spaced(const struct session *s, const char *value)
{
	return arena_printf(
	    s->arena, "%s%s", s->whole_values ? " " : "", value);
}

static bool
put(SMFICTX *ctx, const struct session *s, const struct field_edit *f)
{
	const char *name = session_header_name(f->which);
	char *value;

	if (!remove_all(ctx, name, s->message.count[f->which]))
		return false;
	if (f->value == NULL)
		return true;
	value = spaced(s, f->value);
	return value != NULL &&
	    smfi_addheader(ctx, (char *)name, value) == MI_SUCCESS;
}

static int
edit_headers(SMFICTX *ctx, const struct session *s, const struct fields *plan,
    struct err *e)
{
	for (size_t i = 0; i < plan->n; i++)
		if (!put(ctx, s, &plan->edit[i]))
			return err_set(
			    e, ERR_FATAL, "the MTA refused a header edit");
	return 0;
}

/* Mail in no stream, looked at because bulk mail must be in one. */
static bool
is_stray_bulk(const struct message *m)
{
	const char *precedence = m->value[AUTHOR_PRECEDENCE];

	if (m->snapshot->conf->milter.unclassified_bulk != BULK_REFUSE)
		return false;
	return m->count[AUTHOR_UNSUBSCRIBE] > 0 ||
	    m->count[AUTHOR_LIST_ID] > 0 || m->count[AUTHOR_PURPOSE] > 0 ||
	    (precedence != NULL &&
		(strcasecmp(precedence, "bulk") == 0 ||
		    strcasecmp(precedence, "list") == 0));
}

/* Defers the whole message for a trouble of ours. */
static sfsistat
defer(SMFICTX *ctx, const struct session *s, const struct err *e)
{
	const struct stream *stream = s->message.stream;

	log_line(LOG_ERROR, "message-deferred stream=%s queue=%s error=\"%s\"",
	    stream == NULL ? "-" : stream->name, queue_id(s), e->text);
	return apply_reply(ctx, REASON_UNREACHABLE, NULL);
}

/* Refuses the whole message for a reason that is not one recipient's. */
static sfsistat
turn_back(SMFICTX *ctx, struct session *s, enum reason reason)
{
	const struct stream_metrics *count = s->message.stream->metrics;

	metric_inc(count->verdict[reason]);
	log_line(LOG_INFORM, "message-refused reason=%s stream=%s queue=%s",
	    reason_info(reason)->word, s->message.stream->name, queue_id(s));
	return apply_reply(ctx, reason, NULL);
}

/* Why the message as a whole cannot go on, or REASON_GRANTED. */
static enum reason
examine(struct message *m, const struct stream_purpose **purpose)
{
	/* Deferred, a message in a queue would come again for ever.  Without
	 * recipients there is nothing to decide, so nothing to let by. */
	if (m->too_big || m->recipients == NULL)
		return m->queued ? REASON_CROWDED : REASON_TOO_BIG;
	if (m->signatures != NULL && m->stream->signatures == SIGNATURES_REFUSE)
		return REASON_SIGNED;
	return find_purpose(m, purpose);
}

/* Hands an edited body over, with the fields that describe it. */
static int
replace_body(SMFICTX *ctx, const struct session *s,
    const struct edit_result *body, struct err *e)
{
	bool done = true, empty = body->n_body > 0;

	for (size_t i = 0; done && i < body->n_body; i++) {
		const struct edit_piece *p = &body->body[i];

		if (p->len == 0)
			continue;
		empty = false;
		done = smfi_replacebody(ctx, (unsigned char *)p->data,
			   (int)p->len) == MI_SUCCESS;
	}
	/* No octets at all would leave the old ones. */
	if (empty)
		done = smfi_replacebody(ctx, (unsigned char *)"\r\n", 2) ==
		    MI_SUCCESS;
	/* The first of its name, or a new one. */
	for (size_t i = 0; done && i < body->n_fields; i++) {
		char *value = spaced(s, body->fields[i].value);

		done = value != NULL &&
		    smfi_chgheader(ctx, (char *)body->fields[i].name, 1,
			value) == MI_SUCCESS;
	}
	return done ? 0 : err_set(e, ERR_FATAL, "the MTA refused a body edit");
}

static int
edit_body(SMFICTX *ctx, const struct session *s, const struct outcome *out,
    struct err *e)
{
	struct arena *a = body_arena(s, 0);
	struct edit_result body;
	int rc;

	if (a == NULL)
		return err_set(e, ERR_FATAL, "out of memory for the body");
	rc = body_edit(a, s, out->purpose, out->only, &body, e);
	if (rc == 0)
		rc = replace_body(ctx, s, &body, e);
	arena_free(&a);
	return rc;
}

/* One message goes on, to all who are accepted. */
static sfsistat
pass_on(SMFICTX *ctx, struct session *s, const struct outcome *out,
    const struct fields *plan)
{
	struct err e;

	if (session_edits(s) && edit_body(ctx, s, out, &e) != 0)
		return e.kind == ERR_REFUSED
		    ? turn_back(ctx, s, REASON_TOO_LARGE)
		    : defer(ctx, s, &e);
	if ((out->refused > 0 && drop_refused(ctx, s, &e) != 0) ||
	    edit_headers(ctx, s, plan, &e) != 0)
		return defer(ctx, s, &e);
	conclude_all(s, VERDICT_ACCEPT);
	return SMFIS_CONTINUE;
}

static const struct recipient *
first(const struct message *m, enum reason reason)
{
	const struct recipient *r = m->recipients;

	while (r != NULL && r->reason != reason)
		r = r->next;
	return r;
}

/* Every copy that the MTA takes has been taken: what becomes of the message. */
static sfsistat
end_split(SMFICTX *ctx, const struct session *s, const struct outcome *out)
{
	const struct message *m = &s->message;
	const struct recipient *without = first(m, REASON_UNDELIVERABLE);
	struct err e;

	if (without != NULL && first(m, REASON_GRANTED) == NULL) {
		conclude_undeliverable(s);
		return apply_reply(ctx, REASON_UNDELIVERABLE, without);
	}
	/* Nobody can be told but the client, which gives up some day. */
	if (without != NULL && m->sender[0] == '\0')
		return apply_reply(ctx, REASON_UNFINISHED, NULL);
	if ((out->refused > 0 || without != NULL) && tell_sender(s, &e) != 0)
		return defer(ctx, s, &e);
	split_end(s);
	conclude_undeliverable(s);
	conclude_all(s, VERDICT_ACCEPT);
	return SMFIS_DISCARD;
}

/* A copy for each, and the original goes.  The sender is told last: until then
 * everything may be tried again. */
static sfsistat
split(SMFICTX *ctx, struct session *s, const struct outcome *out,
    const struct stream_purpose *purpose)
{
	struct err e;

	if (s->message.body_lost)
		return turn_back(ctx, s, REASON_TOO_LARGE);
	if (split_make(s, purpose, &e) != 0) {
		if (e.kind == ERR_REFUSED)
			return turn_back(ctx, s, REASON_TOO_LARGE);
		log_line(LOG_WARN,
		    "message-unfinished stream=%s queue=%s error=\"%s\"",
		    s->message.stream->name, queue_id(s), e.text);
		return apply_reply(ctx, REASON_UNFINISHED, NULL);
	}
	return end_split(ctx, s, out);
}

sfsistat
apply_end(SMFICTX *ctx, struct session *s)
{
	struct message *m = &s->message;
	const struct stream_purpose *purpose;
	enum reason reason = examine(m, &purpose);
	struct fields plan;
	struct outcome out;
	bool private;
	struct err e;

	if (reason != REASON_GRANTED)
		return turn_back(ctx, s, reason);
	out = judge_all(s, purpose);
	if (out.deferred != NULL) {
		conclude_all(s, VERDICT_DEFER);
		return apply_reply(ctx, out.deferred->reason, out.deferred);
	}
	conclude_all(s, VERDICT_REFUSE);
	assert(out.accepted > 0 || out.turned_away != NULL);
	if (out.accepted == 0)
		return apply_reply(
		    ctx, out.turned_away->reason, out.turned_away);
	if (out.refused > 0 && m->sender[0] == '\0')
		return turn_back(ctx, s, REASON_NOBODY_TO_TELL);
	private =
	    out.mailboxes == 1 || m->stream->recipients == RECIPIENTS_SPLIT;
	out.only = private ? out.one : NULL;
	if (fields_plan(s->arena, m, purpose, out.only, &plan, &e) != 0)
		return defer(ctx, s, &e);
	if (m->stream->signatures == SIGNATURES_SPARE &&
	    fields_break_signature(&plan, m))
		return turn_back(ctx, s, REASON_SIGNED);
	/* Also for one who is left: the others may have been served, and this
	 * one too, when the message came before. */
	return session_splits(s) ? split(ctx, s, &out, purpose)
				 : pass_on(ctx, s, &out, &plan);
}

bool
apply_opt_outs(SMFICTX *ctx, struct session *s, sfsistat *status)
{
	const struct message *m = &s->message;
	struct err e;

	if (optout_act(s, &e) != 0) {
		*status = apply_reply(ctx, REASON_UNREACHABLE, NULL);
		return false;
	}
	*status = SMFIS_DISCARD;
	if (m->recipients == NULL && m->n_others == 0 && !m->too_big)
		return false;
	for (struct opt_out *o = m->opt_outs; o != NULL; o = o->next)
		if (drop(ctx, o->path, &e) != 0) {
			*status = defer(ctx, s, &e);
			return false;
		}
	return true;
}

sfsistat
apply_end_unclassified(SMFICTX *ctx, struct session *s)
{
	const struct message *m = &s->message;
	struct err e;

	if (m->too_big)
		return apply_reply(
		    ctx, m->queued ? REASON_CROWDED : REASON_TOO_BIG, NULL);
	if (is_stray_bulk(m)) {
		log_line(LOG_INFORM,
		    "message-refused reason=%s stream=- queue=%s",
		    reason_info(REASON_UNCLASSIFIED)->word, queue_id(s));
		return apply_reply(ctx, REASON_UNCLASSIFIED, NULL);
	}
	/* A queue's mail to addresses that are no opt-out. */
	if (m->recipients == NULL)
		return SMFIS_CONTINUE;
	if (m->n_others == 0 || m->sender[0] == '\0')
		return apply_reply(ctx, REASON_NO_LINK, m->recipients);
	return drop_refused(ctx, s, &e) == 0 ? SMFIS_CONTINUE
					     : defer(ctx, s, &e);
}
