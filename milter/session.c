/* SPDX-License-Identifier: ISC */
/*
 * session - one connection of the MTA, and the message on it
 *
 * What is kept of a message is bounded: envelope, headers and notes by the
 * arena, the body by milter.max-message.  Only a message that may have to be
 * split or edited is kept whole.
 */
#include "session.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine.h"
#include "policy/arena.h"
#include "policy/conf.h"
#include "policy/keys.h"
#include "policy/stream.h"

/* What one message may hold in memory: some thousand recipients. */
enum { MESSAGE_MAX = 4 << 20, VALUE_MAX = 2000 };

struct session *
session_new(struct engine *en)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->engine = en;
	s->arena = arena_new(MESSAGE_MAX);
	if (s->arena == NULL)
		session_free(&s);
	return s;
}

void
session_free(struct session **s)
{
	if (*s == NULL)
		return;
	if ((*s)->arena != NULL)
		session_reset(*s);
	arena_free(&(*s)->arena);
	free((*s)->listener);
	free((*s)->host);
	free((*s)->client_name);
	free(*s);
	*s = NULL;
}

bool
session_step(struct session *s, enum phase_event event)
{
	/* The phase after an event; -1: it may not happen here. */
	static const int after[][3] = {
	    [EVENT_MAIL] = {PHASE_ENVELOPE, -1, -1},
	    [EVENT_RCPT] = {-1, PHASE_ENVELOPE, -1},
	    [EVENT_HEADER] = {-1, PHASE_CONTENT, PHASE_CONTENT},
	    [EVENT_BODY] = {-1, PHASE_CONTENT, PHASE_CONTENT},
	    [EVENT_END] = {-1, PHASE_IDLE, PHASE_IDLE},
	};
	int next = after[event][s->phase];

	if (next < 0)
		return false;
	s->phase = (enum phase)next;
	return true;
}

void
session_reset(struct session *s)
{
	engine_end(s->engine, &s->message.snapshot);
	buf_free(&s->message.body);
	s->message = (struct message){0};
	s->phase = PHASE_IDLE;
	arena_reset(s->arena);
}

const char *
session_header_name(enum author_header h)
{
	static const char *const names[AUTHOR_HEADERS] = {
	    [AUTHOR_UNSUBSCRIBE] = "List-Unsubscribe",
	    [AUTHOR_UNSUBSCRIBE_POST] = "List-Unsubscribe-Post",
	    [AUTHOR_LIST_ID] = "List-Id",
	    [AUTHOR_PURPOSE] = LABEL_HEADER,
	    [AUTHOR_SUBJECT] = "Subject",
	    [AUTHOR_MESSAGE_ID] = "Message-ID",
	    [AUTHOR_PRECEDENCE] = "Precedence",
	    [AUTHOR_DATE] = "Date",
	    [AUTHOR_CONTENT_TYPE] = "Content-Type",
	    [AUTHOR_DKIM] = "DKIM-Signature",
	    [AUTHOR_ARC_MESSAGE] = "ARC-Message-Signature",
	    [AUTHOR_ARC_SEAL] = "ARC-Seal",
	    [AUTHOR_ARC_RESULTS] = "ARC-Authentication-Results",
	    [AUTHOR_AUTO_SUBMITTED] = "Auto-Submitted",
	    [AUTHOR_AUTOREPLY] = "X-Autoreply",
	    [AUTHOR_AUTORESPOND] = "X-Autorespond",
	    [AUTHOR_SUPPRESS] = "X-Auto-Response-Suppress",
	    [AUTHOR_DISPOSITION] = "Disposition-Notification-To",
	    [AUTHOR_RECEIPT] = "Return-Receipt-To",
	};

	return names[h];
}

bool
session_splits(const struct session *s)
{
	const struct message *m = &s->message;

	return (m->several || m->turned_away) && m->stream != NULL &&
	    m->stream->recipients == RECIPIENTS_SPLIT;
}

bool
session_edits(const struct session *s)
{
	const struct stream *stream = s->message.stream;

	return stream != NULL &&
	    (stream->footer != FOOTER_OFF || stream->tracking != TRACKING_KEEP);
}

static struct recipient *
append(struct session *s, const char *path)
{
	struct message *m = &s->message;
	struct recipient *r;

	if (m->n_recipients >= (size_t)m->snapshot->conf->milter.recipients)
		return NULL;
	r = arena_alloc(s->arena, sizeof(*r));
	if (r == NULL || (r->path = arena_strdup(s->arena, path)) == NULL)
		return NULL;
	r->parameters = "";
	if (m->recipients_end == NULL)
		m->recipients_end = &m->recipients;
	*m->recipients_end = r;
	m->recipients_end = &r->next;
	m->n_recipients++;
	return r;
}

struct recipient *
session_add(struct session *s, const char *path)
{
	const struct message *m = &s->message;
	struct recipient *r = append(s, path);
	struct err e;

	if (r == NULL)
		return NULL;
	if (addr_parse(s->arena, path, strlen(path), &r->addr, &e) == 0) {
		r->key = addr_key(keys_index(m->snapshot->keys),
		    channel_kind(m->stream->channel), r->addr.canonical);
		r->readable = true;
	} else if (e.kind != ERR_REFUSED) {
		session_drop(s, r);
		return NULL;
	}
	return r;
}

struct recipient *
session_add_refused(struct session *s, const char *path, enum reason reason)
{
	struct recipient *r = append(s, path);

	if (r != NULL) {
		r->reason = reason;
		r->reference = engine_reference(s->engine);
		r->settled = true;
	}
	return r;
}

void
session_drop(struct session *s, struct recipient *r)
{
	struct message *m = &s->message;
	struct recipient **p = &m->recipients;

	while (*p != r)
		p = &(*p)->next;
	*p = NULL;
	m->recipients_end = p;
	m->n_recipients--;
}

/* A copy of a field; NULL when the arena is full. */
static struct field *
copy_field(struct session *s, const char *name, const char *value)
{
	struct field *f = arena_alloc(s->arena, sizeof(*f));

	if (f == NULL || (f->name = arena_strdup(s->arena, name)) == NULL ||
	    (f->value = arena_strdup(s->arena, value)) == NULL) {
		s->message.too_big = true;
		return NULL;
	}
	return f;
}

static void
keep_field(struct session *s, const char *name, const char *value)
{
	struct message *m = &s->message;
	struct field *f = copy_field(s, name, value);

	if (f == NULL)
		return;
	if (m->fields_end == NULL)
		m->fields_end = &m->fields;
	*m->fields_end = f;
	m->fields_end = &f->next;
}

static void
keep_signature(struct session *s, const char *name, const char *value)
{
	struct field *f = copy_field(s, name, value);

	if (f == NULL)
		return;
	f->next = s->message.signatures;
	s->message.signatures = f;
}

/* Counts a header that matters, and keeps the first of its kind. */
static void
note_header(struct session *s, enum author_header h, const char *value)
{
	struct message *m = &s->message;

	if (m->stream != NULL && (h == AUTHOR_DKIM || h == AUTHOR_ARC_MESSAGE))
		keep_signature(s, session_header_name(h), value);
	if (m->count[h]++ > 0 || strnlen(value, VALUE_MAX + 1) > VALUE_MAX)
		return;
	m->value[h] = arena_strdup(s->arena, value);
	if (m->value[h] == NULL)
		m->too_big = true;
}

void
session_header(struct session *s, const char *name, const char *value)
{
	if (session_splits(s) || session_edits(s))
		keep_field(s, name, value);
	if (s->whole_values && *value == ' ')
		value++;
	for (int i = 0; i < AUTHOR_HEADERS; i++)
		if (strcasecmp(
			session_header_name((enum author_header)i), name) == 0)
			note_header(s, (enum author_header)i, value);
}

bool
session_body(struct session *s, const void *octets, size_t n)
{
	struct message *m = &s->message;
	size_t max = (size_t)m->snapshot->conf->milter.max_message;

	if (m->body_lost || !(session_splits(s) || session_edits(s)))
		return false;
	m->body_lost = n > max - m->body.len;
	if (!m->body_lost) {
		buf_add(&m->body, octets, n);
		m->body_lost = buf_failed(&m->body);
	}
	if (m->body_lost)
		buf_free(&m->body);
	return !m->body_lost;
}
