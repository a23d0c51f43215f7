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
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "body.h"
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

/* What editing the body made of the field called `name`; NULL if nothing. */
static const struct edit_field *
edited(const struct edit_result *body, const char *name)
{
	for (size_t i = 0; i < body->n_fields; i++)
		if (strcasecmp(body->fields[i].name, name) == 0)
			return &body->fields[i];
	return NULL;
}

static bool
has_field(const struct message *m, const char *name)
{
	for (struct field *f = m->fields; f != NULL; f = f->next)
		if (strcasecmp(f->name, name) == 0)
			return true;
	return false;
}

/* The message's own fields; those that describe an edited body are changed in
 * their place, or come after the others. */
static void
put_fields(struct buf *out, const struct session *s, const struct fields *plan,
    const struct edit_result *body)
{
	const char *eaten = s->whole_values ? "" : " ";

	for (struct field *f = s->message.fields; f != NULL; f = f->next) {
		const struct edit_field *new = edited(body, f->name);

		if (new != NULL)
			put_field(out, new->name, " ", new->value);
		else if (!fields_replace(plan, f->name))
			put_field(out, f->name, eaten, f->value);
	}
	for (size_t i = 0; i < body->n_fields; i++)
		if (!has_field(&s->message, body->fields[i].name))
			put_field(out, body->fields[i].name, " ",
			    body->fields[i].value);
}

static void
put_head(struct buf *out, const struct session *s, const struct fields *plan,
    const struct edit_result *body)
{
	put_received(out, s);
	put_fields(out, s, plan, body);
	for (size_t i = 0; i < plan->n; i++)
		if (plan->edit[i].value != NULL)
			put_field(out, session_header_name(plan->edit[i].which),
			    " ", plan->edit[i].value);
	buf_puts(out, "\r\n");
}

/* The pieces of the copy: its head, and the body, edited or as it came. */
static int
put_together(struct arena *a, const struct message *m, const char *head,
    size_t head_len, const struct edit_result *body, struct copy *out,
    struct err *e)
{
	size_t n = body->n_body > 0 ? body->n_body : 1;
	struct edit_piece *text = arena_alloc(a, (n + 1) * sizeof(*text));

	if (head == NULL || text == NULL)
		return err_set(e, ERR_FATAL, "message too large for its arena");
	text[0] = (struct edit_piece){head, head_len};
	text[1] = (struct edit_piece){m->body.data, m->body.len};
	if (body->n_body > 0)
		memcpy(&text[1], body->body, n * sizeof(*text));
	out->text = text;
	out->n_text = n + 1;
	return 0;
}

int
copy_make(struct arena *a, const struct session *s,
    const struct stream_purpose *purpose, const struct recipient *r,
    struct copy *out, struct err *e)
{
	const struct message *m = &s->message;
	struct buf head = {0};
	struct edit_result body;
	struct fields plan;
	const char *text;
	int rc;

	if (fields_plan(a, m, purpose, r, &plan, e) != 0 ||
	    body_edit(a, s, purpose, r, &body, e) != 0)
		return -1;
	put_head(&head, s, &plan, &body);
	text = buf_failed(&head) ? NULL : arena_strndup(a, head.data, head.len);
	rc = put_together(a, m, text, head.len, &body, out, e);
	buf_free(&head);
	return rc;
}
