/* SPDX-License-Identifier: ISC */
/*
 * copy - one recipient's private copy of a message
 *
 * What the recipient would have got had the message been sent to it alone:
 * the same edits, at the same place.  Instead of the MTA's own Received field,
 * which no filter sees and which goes with the original, a copy begins with
 * one of ours (RFC 5321, 4.4): the trace stays whole, and a copy that goes in
 * circles is counted by the MTA like any other.
 */
#include "copy.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "fields.h"
#include "policy/arena.h"
#include "policy/buf.h"
#include "session.h"

/* The client as RFC 5321 writes it: NAME ([192.0.2.1]), [IPv6:2001:db8::1]. */
static void
put_client(struct buf *out, const struct session *s)
{
	const void *sa = &s->client;
	bool v6 = s->client.ss_family == AF_INET6;
	char address[INET6_ADDRSTRLEN];

	if (inet_ntop(s->client.ss_family,
		v6 ? (const void *)&((const struct sockaddr_in6 *)sa)->sin6_addr
		   : &((const struct sockaddr_in *)sa)->sin_addr,
		address, sizeof(address)) == NULL)
		return;
	buf_printf(out, "from %s ([%s%s])\r\n\t",
	    s->client_name == NULL ? "unknown" : s->client_name,
	    v6 ? "IPv6:" : "", address);
}

static void
put_received(struct buf *out, const struct session *s)
{
	time_t now = time(NULL);
	char date[64];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	buf_puts(out, "Received: ");
	/* Mail of sendmail(1) has no client. */
	if (s->has_client && !s->message.queued)
		put_client(out, s);
	buf_printf(out, "by %s (Assent) with SMTP id %s;\r\n\t%s\r\n",
	    s->host == NULL ? "localhost" : s->host,
	    s->message.queue_id[0] == '\0' ? "unknown" : s->message.queue_id,
	    date);
}

/* A field; folds become CRLF. */
static void
put_field(
    struct buf *out, const char *name, const char *space, const char *value)
{
	buf_printf(out, "%s:%s", name, space);
	for (;;) {
		size_t n = strcspn(value, "\r\n");

		buf_add(out, value, n);
		value += n;
		if (*value == '\0')
			break;
		value += value[0] == '\r' && value[1] == '\n' ? 2 : 1;
		buf_puts(out, "\r\n");
	}
	buf_puts(out, "\r\n");
}

static void
put_head(struct buf *out, const struct session *s, const struct fields *plan)
{
	const char *eaten = s->whole_values ? "" : " ";

	put_received(out, s);
	for (struct field *f = s->message.fields; f != NULL; f = f->next)
		if (!fields_replace(plan, f->name))
			put_field(out, f->name, eaten, f->value);
	for (size_t i = 0; i < plan->n; i++)
		if (plan->edit[i].value != NULL)
			put_field(out, session_header_name(plan->edit[i].which),
			    " ", plan->edit[i].value);
	buf_puts(out, "\r\n");
}

int
copy_make(struct arena *a, const struct session *s,
    const struct stream_purpose *purpose, const struct recipient *r,
    struct copy *out, struct err *e)
{
	const struct message *m = &s->message;
	struct buf head = {0};
	struct fields plan;

	if (fields_plan(a, m, purpose, r, &plan, e) != 0)
		return -1;
	put_head(&head, s, &plan);
	out->head =
	    buf_failed(&head) ? NULL : arena_strndup(a, head.data, head.len);
	out->head_len = head.len;
	buf_free(&head);
	if (out->head == NULL)
		return err_set(e, ERR_FATAL, "message too large for its arena");
	out->body = m->body.len > 0 ? m->body.data : "";
	out->body_len = m->body.len;
	return 0;
}
