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
#include "optout.h"
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
	ACTIONS = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY | SMFIF_DELRCPT,
	SKIPPED = SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NOEOH,
	SILENT = SMFIP_NR_CONN | SMFIP_NR_HDR,
	/* What is used where it is offered. */
	WANTED = SMFIP_HDR_LEADSPC | SMFIP_SKIP
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
	*steps = offered_steps & (SKIPPED | SILENT | WANTED);
	s->quiet_connect = (*steps & SMFIP_NR_CONN) != 0;
	s->quiet_headers = (*steps & SMFIP_NR_HDR) != 0;
	s->whole_values = (*steps & SMFIP_HDR_LEADSPC) != 0;
	s->may_skip = (*steps & SMFIP_SKIP) != 0;
	if ((offered_actions & SMFIF_SETSYMLIST) != 0 &&
	    (smfi_setsymlist(ctx, SMFIM_CONNECT, (char *)"{daemon_name} v j") !=
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

static void
replace(char **old, const char *text)
{
	free(*old);
	*old = text == NULL ? NULL : strdup(text);
}

static sfsistat
on_connect(SMFICTX *ctx, char *host, struct sockaddr *sa)
{
	const char *listener = smfi_getsymval(ctx, (char *)"{daemon_name}");
	struct session *s = smfi_getpriv(ctx);

	if (s == NULL)
		return SMFIS_TEMPFAIL;
	replace(&s->listener, listener);
	replace(&s->host, smfi_getsymval(ctx, (char *)"j"));
	replace(&s->client_name, host);
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

/* Those of the parameters of MAIL or RCPT that a copy of the message must
 * keep, each after a space; NULL when the arena is full. */
static const char *
parameters(struct arena *a, char **argv, const char *const *names)
{
	const char *kept = "";

	for (char **p = argv; kept != NULL && *p != NULL; p++)
		for (size_t i = 0; kept != NULL && names[i] != NULL; i++) {
			size_t n = strlen(names[i]);

			if (strncasecmp(*p, names[i], n) == 0 &&
			    ((*p)[n] == '=' || (*p)[n] == '\0'))
				kept = arena_printf(a, "%s %s", kept, *p);
		}
	return kept;
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
	/* RFC 6152, RFC 6531, RFC 3461. */
	static const char *const kept[] = {
	    "BODY", "SMTPUTF8", "RET", "ENVID", NULL};
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
	m->parameters = parameters(s->arena, argv + 1, kept);
	if (m->sender == NULL || m->parameters == NULL ||
	    !session_step(s, EVENT_MAIL)) {
		session_reset(s);
		return apply_reply(ctx, REASON_OVERLOAD, NULL);
	}
	m->queued = s->postfix && macro(ctx, "i")[0] != '\0';
	m->stream = classify(ctx, s);
	return SMFIS_CONTINUE;
}

/* Whether the recipients before `r` are the same mailbox. */
static bool
is_alone(const struct message *m, const struct recipient *r)
{
	const struct recipient *first = m->recipients;

	return first == r ||
	    (r->readable && !m->several &&
		memcmp(&first->key, &r->key, sizeof(r->key)) == 0);
}

/* Whether `r` may join the recipients accepted before it. */
static bool
fits(const struct message *m, const struct recipient *r)
{
	return m->queued || m->stream->recipients != RECIPIENTS_ONE ||
	    is_alone(m, r);
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
	if (status == SMFIS_CONTINUE && !fits(m, r)) {
		judge_otherwise(s, r, REASON_ONE);
		status = apply_reply(ctx, r->reason, r);
	}
	if (status != SMFIS_CONTINUE) {
		judge_conclude(s, r);
		session_drop(s, r);
		m->turned_away = true;
	} else if (!is_alone(m, r)) {
		m->several = true;
	}
	metric_observe(
	    engine_metrics(s->engine)->rcpt_time, clock_now() - begun);
	return status;
}

/* A recipient at the domain of the opt-outs. */
static sfsistat
take_opt_out(SMFICTX *ctx, struct session *s, const char *path, bool good)
{
	if (good)
		return SMFIS_CONTINUE;
	if (!s->message.queued)
		return apply_reply(ctx, REASON_NO_LINK, NULL);
	/* Told at the end, like all about a queued message. */
	if (session_add_refused(s, path, REASON_NO_LINK) == NULL)
		s->message.too_big = true;
	return SMFIS_CONTINUE;
}

static sfsistat
take_recipient(SMFICTX *ctx, struct session *s, char **argv)
{
	static const char *const kept[] = {"NOTIFY", "ORCPT", NULL};
	struct message *m = &s->message;
	struct recipient *r;

	if (m->stream == NULL) {
		m->n_others++;
		return SMFIS_CONTINUE;
	}
	r = session_add(s, argv[0]);
	if (r != NULL &&
	    (r->parameters = parameters(s->arena, argv + 1, kept)) != NULL)
		return decide_recipient(ctx, s, r);
	if (r != NULL)
		session_drop(s, r);
	/* A queued message cannot be told about one recipient. */
	m->too_big = m->queued;
	return m->queued ? SMFIS_CONTINUE
			 : apply_reply(ctx, REASON_TOO_BIG, NULL);
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	struct session *s = smfi_getpriv(ctx);
	enum optout_kind kind;
	struct err e;

	if (s == NULL || !session_step(s, EVENT_RCPT))
		return SMFIS_TEMPFAIL;
	kind = optout_recipient(s, argv[0], &e);
	switch (kind) {
	case OPTOUT_NONE:
		return take_recipient(ctx, s, argv);
	case OPTOUT_GOOD:
	case OPTOUT_BAD:
		return take_opt_out(ctx, s, argv[0], kind == OPTOUT_GOOD);
	case OPTOUT_UNKNOWN:
		break;
	}
	log_line(LOG_ERROR, "opt-out-deferred error=\"%s\"", e.text);
	s->message.unsure = s->message.queued;
	return s->message.queued ? SMFIS_CONTINUE
				 : apply_reply(ctx, REASON_UNREACHABLE, NULL);
}

/* Lets go of mail that nobody asks about any more: in no stream, no opt-out,
 * no marks of bulk mail to look for. */
static sfsistat
on_data(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);
	const struct message *m;

	if (s == NULL)
		return SMFIS_TEMPFAIL;
	m = &s->message;
	if (m->snapshot == NULL || m->stream != NULL || m->opt_outs != NULL ||
	    m->recipients != NULL || m->unsure ||
	    m->snapshot->conf->milter.unclassified_bulk == BULK_REFUSE)
		return SMFIS_CONTINUE;
	session_reset(s);
	return SMFIS_ACCEPT;
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

static sfsistat
on_body(SMFICTX *ctx, unsigned char *octets, size_t n)
{
	struct session *s = smfi_getpriv(ctx);

	if (s == NULL || !session_step(s, EVENT_BODY))
		return SMFIS_TEMPFAIL;
	if (session_body(s, octets, n) || !s->may_skip)
		return SMFIS_CONTINUE;
	return SMFIS_SKIP;
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
	if (s->message.queue_id == NULL)
		s->message.too_big = true;
	if (s->message.unsure)
		status = apply_reply(ctx, REASON_UNREACHABLE, NULL);
	else if (s->message.opt_outs == NULL || apply_opt_outs(ctx, s, &status))
		status = s->message.stream == NULL
		    ? apply_end_unclassified(ctx, s)
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
	    .xxfi_data = on_data,
	    .xxfi_header = on_header,
	    .xxfi_body = on_body,
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
