/* SPDX-License-Identifier: ISC */
/*
 * optout - opt-outs by mail
 *
 * Only what a person sent counts.  A vacation reply or a bounce comes to the
 * address of whoever is in Reply-To or the envelope, and would end what nobody
 * asked to end: such mail is taken and changes nothing, and as nothing ever
 * answers it there can be no loop (RFC 3834).
 */
#include "optout.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine.h"
#include "policy/arena.h"
#include "policy/change.h"
#include "policy/conf.h"
#include "policy/log.h"
#include "policy/token.h"
#include "session.h"

const char *
optout_result_word(enum optout_result r)
{
	static const char *const words[OPTOUT_RESULTS] = {
	    [OPTOUT_FAILED] = "failed",
	    [OPTOUT_BAD_TOKEN] = "bad-token",
	    [OPTOUT_IGNORED] = "ignored",
	    [OPTOUT_ALREADY] = "already",
	    [OPTOUT_CHANGED] = "changed",
	};

	return words[r];
}

static void
tell(const struct session *s, enum optout_result result,
    const struct token_subject *subject, const struct err *e)
{
	const char *queue = s->message.queue_id;
	char hex[ADDR_KEY_HEX];

	metric_inc(engine_metrics(s->engine)->opt_outs[result]);
	if (queue == NULL)
		queue = "-";
	if (subject == NULL)
		log_line(LOG_INFORM, "opt-out result=%s source=mail queue=%s",
		    optout_result_word(result), queue);
	else
		log_line(result == OPTOUT_FAILED ? LOG_ERROR : LOG_INFORM,
		    "opt-out result=%s source=mail purpose=%u channel=%s "
		    "address=%s queue=%s%s%s%s",
		    optout_result_word(result), subject->purpose,
		    channel_word(subject->channel),
		    addr_key_hex(&subject->key, hex), queue,
		    e == NULL ? "" : " error=\"", e == NULL ? "" : e->text,
		    e == NULL ? "" : "\"");
}

/* Whether `path` ends in "@domain", with or without its bracket. */
static bool
at_domain(const char *path, const char *domain)
{
	size_t n = strlen(path), len = strlen(domain);

	if (n > 0 && path[n - 1] == '>')
		n--;
	return n > len && path[n - len - 1] == '@' &&
	    strncasecmp(path + n - len, domain, len) == 0;
}

/* RFC 5321, 4.5.1 and RFC 2142: people, who may be written to. */
static bool
is_person(const char *local, size_t len)
{
	return (len == 10 && memcmp(local, "postmaster", len) == 0) ||
	    (len == 5 && memcmp(local, "abuse", len) == 0);
}

static enum optout_kind
note(struct session *s, const char *path, const struct token *t, struct err *e)
{
	struct message *m = &s->message;
	struct opt_out *o = arena_alloc(s->arena, sizeof(*o));

	if (o == NULL || (o->path = arena_strdup(s->arena, path)) == NULL) {
		err_set(e, ERR_FATAL, "message too large for its arena");
		return OPTOUT_UNKNOWN;
	}
	if (!token_subject(t, &o->subject))
		return OPTOUT_BAD;
	o->next = m->opt_outs;
	m->opt_outs = o;
	return OPTOUT_GOOD;
}

enum optout_kind
optout_recipient(struct session *s, const char *path, struct err *e)
{
	const struct snapshot *snap = s->message.snapshot;
	struct addr address;
	struct token t;
	size_t len;
	int good = 0;

	if (!at_domain(path, snap->conf->web.mail_domain))
		return OPTOUT_NONE;
	if (addr_parse(s->arena, path, strlen(path), &address, e) == 0) {
		len = strcspn(address.canonical, "@");
		if (is_person(address.canonical, len))
			return OPTOUT_NONE;
		if (len == TOKEN_MAIL - 1)
			good = token_open_fresh(snap->keys, CAPABILITY_OPT_OUT,
			    address.canonical, len, &t, e);
	} else if (e->kind != ERR_REFUSED) {
		return OPTOUT_UNKNOWN;
	}
	if (good > 0)
		return note(s, path, &t, e);
	if (good == 0)
		tell(s, OPTOUT_BAD_TOKEN, NULL, NULL);
	return good == 0 ? OPTOUT_BAD : OPTOUT_UNKNOWN;
}

/* Whether `value` begins with `word`, and the word ends there. */
static bool
begins(const char *value, const char *word)
{
	size_t n = strlen(word);

	if (value == NULL)
		return false;
	value += strspn(value, " \t\r\n");
	return strncasecmp(value, word, n) == 0 &&
	    strchr(" \t\r\n;(", value[n]) != NULL;
}

/* Whether a program sent the message. */
static bool
is_automatic(const struct message *m)
{
	static const char *const bulk[] = {
	    "bulk", "junk", "list", "auto_reply"};
	const char *precedence = m->value[AUTHOR_PRECEDENCE];

	for (size_t i = 0; i < sizeof(bulk) / sizeof(bulk[0]); i++)
		if (begins(precedence, bulk[i]))
			return true;
	return m->sender[0] == '\0' || m->count[AUTHOR_AUTOREPLY] > 0 ||
	    m->count[AUTHOR_AUTORESPOND] > 0 || m->count[AUTHOR_SUPPRESS] > 0 ||
	    (m->count[AUTHOR_AUTO_SUBMITTED] > 0 &&
		!begins(m->value[AUTHOR_AUTO_SUBMITTED], "no")) ||
	    begins(m->value[AUTHOR_CONTENT_TYPE], "multipart/report");
}

/* From whom it came: a JSON object for free(), or NULL. */
static char *
proof(const struct message *m)
{
	json_t *fields = json_object(), *sender = json_string(m->sender);
	char *text;

	/* Not UTF-8: nothing that the ledger could hold. */
	if (sender != NULL)
		json_object_set_new(fields, "sender", sender);
	text = json_dumps(fields, JSON_COMPACT);
	json_decref(fields);
	return text;
}

int
optout_act(const struct session *s, struct err *e)
{
	const struct message *m = &s->message;
	char *fields;
	int rc = 0;

	if (is_automatic(m)) {
		for (struct opt_out *o = m->opt_outs; o != NULL; o = o->next)
			tell(s, OPTOUT_IGNORED, &o->subject, NULL);
		return 0;
	}
	/* Without its proof the record would not stand up. */
	fields = proof(m);
	if (fields == NULL)
		return err_set(e, ERR_FATAL, "out of memory for the proof");
	for (struct opt_out *o = m->opt_outs; rc == 0 && o; o = o->next) {
		bool changed = false;

		rc = change_opt_out(&m->snapshot->changer, &o->subject.key,
		    o->subject.purpose, o->subject.channel, "mail", fields,
		    &changed, e);
		tell(s,
		    rc != 0	  ? OPTOUT_FAILED
			: changed ? OPTOUT_CHANGED
				  : OPTOUT_ALREADY,
		    &o->subject, rc != 0 ? e : NULL);
	}
	free(fields);
	return rc;
}
