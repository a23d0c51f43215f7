/* SPDX-License-Identifier: ISC */
/*
 * notify - tell the sender who will not get a message
 *
 * The report is what any MTA's bounce is: a part for people, a part for
 * programs (RFC 3464 in RFC 6522), and the fields that tell which message it
 * was.  Addresses come from the MTA, which lets no line break into them; header
 * values go in as one line each.
 */
#include "notify.h"

#include <sodium.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "mail/edit.h"
#include "mail/inject.h"
#include "policy/buf.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/stream.h"
#include "session.h"

/* What every part of the report needs to know. */
struct report {
	const struct message *m;
	struct buf *out;
	const char *host;
	char boundary[48];
};

static bool
refused(const struct recipient *r)
{
	return reason_info(r->reason)->verdict == VERDICT_REFUSE;
}

/* Printable, too. */
static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

/* A header's value on one line, at most as long as a line may be. */
static void
put_line(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s: ", name);
	for (size_t i = 0; value[i] != '\0' && i < 900; i++)
		if (value[i] != '\r' && value[i] != '\n')
			buf_add(out, value + i, 1);
	buf_puts(out, "\r\n");
}

static void
put_header(const struct report *r)
{
	char date[64];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	buf_printf(r->out,
	    "Date: %s\r\n"
	    "From: Consent check <MAILER-DAEMON@%s>\r\n"
	    "To: <%s>\r\n"
	    "Subject: Not sent to everybody\r\n"
	    "Message-ID: <%s@%s>\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"%s\"\r\n\r\n",
	    date, r->host, r->m->sender, r->boundary, r->host, r->boundary);
}

static void
put_text(const struct report *r)
{
	buf_printf(r->out,
	    "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\n"
	    "Your message was sent, but not to these recipients:\r\n\r\n",
	    r->boundary);
	for (struct recipient *p = r->m->recipients; p != NULL; p = p->next)
		if (refused(p))
			buf_printf(r->out, "%s\r\n    %s: %s\r\n", p->path,
			    reason_info(p->reason)->word,
			    reason_info(p->reason)->text);
	buf_puts(r->out,
	    "\r\nTrying again will not help; where consent is missing, it\r\n"
	    "must come first.\r\n\r\n");
}

/* What a copy was told by the MTA, or else what we would have said. */
static void
put_diagnosis(const struct report *r, const struct recipient *p)
{
	const struct reason_info *info = reason_info(p->reason);

	if (p->refusal != NULL && is_ascii(p->refusal)) {
		buf_printf(r->out, "Diagnostic-Code: smtp; %s\r\n", p->refusal);
		return;
	}
	buf_printf(r->out, "Diagnostic-Code: smtp; %s %s %s: %s (ref %08x)\r\n",
	    info->code, info->enhanced, info->word, info->text, p->reference);
}

static void
put_status(const struct report *r)
{
	buf_printf(r->out,
	    "--%s\r\nContent-Type: message/delivery-status\r\n\r\n"
	    "Reporting-MTA: dns; %s\r\n",
	    r->boundary, r->host);
	if (r->m->queue_id != NULL)
		put_line(r->out, "X-Queue-ID", r->m->queue_id);
	for (struct recipient *p = r->m->recipients; p != NULL; p = p->next) {
		const struct reason_info *info = reason_info(p->reason);
		const char *address = p->readable ? p->addr.original : p->path;

		if (!refused(p))
			continue;
		buf_printf(r->out,
		    "\r\nFinal-Recipient: %s; %s\r\nAction: failed\r\n"
		    "Status: %s\r\n",
		    is_ascii(address) ? "rfc822" : "utf-8", address,
		    info->enhanced);
		put_diagnosis(r, p);
	}
	buf_puts(r->out, "\r\n");
}

static void
put_original(const struct report *r)
{
	const char *subject = r->m->value[AUTHOR_SUBJECT];
	const char *id = r->m->value[AUTHOR_MESSAGE_ID];

	buf_printf(r->out, "--%s\r\nContent-Type: text/rfc822-headers\r\n\r\n",
	    r->boundary);
	if (id != NULL)
		put_line(r->out, "Message-ID", id);
	if (subject != NULL)
		put_line(r->out, "Subject", subject);
	buf_printf(r->out, "\r\n--%s--\r\n", r->boundary);
}

static int
deliver(
    const struct conf *c, const char *to, const struct buf *text, struct err *e)
{
	const struct inject_mail mail = {
	    .from = "",
	    .from_parameters = is_ascii(to) ? "" : " SMTPUTF8",
	    .to = to,
	    .to_parameters = "",
	    .text = &(struct edit_piece){text->data, text->len},
	    .n_text = 1,
	};
	struct inject *mta = inject_open(c->milter.inject);
	int rc;

	if (mta == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	rc = inject_send(mta, &mail, clock_now() + c->milter.timeout, e);
	inject_close(&mta);
	return rc;
}

int
notify_refused(const struct session *s, struct err *e)
{
	const struct conf *c = s->message.snapshot->conf;
	struct buf out = {0};
	struct report r = {
	    .m = &s->message,
	    .out = &out,
	    .host = c->web.mail_domain,
	};
	uint8_t random[16];
	int rc;

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(r.boundary, sizeof(r.boundary), random, sizeof(random));
	put_header(&r);
	put_text(&r);
	put_status(&r);
	put_original(&r);
	if (buf_failed(&out))
		rc = err_set(e, ERR_FATAL, "out of memory for a notification");
	else
		rc = deliver(c, r.m->sender, &out, e);
	buf_free(&out);
	return rc;
}
