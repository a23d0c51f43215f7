/* SPDX-License-Identifier: ISC */
/*
 * body - the body as it leaves, for one recipient
 *
 * Says what is to be filled in and added, and leaves the doing to mail/edit.h.
 * A message that is signed by its sender and goes on with the signature is not
 * edited.  One that several share gets the link that names nobody, and is
 * followed only if all of them may be.
 */
#include "body.h"

#include <string.h>

#include "engine.h"
#include "footers.h"
#include "policy/arena.h"
#include "policy/buf.h"
#include "policy/conf.h"
#include "policy/footer.h"
#include "policy/language.h"
#include "policy/log.h"
#include "policy/stream.h"
#include "policy/token.h"
#include "session.h"

/* What a message needs besides its body. */
enum { HEAD_ROOM = 256 * 1024 };

/* Whether the message goes on as its sender signed it. */
static bool
keeps_signature(const struct message *m)
{
	return m->signatures != NULL &&
	    m->stream->signatures != SIGNATURES_STRIP;
}

bool
body_strips(const struct message *m, const struct recipient *only)
{
	if (m->stream->tracking != TRACKING_STRIP || keeps_signature(m))
		return false;
	if (only != NULL)
		return !only->monitored;
	for (const struct recipient *r = m->recipients; r; r = r->next)
		if (r->reason == REASON_GRANTED && !r->monitored)
			return true;
	return false;
}

struct arena *
body_arena(const struct session *s, size_t more)
{
	return arena_new(EDIT_ROOM(s->message.body.len) + HEAD_ROOM + more);
}

/* The header block, as far as it was kept. */
static const char *
head_text(struct arena *a, const struct message *m, size_t *len)
{
	struct buf b = {0};
	const char *text;

	for (const struct field *f = m->fields; f != NULL; f = f->next) {
		buf_printf(&b, "%s: ", f->name);
		for (const char *p = f->value; *p != '\0'; p++)
			buf_add(
			    &b, *p == '\n' ? "\r\n" : p, *p == '\n' ? 2 : 1);
		buf_puts(&b, "\r\n");
	}
	text = buf_failed(&b)
	    ? NULL
	    : arena_strndup(a, b.data == NULL ? "" : b.data, b.len);
	*len = b.len;
	buf_free(&b);
	return text;
}

/* A kind of link, and the page that it is to open. */
struct link_kind {
	enum capability capability;
	const char *path, *page; /* NULL: the purpose's */
};

/* A link of a kind, or the one that names nobody. */
static const char *
link_for(struct arena *a, const struct message *m,
    const struct stream_purpose *purpose, const struct recipient *only,
    const struct link_kind *kind)
{
	const char *base = m->snapshot->conf->web.base_url;
	struct token_subject subject;
	char text[TOKEN_URL];
	struct token t;

	if (only == NULL)
		return arena_printf(a, "%s/u", base);
	subject = (struct token_subject){
	    .key = only->key,
	    .purpose = purpose->id,
	    .channel = m->stream->channel,
	};
	t = token_for(kind->capability, &subject);
	token_seal_url(m->snapshot->keys, &t, text);
	return arena_printf(a, "%s/%s/%s%s%s", base, kind->path, text,
	    kind->page == NULL ? "" : "?page=",
	    kind->page == NULL ? "" : kind->page);
}

/* The language of the person, else the one that the sending tool named. */
static unsigned int
language_for(const struct message *m, const struct recipient *only)
{
	const struct label_part *lang = &m->label.lang;

	if (only != NULL && only->language != LANGUAGE_NONE)
		return only->language;
	return lang->text == NULL ? LANGUAGE_NONE
				  : language_number(lang->text, lang->len);
}

static const struct edit_alias *
aliases(struct arena *a, const struct stream *stream)
{
	static const enum edit_value values[] = {
	    [VALUE_UNSUBSCRIBE] = EDIT_UNSUBSCRIBE,
	    [VALUE_PREFERENCES] = EDIT_PREFERENCES,
	    [VALUE_WHY] = EDIT_WHY,
	    [VALUE_BRAND] = EDIT_BRAND,
	};
	struct edit_alias *list =
	    arena_alloc(a, (stream->n_placeholders + 1) * sizeof(*list));

	for (size_t i = 0; list != NULL && i < stream->n_placeholders; i++) {
		list[i].name = stream->placeholders[i].name;
		list[i].value = values[stream->placeholders[i].value];
	}
	return list;
}

static int
plan_footer(struct arena *a, const struct message *m,
    const struct footers_one *footer, struct edit_plan *plan, struct err *e)
{
	const struct footer_values values = {
	    .unsubscribe_url = plan->unsubscribe_url,
	    .preferences_url = plan->preferences_url,
	    .why_url = plan->why_url,
	    .brand = footer->brand,
	    .purpose = footer->title,
	};

	plan->footer_text = footer_fill(a, footer->text, false, &values);
	plan->footer_html = footer_fill(a, footer->html, true, &values);
	plan->before_signature = m->stream->footer == FOOTER_BEFORE_SIGNATURE;
	return plan->footer_text != NULL && plan->footer_html != NULL
	    ? 0
	    : err_set(e, ERR_FATAL, "message too large for its arena");
}

static int
make_plan(struct arena *a, const struct session *s,
    const struct stream_purpose *purpose, const struct recipient *only,
    struct edit_plan *plan, struct err *e)
{
	const struct message *m = &s->message;
	const struct stream *stream = m->stream;
	struct footers_one footer;

	*plan = (struct edit_plan){
	    .strip_tracking = body_strips(m, only),
	    .tracker_hosts = stream->tracker_hosts,
	    .redirectors = stream->redirectors,
	    .max_size = (size_t)m->snapshot->conf->milter.max_message,
	};
	if (stream->footer == FOOTER_OFF)
		return 0;
	plan->unsubscribe_url = link_for(a, m, purpose, only,
	    &(struct link_kind){CAPABILITY_OPT_OUT, "u", stream->opt_out_page});
	plan->preferences_url = link_for(a, m, purpose, only,
	    &(struct link_kind){
		CAPABILITY_PREFERENCES, "m", stream->preferences_page});
	plan->why_url = link_for(a, m, purpose, only,
	    &(struct link_kind){CAPABILITY_WHY, "w", NULL});
	/* Somebody else's, in a text that was copied, is not this one's. */
	plan->link_prefix = plan->unsubscribe_url;
	plan->aliases = aliases(a, stream);
	plan->n_aliases = stream->n_placeholders;
	if (plan->unsubscribe_url == NULL || plan->preferences_url == NULL ||
	    plan->why_url == NULL || plan->aliases == NULL)
		return err_set(e, ERR_FATAL, "message too large for its arena");
	if (footers_get(m->snapshot->footers, purpose->id,
		language_for(m, only), a, &footer, e) != 0)
		return -1;
	plan->brand = footer.brand;
	return stream->footer == FOOTER_PLACEHOLDERS
	    ? 0
	    : plan_footer(a, m, &footer, plan, e);
}

static void
tell(const struct session *s, const struct recipient *only,
    const struct edit_result *r)
{
	const struct engine_metrics *count = engine_metrics(s->engine);
	const struct message *m = &s->message;

	metric_add(count->placeholders, r->placeholders);
	metric_add(count->footers, r->footers);
	metric_add(count->pixels, r->pixels);
	metric_add(count->links, r->links);
	if (r->skipped != EDIT_DONE)
		metric_inc(count->unedited);
	if (r->n_body == 0 && r->skipped == EDIT_DONE)
		return;
	log_line(LOG_INFORM,
	    "body stream=%s queue=%s ref=%08x placeholders=%u footers=%u "
	    "pixels=%u links=%u%s%s",
	    m->stream->name, m->queue_id, only == NULL ? 0 : only->reference,
	    r->placeholders, r->footers, r->pixels, r->links,
	    r->skipped == EDIT_DONE ? "" : " skipped=",
	    edit_skip_word(r->skipped));
}

int
body_edit(struct arena *a, const struct session *s,
    const struct stream_purpose *purpose, const struct recipient *only,
    struct edit_result *out, struct err *e)
{
	const struct message *m = &s->message;
	struct edit_message message = {
	    .body = m->body.len == 0 ? "" : m->body.data,
	    .body_len = m->body.len,
	};
	struct edit_plan plan;

	*out = (struct edit_result){0};
	if (!session_edits(s) || m->body_lost)
		out->skipped = m->body_lost ? EDIT_TOO_BIG : EDIT_DONE;
	else if (keeps_signature(m))
		out->skipped = EDIT_SIGNED;
	else {
		message.head = head_text(a, m, &message.head_len);
		if (message.head == NULL)
			return err_set(
			    e, ERR_FATAL, "message too large for its arena");
		if (make_plan(a, s, purpose, only, &plan, e) != 0)
			return -1;
		edit_message(a, &message, &plan, out);
	}
	tell(s, only, out);
	if (out->skipped == EDIT_TOO_BIG &&
	    m->stream->oversize == OVERSIZE_REFUSE)
		return err_set(e, ERR_REFUSED, "the body is too large");
	return 0;
}
