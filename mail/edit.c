/* SPDX-License-Identifier: ISC */
/*
 * edit - placeholders, footers and tracking in the body of a message
 *
 * The new body is a list of stretches: of the old body where nothing was done,
 * of the arena where a part or one of its header fields is new.  Nothing is
 * ever copied that stays, however large an attachment is.
 */
#include "edit.h"

#include <string.h>

#include "codec.h"
#include "field.h"
#include "mime.h"
#include "part.h"
#include "policy/arena.h"

struct draft {
	struct arena *arena;
	const struct edit_message *message;
	const struct edit_plan *plan;
	struct edit_piece *pieces;
	size_t n;
	size_t done; /* octets of the old body that are taken care of */
	bool failed;
	struct edit_result *out;
};

/* Up to four stretches that are kept and four that are new for a part. */
enum { PIECES_MAX = 8 * MIME_PARTS_MAX + 1 };

const char *
edit_skip_word(enum edit_skip s)
{
	static const char *const words[] = {
	    [EDIT_DONE] = "",
	    [EDIT_SIGNED] = "signed",
	    [EDIT_ENCRYPTED] = "encrypted",
	    [EDIT_TOO_BIG] = "too-big",
	    [EDIT_NO_TEXT] = "no-text",
	    [EDIT_UNREADABLE] = "unreadable",
	};

	return words[s];
}

/* Replaces the octets from `at` to `end` of the body. */
static void
replace(struct draft *d, size_t at, size_t end, const char *s, size_t len)
{
	if (s == NULL) {
		d->failed = true;
		return;
	}
	if (at > d->done)
		d->pieces[d->n++] = (struct edit_piece){
		    d->message->body + d->done, at - d->done};
	/* An empty stretch says that all is gone, when it is the only one. */
	if (len > 0 || d->n == 0)
		d->pieces[d->n++] = (struct edit_piece){s, len};
	d->done = end;
}

static void
set_field(struct draft *d, const char *name, const char *value)
{
	if (value == NULL)
		d->failed = true;
	else
		d->out->fields[d->out->n_fields++] =
		    (struct edit_field){name, value};
}

/* A value without the CR of its folds. */
static const char *
folded_by_lf(char *value)
{
	char *w = value;

	for (char *p = value; value != NULL && *p != '\0'; p++)
		if (p[0] != '\r' || p[1] != '\n')
			*w++ = *p;
	if (value != NULL)
		*w = '\0';
	return value;
}

/* The Content-Type that a part has to get; NULL if it cannot be made. */
static char *
utf8_type(struct arena *a, const char *head, size_t len, struct field *f)
{
	size_t n = field_find(head, len, "Content-Type", f);

	if (n > 1)
		return NULL;
	if (n == 0)
		return arena_strdup(a, "text/plain; charset=utf-8");
	return field_charset(
	    a, head + f->value, f->value_end - f->value, "utf-8");
}

static void
top_fields(
    struct draft *d, const struct part_edit *e, enum codec before, char *type)
{
	const char *head = d->message->head;
	struct field f;

	if (!e->utf8 && e->codec == before)
		return;
	if (e->utf8)
		set_field(d, "Content-Type", folded_by_lf(type));
	if (e->codec != before)
		set_field(d, "Content-Transfer-Encoding", codec_name(e->codec));
	if (field_find(head, d->message->head_len, "MIME-Version", &f) == 0)
		set_field(d, "MIME-Version", "1.0");
}

/* Replaces a field's value, or adds the field after the others. */
static void
part_field(struct draft *d, const struct mime_part *p, const char *name,
    const char *value)
{
	const char *head = d->message->body + p->head;
	const size_t len = p->start - p->head;
	size_t at = 0;
	struct field f;
	char *line;

	if (field_find(head, len, name, &f) > 0) {
		replace(d, p->head + f.value, p->head + f.value_end, value,
		    strlen(value));
		return;
	}
	while (field_next(head, len, &at, &f))
		;
	line = arena_printf(d->arena, "%s: %s\r\n", name, value);
	replace(d, p->head + at, p->head + at, line,
	    line == NULL ? 0 : strlen(line));
}

/* The fields of a part, those first that come first. */
static void
part_fields(struct draft *d, const struct mime_part *p,
    const struct part_edit *e, const char *type)
{
	static const char *const names[] = {
	    "Content-Type", "Content-Transfer-Encoding"};
	const char *head = d->message->body + p->head;
	const size_t len = p->start - p->head;
	const char *values[] = {e->utf8 ? type : NULL,
	    e->codec != p->codec ? codec_name(e->codec) : NULL};
	struct field f[2];
	size_t first = 0;

	if (field_find(head, len, names[1], &f[1]) > 0 &&
	    (field_find(head, len, names[0], &f[0]) == 0 || f[1].at < f[0].at))
		first = 1;
	for (size_t i = 0; i < 2; i++) {
		size_t k = i ^ first;

		if (values[k] != NULL)
			part_field(d, p, names[k], values[k]);
	}
}

/* Edits one part; what it returns is a reason to leave the message alone. */
static enum edit_skip
one_part(struct draft *d, const struct mime_part *p)
{
	const struct edit_message *m = d->message;
	const char *head = p->top ? m->head : m->body + p->head;
	const size_t head_len = p->top ? m->head_len : p->start - p->head;
	struct part_edit e;
	struct field f;
	char *type = utf8_type(d->arena, head, head_len, &f);
	enum edit_skip skip = part_edit(d->arena, p, m->body + p->start,
	    p->end - p->start, d->plan, type == NULL, &e);

	if (skip == EDIT_UNREADABLE)
		d->out->skipped = skip;
	if (skip != EDIT_DONE || e.content == NULL)
		return skip == EDIT_UNREADABLE ? EDIT_DONE : skip;
	if (p->top)
		top_fields(d, &e, p->codec, type);
	else
		part_fields(d, p, &e, type);
	replace(d, p->start, p->end, e.content, e.len);
	if (p->touching && e.len > 0)
		replace(d, p->end, p->end, "\r\n", 2);
	d->out->placeholders += e.done.placeholders;
	d->out->footers += e.done.footers;
	d->out->pixels += e.done.track.pixels;
	d->out->links += e.done.track.links;
	return d->failed ? EDIT_TOO_BIG : EDIT_DONE;
}

static enum edit_skip
all_parts(struct draft *d)
{
	struct mime_parts parts;
	enum edit_skip skip = mime_read(d->arena, d->message, &parts);

	d->pieces = arena_alloc(d->arena, PIECES_MAX * sizeof(*d->pieces));
	if (skip == EDIT_DONE && d->pieces == NULL)
		skip = EDIT_TOO_BIG;
	for (size_t i = 0; skip == EDIT_DONE && i < parts.n; i++)
		skip = one_part(d, &parts.list[i]);
	if (skip == EDIT_DONE && d->n > 0)
		replace(d, d->message->body_len, d->message->body_len, "", 0);
	return skip;
}

void
edit_message(struct arena *a, const struct edit_message *m,
    const struct edit_plan *plan, struct edit_result *out)
{
	const struct edit_message whole = {
	    .head = m->head_len > 0 ? m->head : "",
	    .head_len = m->head_len,
	    .body = m->body_len > 0 ? m->body : "",
	    .body_len = m->body_len,
	};
	struct draft d = {
	    .arena = a, .message = &whole, .plan = plan, .out = out};
	enum edit_skip skip = EDIT_TOO_BIG;

	*out = (struct edit_result){0};
	if (plan->max_size == 0 || m->head_len + m->body_len <= plan->max_size)
		skip = all_parts(&d);
	if (skip != EDIT_DONE) {
		*out = (struct edit_result){.skipped = skip};
		return;
	}
	out->body = d.pieces;
	out->n_body = d.n;
}
