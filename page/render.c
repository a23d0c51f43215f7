/* SPDX-License-Identifier: ISC */
/*
 * render - Mustache, filled in
 *
 * Walks a template's pieces; names are looked up from the innermost context
 * outwards.  What a template may do is bounded, and it can call nothing: lists
 * in lists grow with each level, so pieces and output are counted.
 */
#include <stdlib.h>
#include <string.h>

#include "page/piece.h"
#include "page/template.h"

enum { PIECES_MAX = 1 << 20, OUTPUT_MAX = 16 << 20 };

struct renderer {
	const json_t *stack[TEMPLATE_DEPTH]; /* contexts, the outermost first */
	size_t depth, within, n_pieces;
	const struct template_source *source;
	struct buf *out;
	struct err *e;
};

/* The member of `object` called `name` up to the next dot. */
static const json_t *
member(const json_t *object, const char *name, size_t len)
{
	return json_is_object(object) ? json_object_getn(object, name, len)
				      : NULL;
}

/* A name's value: its first part is looked for outwards, the others only in
 * what was found. */
static const json_t *
look_up(const struct renderer *r, const char *name, size_t len)
{
	const char *end = name + len, *dot = memchr(name, '.', len);
	const json_t *value = NULL;

	if (len == 1 && dot != NULL)
		return r->stack[r->depth - 1];
	for (size_t i = r->depth; i > 0 && value == NULL; i--)
		value = member(r->stack[i - 1], name,
		    (size_t)((dot == NULL ? end : dot) - name));
	while (value != NULL && dot != NULL) {
		name = dot + 1;
		dot = memchr(name, '.', (size_t)(end - name));
		value = member(
		    value, name, (size_t)((dot == NULL ? end : dot) - name));
	}
	return value;
}

static bool
is_false(const json_t *value)
{
	return value == NULL || json_is_null(value) || json_is_false(value) ||
	    (json_is_array(value) && json_array_size(value) == 0) ||
	    (json_is_string(value) && json_string_length(value) == 0);
}

static void
put_escaped(struct buf *out, const char *text, size_t len)
{
	static const char special[] = "&<>\"'";
	static const char *const entities[] = {
	    "&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

	for (size_t i = 0; i < len; i++) {
		const char *found =
		    text[i] == '\0' ? NULL : strchr(special, text[i]);

		if (found != NULL)
			buf_puts(out, entities[found - special]);
		else
			buf_add(out, text + i, 1);
	}
}

static void
put_value(struct renderer *r, const json_t *value, bool escaped)
{
	char *number;

	if (json_is_string(value) && escaped) {
		put_escaped(r->out, json_string_value(value),
		    json_string_length(value));
	} else if (json_is_string(value)) {
		buf_add(r->out, json_string_value(value),
		    json_string_length(value));
	} else if (json_is_number(value)) {
		number = json_dumps(
		    value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
		buf_puts(r->out, number == NULL ? "" : number);
		free(number);
	} else if (json_is_true(value)) {
		buf_puts(r->out, "true");
	}
}

static int render(
    struct renderer *r, const struct template *t, size_t from, size_t to);

static int
render_in(struct renderer *r, const struct template *t, size_t section,
    const json_t *context)
{
	int rc;

	if (r->depth == TEMPLATE_DEPTH)
		return err_set(r->e, ERR_REFUSED,
		    "too many sections and partials in each other");
	r->stack[r->depth++] = context;
	rc = render(r, t, section + 1, t->pieces[section].end);
	r->depth--;
	return rc;
}

static int render_sentence(struct renderer *r, const struct piece *p);

static bool
is_sentence(const struct renderer *r, const struct piece *p)
{
	return r->source->translate != NULL && p->kind == KIND_SECTION &&
	    p->len == 1 && p->text[0] == 't';
}

static int
render_section(struct renderer *r, const struct template *t, size_t section)
{
	const struct piece *p = &t->pieces[section];
	const json_t *value = look_up(r, p->text, p->len), *one;
	size_t i;
	int rc = 0;

	if (is_sentence(r, p))
		return render_sentence(r, p);
	if (p->kind == KIND_INVERTED)
		return is_false(value) ? render(r, t, section + 1, p->end) : 0;
	if (is_false(value))
		return 0;
	if (!json_is_array(value))
		return render_in(r, t, section, value);
	json_array_foreach(value, i, one)
	{
		if (rc == 0)
			rc = render_in(r, t, section, one);
	}
	return rc;
}

/* A copy of `text` in which every line begins with the partial's indent. */
static char *
indented(const struct piece *p, const char *text, size_t *len)
{
	struct buf b = {0};

	for (const char *end; *text != '\0'; text = end) {
		end = strchr(text, '\n');
		end = end == NULL ? text + strlen(text) : end + 1;
		if (p->indent_len > 0)
			buf_add(&b, p->indent, p->indent_len);
		buf_add(&b, text, (size_t)(end - text));
	}
	*len = b.len;
	if (!buf_failed(&b))
		return b.data;
	buf_free(&b);
	return NULL;
}

/* Renders `text`, which is part of what is rendered. */
static int
render_within(struct renderer *r, const char *text, size_t len,
    const char *name, size_t name_len)
{
	struct template *t;
	int rc;

	if (r->within == TEMPLATE_DEPTH)
		return err_set(r->e, ERR_REFUSED,
		    "\"%.*s\" contains itself without an end", (int)name_len,
		    name);
	t = template_parse(text, len, r->e);
	if (t == NULL)
		return err_prefix(r->e, "\"%.*s\"", (int)name_len, name);
	r->within++;
	rc = render(r, t, 0, t->n);
	r->within--;
	template_free(&t);
	return rc;
}

static int
render_partial(struct renderer *r, const struct piece *p)
{
	const struct template_source *s = r->source;
	const char *text =
	    s->partial == NULL ? NULL : s->partial(s->arg, p->text, p->len);
	size_t len;
	char *copy;
	int rc;

	if (text == NULL || *text == '\0')
		return 0;
	copy = indented(p, text, &len);
	if (copy == NULL)
		return err_set(r->e, ERR_FATAL, "out of memory");
	rc = render_within(r, copy, len, p->text, p->len);
	free(copy);
	return rc;
}

/* A sentence, spread over lines or not, in the reader's language. */
static int
render_sentence(struct renderer *r, const struct piece *p)
{
	const struct template_source *s = r->source;
	struct buf b = {0};
	const char *text;
	int rc;

	for (const char *c = p->inner; c < p->inner_end; c++)
		if (!piece_is_space(*c))
			buf_add(&b, c, 1);
		else if (b.len > 0 && c + 1 < p->inner_end &&
		    !piece_is_space(c[1]))
			buf_add(&b, " ", 1);
	if (buf_failed(&b))
		rc = err_set(r->e, ERR_FATAL, "out of memory");
	else if (b.len == 0)
		rc = 0;
	else {
		text = s->translate(s->arg, b.data, b.len);
		rc = render_within(r, text, strlen(text), b.data, b.len);
	}
	buf_free(&b);
	return rc;
}

/* The pieces from `from` on, up to `to`. */
static int
render(struct renderer *r, const struct template *t, size_t from, size_t to)
{
	int rc = 0;

	for (size_t i = from; rc == 0 && i < to; i++) {
		const struct piece *p = &t->pieces[i];

		if (++r->n_pieces > PIECES_MAX || r->out->len > OUTPUT_MAX)
			return err_set(r->e, ERR_REFUSED,
			    "the template would make too much of it");
		switch (p->kind) {
		case KIND_TEXT:
			buf_add(r->out, p->text, p->len);
			break;
		case KIND_ESCAPED:
		case KIND_RAW:
			put_value(r, look_up(r, p->text, p->len),
			    p->kind == KIND_ESCAPED && !r->source->plain);
			break;
		case KIND_SECTION:
		case KIND_INVERTED:
			rc = render_section(r, t, i);
			i = p->end;
			break;
		case KIND_PARTIAL:
			rc = render_partial(r, p);
			break;
		case KIND_END:
			break;
		}
	}
	return rc;
}

int
template_render(const struct template *t, const json_t *view,
    const struct template_source *source, struct buf *out, struct err *e)
{
	struct renderer r = {
	    .stack = {view},
	    .depth = 1,
	    .source = source,
	    .out = out,
	    .e = e,
	};

	if (render(&r, t, 0, t->n) != 0)
		return -1;
	return buf_failed(out) ? err_set(e, ERR_FATAL, "out of memory") : 0;
}
