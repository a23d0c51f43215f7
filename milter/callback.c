/* SPDX-License-Identifier: ISC */
/*
 * callback - what libmilter calls
 *
 * Each callback fetches the session, checks the phase, records one fact and
 * returns; what is decided is decided in judge.c and apply.c.  libmilter's
 * workers may run each callback of a session on another thread, one at a time.
 *
 * A recipient that is refused stays out of the session's list: the MTA drops
 * it.  A message that already lies in a queue (Postfix hands mail of
 * sendmail(1) to non_smtpd_milters by playing an SMTP session) is different:
 * a reply to one of its recipients would leave it stuck there, so everything
 * about it is decided at its end.
 */
#include "callback.h"

#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apply.h"
#include "engine.h"
#include "judge.h"
#include "policy/arena.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/log.h"
#include "policy/stream.h"
#include "session.h"

/* libmilter gives its callbacks no pointer but the session's own: the engine
 * is put here before smfi_main() and read when a session begins. */
static struct engine *engine;

enum {
	ACTIONS = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_DELRCPT,
	SKIPPED = SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NOBODY |
	    SMFIP_NOEOH,
	SILENT = SMFIP_NR_CONN | SMFIP_NR_HDR
};

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long offered_actions,
    unsigned long offered_steps, unsigned long f2, unsigned long f3,
    unsigned long *actions, unsigned long *steps, unsigned long *pf2,
    unsigned long *pf3)
{
	struct session *s;

	(void)f2, (void)f3;
	*pf2 = *pf3 = 0;
	if ((offered_actions & ACTIONS) != ACTIONS) {
		log_line(LOG_ERROR,
		    "the MTA does not offer to change headers "
		    "and recipients: it is too old");
		return SMFIS_REJECT;
	}
	s = session_new(engine);
	if (s == NULL)
		return SMFIS_REJECT;
	smfi_setpriv(ctx, s);
	*actions = ACTIONS | (offered_actions & SMFIF_SETSYMLIST);
	*steps = offered_steps & (SKIPPED | SILENT);
	s->quiet_connect = (*steps & SMFIP_NR_CONN) != 0;
	s->quiet_headers = (*steps & SMFIP_NR_HDR) != 0;
	if ((offered_actions & SMFIF_SETSYMLIST) != 0 &&
	    (smfi_setsymlist(ctx, SMFIM_CONNECT, (char *)"{daemon_name} v") !=
		    MI_SUCCESS ||
		smfi_setsymlist(ctx, SMFIM_ENVFROM,
		    (char *)"{auth_authen} i") != MI_SUCCESS ||
		smfi_setsymlist(ctx, SMFIM_EOM, (char *)"i") != MI_SUCCESS))
		return SMFIS_REJECT;
	return SMFIS_CONTINUE;
}

static const char *
macro(SMFICTX *ctx, const char *name)
{
	const char *value = smfi_getsymval(ctx, (char *)name);

	return value == NULL ? "" : value;
}

static void
keep_client(struct session *s, const struct sockaddr *sa)
{
	size_t len = 0;

	if (sa != NULL && sa->sa_family == AF_INET)
		len = sizeof(struct sockaddr_in);
	else if (sa != NULL && sa->sa_family == AF_INET6)
		len = sizeof(struct sockaddr_in6);
	s->has_client = len > 0;
	if (len > 0)
		memcpy(&s->client, sa, len);
}

static sfsistat
on_connect(SMFICTX *ctx, char *host, struct sockaddr *sa)
{
	const char *listener = smfi_getsymval(ctx, (char *)"{daemon_name}");
	struct session *s = smfi_getpriv(ctx);

	(void)host;
	if (s == NULL)
		return SMFIS_TEMPFAIL;
	free(s->listener);
	s->listener = listener == NULL ? NULL : strdup(listener);
	if (listener == NULL)
		log_line(LOG_ERROR,
		    "the MTA does not send {daemon_name} at "
		    "connect: its mail is deferred");
	s->postfix = strncmp(macro(ctx, "v"), "Postfix", 7) == 0;
	keep_client(s, sa);
	return s->quiet_connect ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/* MAIL FROM's address without its brackets, in the message's arena. */
static const char *
bare(struct arena *a, const char *path)
{
	size_t n = strlen(path);

	if (n >= 2 && path[0] == '<' && path[n - 1] == '>')
		return arena_strndup(a, path + 1, n - 2);
	return arena_strndup(a, path, n);
}

static const struct stream *
classify(SMFICTX *ctx, const struct session *s)
{
	const struct conf *c = s->message.snapshot->conf;
	const struct stream_facts facts = {
	    .listener = s->listener,
	    .login = macro(ctx, "{auth_authen}"),
	    .client = s->has_client
		? (const struct sockaddr *)(const void *)&s->client
		: NULL,
	    .sender = s->message.sender,
	};

	return stream_classify(c->streams, c->n_streams, &facts);
}

static sfsistat
on_mail(SMFICTX *ctx, char **argv)
{
	struct session *s = smfi_getpriv(ctx);
	struct message *m;

	/* Without a listener nobody can tell which stream this is. */
	if (s == NULL || s->listener == NULL)
		return SMFIS_TEMPFAIL;
	session_reset(s);
	m = &s->message;
	m->snapshot = engine_begin(s->engine);
	if (m->snapshot == NULL)
		return apply_reply(ctx, REASON_OVERLOAD, NULL);
	m->sender = bare(s->arena, argv[0]);
	if (m->sender == NULL || !session_step(s, EVENT_MAIL)) {
		session_reset(s);
		return apply_reply(ctx, REASON_OVERLOAD, NULL);
	}
	m->queued = s->postfix && macro(ctx, "i")[0] != '\0';
	m->stream = classify(ctx, s);
	if (m->stream != NULL ||
	    m->snapshot->conf->milter.unclassified_bulk == BULK_REFUSE)
		return SMFIS_CONTINUE;
	session_reset(s);
	return SMFIS_ACCEPT;
}

/* Whether `r` may join the recipients accepted before it. */
static bool
fits(const struct session *s, const struct recipient *r)
{
	const struct message *m = &s->message;

	if (m->queued || m->stream->recipients != RECIPIENTS_ONE)
		return true;
	for (const struct recipient *p = m->recipients; p != r; p = p->next)
		if (!r->readable ||
		    memcmp(&p->key, &r->key, sizeof(p->key)) != 0)
			return false;
	return true;
}

static sfsistat
decide_recipient(SMFICTX *ctx, struct session *s, struct recipient *r)
{
	struct message *m = &s->message;
	int64_t begun = clock_now();
	sfsistat status = SMFIS_CONTINUE;

	if (m->stream->purpose != NULL && !m->queued) {
		judge_recipient(s, r, m->stream->purpose);
		status = apply_reply(ctx, r->reason, r);
	} else if (!r->readable && !m->queued) {
		judge_otherwise(s, r, REASON_ADDRESS);
		status = apply_reply(ctx, r->reason, r);
	}
	if (status == SMFIS_CONTINUE && !fits(s, r)) {
		judge_otherwise(s, r, REASON_ONE);
		status = apply_reply(ctx, r->reason, r);
	}
	if (status != SMFIS_CONTINUE) {
		judge_conclude(s, r);
		session_drop(s, r);
	}
	metric_observe(
	    engine_metrics(s->engine)->rcpt_time, clock_now() - begun);
	return status;
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	struct session *s = smfi_getpriv(ctx);
	struct recipient *r;

	if (s == NULL || !session_step(s, EVENT_RCPT))
		return SMFIS_TEMPFAIL;
	if (s->message.stream == NULL)
		return SMFIS_CONTINUE;
	r = session_add(s, argv[0]);
	if (r != NULL)
		return decide_recipient(ctx, s, r);
	/* A queued message cannot be told about one recipient. */
	s->message.too_big = s->message.queued;
	return s->message.queued ? SMFIS_CONTINUE
				 : apply_reply(ctx, REASON_TOO_BIG, NULL);
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct session *s = smfi_getpriv(ctx);

	if (s == NULL)
		return SMFIS_TEMPFAIL;
	if (session_step(s, EVENT_HEADER))
		session_header(s, name, value);
	return s->quiet_headers ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/* Mail in no stream, looked at only because bulk mail must be in one. */
static sfsistat
end_unclassified(SMFICTX *ctx, const struct session *s)
{
	const struct message *m = &s->message;
	const char *precedence = m->value[AUTHOR_PRECEDENCE];

	if (m->count[AUTHOR_UNSUBSCRIBE] == 0 &&
	    m->count[AUTHOR_LIST_ID] == 0 && m->count[AUTHOR_PURPOSE] == 0 &&
	    (precedence == NULL ||
		(strcasecmp(precedence, "bulk") != 0 &&
		    strcasecmp(precedence, "list") != 0)))
		return SMFIS_CONTINUE;
	log_line(LOG_INFORM, "message-refused reason=%s stream=- queue=%s",
	    reason_info(REASON_UNCLASSIFIED)->word,
	    m->queue_id == NULL ? "-" : m->queue_id);
	return apply_reply(ctx, REASON_UNCLASSIFIED, NULL);
}

static sfsistat
on_end(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);
	int64_t begun = clock_now();
	sfsistat status;

	if (s == NULL || !session_step(s, EVENT_END))
		return SMFIS_TEMPFAIL;
	s->message.queue_id = arena_strdup(s->arena, macro(ctx, "i"));
	status = s->message.stream == NULL ? end_unclassified(ctx, s)
					   : apply_end(ctx, s);
	metric_observe(
	    engine_metrics(s->engine)->eom_time, clock_now() - begun);
	session_reset(s);
	return status;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (s != NULL)
		session_reset(s);
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	smfi_setpriv(ctx, NULL);
	session_free(&s);
	return SMFIS_CONTINUE;
}

int
callback_register(struct engine *en, struct err *e)
{
	struct smfiDesc description = {
	    .xxfi_name = (char *)"assent",
	    .xxfi_version = SMFI_VERSION,
	    .xxfi_flags = ACTIONS,
	    .xxfi_connect = on_connect,
	    .xxfi_envfrom = on_mail,
	    .xxfi_envrcpt = on_rcpt,
	    .xxfi_header = on_header,
	    .xxfi_eom = on_end,
	    .xxfi_abort = on_abort,
	    .xxfi_close = on_close,
	    .xxfi_negotiate = on_negotiate,
	};

	engine = en;
	if (smfi_register(description) != MI_SUCCESS)
		return err_set(e, ERR_FATAL, "libmilter does not register");
	return 0;
}
