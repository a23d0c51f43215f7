/* SPDX-License-Identifier: ISC */
/*
 * talk - one mail server's conversation with a milter
 *
 * Follows the negotiated protocol as Postfix does: a step that the filter
 * skips is not sent, nor are its macros; a step it does not answer is not
 * waited for; only the macros it asked for are sent, and {i} only once a
 * recipient was accepted. A refused message is over without an abort, a
 * message that lost all its recipients ends with one.
 *
 * Every answer is held against the plan. The filter accepting a message
 * before its end is an error unless the plan says that it passes untouched:
 * nothing that comes later would be seen.
 */

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include "talk.h"

enum {
	ADDRESS_MAX = 320,
	REPLY_MAX = 513,
	NO_STAGE = -1,
};

struct step {
	char command;
	int stage;	 /* SMFIM_* whose macros go with it */
	uint32_t skip;	 /* SMFIP_NO* */
	uint32_t silent; /* SMFIP_NR_* */
};

struct answer {
	int code;    /* SMTP; 0 if the message is silently thrown away */
	bool final;  /* accepted: no further steps */
	bool enough; /* no more of the body */
	char text[REPLY_MAX];
};

static const struct step step_connect = {
    SMFIC_CONNECT, SMFIM_CONNECT, SMFIP_NOCONNECT, SMFIP_NR_CONN};
static const struct step step_helo = {
    SMFIC_HELO, SMFIM_HELO, SMFIP_NOHELO, SMFIP_NR_HELO};
static const struct step step_mail = {
    SMFIC_MAIL, SMFIM_ENVFROM, SMFIP_NOMAIL, SMFIP_NR_MAIL};
static const struct step step_rcpt = {
    SMFIC_RCPT, SMFIM_ENVRCPT, SMFIP_NORCPT, SMFIP_NR_RCPT};
static const struct step step_data = {
    SMFIC_DATA, SMFIM_DATA, SMFIP_NODATA, SMFIP_NR_DATA};
static const struct step step_header = {
    SMFIC_HEADER, NO_STAGE, SMFIP_NOHDRS, SMFIP_NR_HDR};
static const struct step step_eoh = {
    SMFIC_EOH, SMFIM_EOH, SMFIP_NOEOH, SMFIP_NR_EOH};
static const struct step step_body = {
    SMFIC_BODY, NO_STAGE, SMFIP_NOBODY, SMFIP_NR_BODY};
static const struct step step_eom = {SMFIC_BODYEOB, SMFIM_EOM, 0, 0};

/* What Postfix sends to a filter that does not choose. */
static const char *const default_macros[WIRE_STAGES] = {
    [SMFIM_CONNECT] = "j {daemon_name} {daemon_addr} v _",
    [SMFIM_HELO] = "",
    [SMFIM_ENVFROM] = "i {auth_type} {auth_authen} {auth_author} {mail_addr}",
    [SMFIM_ENVRCPT] = "i {rcpt_addr}",
    [SMFIM_DATA] = "i",
    [SMFIM_EOM] = "i",
    [SMFIM_EOH] = "i",
};

static const struct {
	const char *name, *value;
} fixed_macros[] = {
    {"j", "mclient.test"},
    {"v", "mclient"},
    {"_", "localhost [127.0.0.1]"},
    {"{daemon_addr}", "127.0.0.1"},
    {"{client_addr}", "127.0.0.1"},
    {"{client_name}", "localhost"},
};

static const struct {
	const char *name;
	size_t offset;
} message_macros[] = {
    {"{daemon_name}", offsetof(struct talk_macros, daemon_name)},
    {"{auth_authen}", offsetof(struct talk_macros, login)},
    {"{mail_addr}", offsetof(struct talk_macros, mail_addr)},
    {"{rcpt_addr}", offsetof(struct talk_macros, rcpt_addr)},
    {"i", offsetof(struct talk_macros, queue_id)},
};

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

void
talk_complain(struct tally *tally, const char *fmt, ...)
{
	char line[REPLY_MAX + ADDRESS_MAX];
	va_list ap;

	tally->errors++;
	if (atomic_fetch_add(tally->complaints, 1) >= TALK_COMPLAINTS)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "mclient: %s\n", line);
}

static bool
same(const char *name, const char *p, size_t len)
{
	return strlen(name) == len && memcmp(name, p, len) == 0;
}

static const char *
macro_value(const struct talk *t, const char *name, size_t len)
{
	for (size_t i = 0; i < N_ELEMENTS(fixed_macros); i++)
		if (same(fixed_macros[i].name, name, len))
			return fixed_macros[i].value;
	for (size_t i = 0; i < N_ELEMENTS(message_macros); i++)
		if (same(message_macros[i].name, name, len))
			return *(const char *const *)((const char *)&t->macro +
						      message_macros[i].offset);
	return NULL;
}

static void
put_macros(struct talk *t, const struct step *s)
{
	const char *p, *value;
	size_t len, count = 0;

	p = wire_macros(&t->wire, s->stage);
	if (p == NULL)
		p = default_macros[s->stage];
	for (; *p != '\0'; p += len, p += strspn(p, " ")) {
		len = strcspn(p, " ");
		value = macro_value(t, p, len);
		if (value == NULL)
			continue;
		if (count++ == 0) {
			wire_begin(&t->wire, SMFIC_MACRO);
			wire_add(&t->wire, &s->command, 1);
		}
		wire_add(&t->wire, p, len);
		wire_add_string(&t->wire, "");
		wire_add_string(&t->wire, value);
	}
	if (count != 0)
		wire_end(&t->wire);
}

/* Whether the filter wants this step at all; if so its packet is begun. */
static bool
begin(struct talk *t, const struct step *s)
{
	if ((t->wire.proto & s->skip) != 0)
		return false;
	if (s->stage != NO_STAGE)
		put_macros(t, s);
	wire_begin(&t->wire, s->command);
	return true;
}

static void
read_reply(const struct wire_packet *p, struct answer *a)
{
	size_t len = p->len < REPLY_MAX - 1 ? p->len : REPLY_MAX - 1;

	memcpy(a->text, p->data, len);
	a->text[len] = '\0';
	a->code = (int)strtol(a->text, NULL, 10);
}

/* True if p is an answer; false if it edits the message or is unknown. */
static bool
read_answer(const struct wire_packet *p, struct answer *a)
{
	*a = (struct answer){.code = 250};
	switch (p->command) {
	case SMFIR_CONTINUE:
		return true;
	case SMFIR_ACCEPT:
		a->final = true;
		return true;
	case SMFIR_SKIP:
		a->enough = true;
		return true;
	case SMFIR_REJECT:
		a->code = 550;
		return true;
	case SMFIR_TEMPFAIL:
		a->code = 451;
		return true;
	case SMFIR_CONN_FAIL:
	case SMFIR_SHUTDOWN:
		a->code = 421;
		return true;
	case SMFIR_DISCARD:
		a->code = 0;
		return true;
	case SMFIR_REPLYCODE:
		read_reply(p, a);
		return true;
	default:
		return false;
	}
}

static bool
is_edit(char command)
{
	return command != '\0' && strchr("+-2behimq", command) != NULL;
}

/*
 * Ends the step's packet and takes its answer. Edits, which may only come at
 * the end of the message, are counted.
 */
static int
finish(struct talk *t, const struct step *s, struct answer *a, size_t *edits)
{
	struct wire_packet p;

	wire_end(&t->wire);
	*a = (struct answer){.code = 250};
	if ((t->wire.proto & s->silent) != 0)
		return 0;
	for (;;) {
		if (wire_get(&t->wire, &p) != 0)
			return -1;
		if (read_answer(&p, a))
			return 0;
		if (p.command == SMFIR_PROGRESS)
			continue;
		if (edits == NULL || !is_edit(p.command)) {
			snprintf(t->wire.why, sizeof(t->wire.why),
			    "unexpected answer 0x%02x to step %c",
			    (unsigned)(unsigned char)p.command, s->command);
			return -1;
		}
		(*edits)++;
	}
}

/* A step with one string; skipped steps count as answered. */
static int
say(struct talk *t, const struct step *s, const char *arg, struct answer *a)
{
	*a = (struct answer){.code = 250};
	if (!begin(t, s))
		return 0;
	if (arg != NULL)
		wire_add_string(&t->wire, arg);
	return finish(t, s, a, NULL);
}

/* Whether the conversation goes on; an early "accept" must be in the plan. */
static bool
goes_on(struct talk *t, const struct step *s, const struct answer *a)
{
	if (a->final && !t->plan->pass)
		talk_complain(
		    t->tally, "accepted too early, at step %c", s->command);
	return !a->final && a->code == 250;
}

int
talk_open(struct talk *t, const struct plan *plan, struct tally *tally)
{
	static const char from[] = "localhost\0004\0\0"
				   "127.0.0.1";
	struct answer a = {.code = 250};

	*t = (struct talk){
	    .plan = plan,
	    .tally = tally,
	    .macro = {.daemon_name = plan->daemon_name, .login = plan->login},
	};
	if (wire_open(&t->wire, plan->socket, plan->timeout) != 0)
		return -1;
	if (begin(t, &step_connect)) {
		wire_add(&t->wire, from, sizeof(from));
		if (finish(t, &step_connect, &a, NULL) != 0)
			return -1;
	}
	if (goes_on(t, &step_connect, &a)) {
		if (say(t, &step_helo, "mclient.test", &a) != 0)
			return -1;
		(void)goes_on(t, &step_helo, &a);
	}
	t->passed = a.final;
	if (a.code == 250)
		return 0;
	snprintf(
	    t->wire.why, sizeof(t->wire.why), "the connection got %d", a.code);
	return -1;
}

void
talk_close(struct talk *t)
{
	if (t->wire.fd >= 0) {
		wire_begin(&t->wire, SMFIC_QUIT);
		wire_end(&t->wire);
		(void)!wire_flush(&t->wire);
	}
	wire_close(&t->wire);
}

/* The address of recipient i, counted over all messages. */
static void
write_address(const struct plan *plan, size_t i, char *out, size_t size)
{
	const char *pattern = plan->rcpt[i % plan->rcpts].address;
	const char *mark = strstr(pattern, "%d");
	size_t span = plan->last - plan->first + 1;

	if (mark == NULL)
		snprintf(out, size, "%s", pattern);
	else
		snprintf(out, size, "%.*s%zu%s", (int)(mark - pattern), pattern,
		    plan->first + i / plan->rcpts % span, mark + 2);
}

static void
count(struct tally *tally, int code)
{
	if (code >= 200 && code < 300)
		tally->accepted++;
	else if (code >= 400 && code < 500)
		tally->deferred++;
	else
		tally->refused++;
}

/* RCPT of recipient i. 1 if it was accepted, 0 if not, -1 on failure. */
static int
recipient(struct talk *t, size_t i)
{
	const struct want *want = &t->plan->rcpt[i % t->plan->rcpts];
	char address[ADDRESS_MAX], lower[ADDRESS_MAX], arg[ADDRESS_MAX + 2];
	struct answer a;

	write_address(t->plan, i, address, sizeof(address));
	snprintf(arg, sizeof(arg), "<%s>", address);
	for (size_t k = 0; k == 0 || lower[k - 1] != '\0'; k++)
		lower[k] = (char)tolower((unsigned char)address[k]);
	t->macro.rcpt_addr = lower;
	if (say(t, &step_rcpt, arg, &a) != 0)
		return -1;
	t->macro.rcpt_addr = NULL;
	count(t->tally, a.code);
	if (a.final)
		talk_complain(t->tally, "RCPT %s: later ones pass unseen", arg);
	else if (a.code != want->code || strstr(a.text, want->text) == NULL)
		talk_complain(t->tally, "RCPT %s: %d %s, not %d %s", arg,
		    a.code, a.text, want->code, want->text);
	return a.code == 250;
}

static int
headers(struct talk *t, struct answer *a)
{
	const struct letter *l = &t->plan->letter;
	bool blank = (t->wire.proto & SMFIP_HDR_LEADSPC) != 0;
	const char *value;

	for (size_t i = 0; i < l->headers; i++) {
		if (!begin(t, &step_header))
			return 0;
		value = l->header[i].value;
		wire_add_string(&t->wire, l->header[i].name);
		wire_add_string(
		    &t->wire, !blank && *value == ' ' ? value + 1 : value);
		if (finish(t, &step_header, a, NULL) != 0)
			return -1;
		if (!goes_on(t, &step_header, a))
			return 0;
	}
	return 0;
}

static int
body(struct talk *t, struct answer *a)
{
	const struct letter *l = &t->plan->letter;
	size_t len;

	for (size_t at = 0; at < l->body_len; at += len) {
		len = l->body_len - at;
		if (len > MILTER_CHUNK_SIZE)
			len = MILTER_CHUNK_SIZE;
		if (!begin(t, &step_body))
			return 0;
		wire_add(&t->wire, l->body + at, len);
		if (finish(t, &step_body, a, NULL) != 0)
			return -1;
		if (!goes_on(t, &step_body, a) || a->enough)
			return 0;
	}
	return 0;
}

/* From DATA to the final answer, or to the first refusal. */
static int
content(struct talk *t, struct answer *a, size_t *edits)
{
	if (say(t, &step_data, NULL, a) != 0)
		return -1;
	if (!goes_on(t, &step_data, a))
		return 0;
	if (t->plan->pass)
		talk_complain(t->tally, "message %s did not pass",
		    t->macro.queue_id);
	if (headers(t, a) != 0)
		return -1;
	if (a->final || a->code != 250)
		return 0;
	if (say(t, &step_eoh, NULL, a) != 0)
		return -1;
	if (!goes_on(t, &step_eoh, a))
		return 0;
	if (body(t, a) != 0)
		return -1;
	if (a->final || a->code != 250)
		return 0;
	if (t->plan->hold != NULL) {
		pthread_barrier_wait(t->plan->hold);
		pthread_barrier_wait(t->plan->hold);
	}
	(void)begin(t, &step_eom);
	return finish(t, &step_eom, a, edits);
}

static void
check_message(struct talk *t, const struct answer *a, size_t edits)
{
	t->tally->edits += edits;
	if (a->code != t->plan->eom_code)
		talk_complain(t->tally, "message %s: %d %s, not %d",
		    t->macro.queue_id, a->code, a->text, t->plan->eom_code);
	else if (t->plan->edits >= 0 && edits != (size_t)t->plan->edits)
		talk_complain(t->tally, "message %s: %zu edits, not %ld",
		    t->macro.queue_id, edits, t->plan->edits);
}

/* MAIL. 1 if recipients may follow, 0 if the message is over, or -1. */
static int
sender(struct talk *t)
{
	char arg[ADDRESS_MAX];
	struct answer a;

	t->macro.queue_id = NULL;
	t->macro.mail_addr = t->plan->sender;
	snprintf(arg, sizeof(arg), "<%s>", t->plan->sender);
	if (say(t, &step_mail, arg, &a) != 0)
		return -1;
	if (goes_on(t, &step_mail, &a))
		return 1;
	if (!a.final)
		talk_complain(t->tally, "MAIL %s: %d %s", arg, a.code, a.text);
	return 0;
}

int
talk_message(struct talk *t, size_t n)
{
	char queue_id[24];
	size_t edits = 0;
	struct answer a;
	int rc;

	rc = t->passed ? 0 : sender(t);
	if (rc <= 0)
		return rc;
	snprintf(queue_id, sizeof(queue_id), "%zX", (size_t)0x10000000 + n);
	for (size_t k = 0; k < t->plan->rcpts_each; k++) {
		rc = recipient(t, n * t->plan->rcpts_each + k);
		if (rc < 0)
			return -1;
		if (rc > 0)
			t->macro.queue_id = queue_id;
	}
	if (t->macro.queue_id == NULL) {
		wire_begin(&t->wire, SMFIC_ABORT);
		wire_end(&t->wire);
		return wire_flush(&t->wire);
	}
	rc = content(t, &a, &edits);
	if (rc == 0)
		check_message(t, &a, edits);
	t->macro.queue_id = NULL;
	return rc;
}
