/* SPDX-License-Identifier: ISC */
/*
 * session - one connection of the MTA, and the message on it
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
	s->message = (struct message){0};
	s->phase = PHASE_IDLE;
	arena_reset(s->arena);
}

struct recipient *
session_add(struct session *s, const char *path)
{
	struct message *m = &s->message;
	const struct conf *c = m->snapshot->conf;
	struct recipient *r;
	struct err e;
	int rc;

	if (m->n_recipients >= (size_t)c->milter.recipients)
		return NULL;
	r = arena_alloc(s->arena, sizeof(*r));
	if (r == NULL || (r->path = arena_strdup(s->arena, path)) == NULL)
		return NULL;
	rc = addr_parse(s->arena, path, strlen(path), &r->addr, &e);
	if (rc != 0 && e.kind != ERR_REFUSED)
		return NULL;
	if (rc == 0) {
		r->key = addr_key(keys_index(m->snapshot->keys),
		    channel_kind(m->stream->channel), r->addr.canonical);
		r->readable = true;
	}
	if (m->recipients_end == NULL)
		m->recipients_end = &m->recipients;
	*m->recipients_end = r;
	m->recipients_end = &r->next;
	m->n_recipients++;
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

void
session_header(struct session *s, const char *name, const char *value)
{
	static const char *const names[AUTHOR_HEADERS] = {
	    [AUTHOR_UNSUBSCRIBE] = "List-Unsubscribe",
	    [AUTHOR_UNSUBSCRIBE_POST] = "List-Unsubscribe-Post",
	    [AUTHOR_LIST_ID] = "List-Id",
	    [AUTHOR_PURPOSE] = LABEL_HEADER,
	    [AUTHOR_SUBJECT] = "Subject",
	    [AUTHOR_MESSAGE_ID] = "Message-ID",
	    [AUTHOR_PRECEDENCE] = "Precedence",
	};
	struct message *m = &s->message;

	for (int i = 0; i < AUTHOR_HEADERS; i++) {
		if (strcasecmp(names[i], name) != 0)
			continue;
		if (m->count[i]++ > 0)
			return;
		if (strnlen(value, VALUE_MAX + 1) > VALUE_MAX)
			return;
		m->value[i] = arena_strdup(s->arena, value);
		if (m->value[i] == NULL)
			m->too_big = true;
		return;
	}
}
