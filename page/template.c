/* SPDX-License-Identifier: ISC */
/*
 * template - Mustache, read
 *
 * A template becomes a row of pieces: text, what is to be filled in, and
 * sections, each of which knows where it ends.  A tag that says nothing itself
 * and stands alone on its line takes the line with it.
 */
#include "page/template.h"

#include <stdlib.h>
#include <string.h>

#include "page/piece.h"

enum { DELIMITER_MAX = 16 };

/* What opens and closes a tag. */
struct delimiters {
	char open[DELIMITER_MAX], close[DELIMITER_MAX];
	size_t open_len, close_len;
};

struct parser {
	struct template *t;
	const char *start, *at, *end;
	struct delimiters d;
	size_t open[TEMPLATE_DEPTH], n_open; /* sections */
	struct err *e;
};

/* A tag, as it stands in the text. */
struct tag {
	const char *start, *end; /* with its delimiters */
	const char *name;	 /* without spaces around it */
	size_t len;
	char sigil; /* one of #^/>!={& or 0 */
};

static int
fail(const struct parser *p, const char *where, const char *what)
{
	size_t line = 1;

	for (const char *c = p->start; c < where; c++)
		line += *c == '\n';
	return err_set(p->e, ERR_REFUSED, "line %zu: %s", line, what);
}

static int
add(struct parser *p, const struct piece *piece)
{
	struct template *t = p->t;

	if (t->n == t->size) {
		size_t size = t->size == 0 ? 32 : 2 * t->size;
		struct piece *more = realloc(t->pieces, size * sizeof(*more));

		if (more == NULL)
			return err_set(p->e, ERR_FATAL, "out of memory");
		t->pieces = more;
		t->size = size;
	}
	t->pieces[t->n++] = *piece;
	return 0;
}

static const char *
find(const char *at, const char *end, const char *what, size_t len)
{
	return len > 0 && at < end ? memmem(at, (size_t)(end - at), what, len)
				   : NULL;
}

/* Reads the tag that begins at `start`. */
static int
read_tag(struct parser *p, const char *start, struct tag *tag)
{
	const struct delimiters *d = &p->d;
	const char *name = start + d->open_len, *stop;
	bool triple, assignment;

	while (name < p->end && piece_is_space(*name))
		name++;
	*tag = (struct tag){.start = start};
	if (name < p->end && strchr("#^/>!={&", *name) != NULL)
		tag->sigil = *name++;
	triple = tag->sigil == '{';
	assignment = tag->sigil == '=';
	stop = name;
	if (triple || assignment) {
		stop = find(name, p->end, triple ? "}" : "=", 1);
		if (stop == NULL)
			return fail(p, start, "a tag is not closed");
	}
	tag->end = find(stop, p->end, d->close, d->close_len);
	/* Of "}}}" the first belongs to the name's braces. */
	if (tag->end != NULL && triple && tag->end == stop)
		tag->end = find(stop + 1, p->end, d->close, d->close_len);
	if (tag->end == NULL)
		return fail(p, start, "a tag is not closed");
	if (!triple && !assignment)
		stop = tag->end;
	tag->end += d->close_len;
	while (name < stop && piece_is_space(*name))
		name++;
	while (stop > name && piece_is_space(stop[-1]))
		stop--;
	tag->name = name;
	tag->len = (size_t)(stop - name);
	if (tag->len == 0 && tag->sigil != '!')
		return fail(p, start, "a tag has no name");
	return 0;
}

/* Whether the tag has its line to itself: then where the line begins, and in
 * `*next` where the next one does. */
static const char *
alone(const struct parser *p, const struct tag *tag, const char **next)
{
	const char *first = tag->start, *last = tag->end;

	while (first > p->start && (first[-1] == ' ' || first[-1] == '\t'))
		first--;
	if (first > p->start && first[-1] != '\n')
		return NULL;
	while (last < p->end && (*last == ' ' || *last == '\t'))
		last++;
	if (last + 1 < p->end && last[0] == '\r' && last[1] == '\n')
		last++;
	if (last < p->end && *last != '\n')
		return NULL;
	*next = last < p->end ? last + 1 : last;
	return first;
}

static int
set_delimiters(struct parser *p, const struct tag *tag)
{
	const char *space = tag->name, *end = tag->name + tag->len;
	struct delimiters *d = &p->d;
	const char *close = end;

	while (space < end && !piece_is_space(*space))
		space++;
	while (close > space && !piece_is_space(close[-1]))
		close--;
	d->open_len = (size_t)(space - tag->name);
	d->close_len = (size_t)(end - close);
	if (space == end || d->open_len >= DELIMITER_MAX ||
	    d->close_len >= DELIMITER_MAX)
		return fail(p, tag->start, "these are no delimiters");
	memcpy(d->open, tag->name, d->open_len);
	memcpy(d->close, close, d->close_len);
	return 0;
}

static int
close_section(struct parser *p, const struct tag *tag)
{
	struct piece *opened;

	if (p->n_open == 0)
		return fail(p, tag->start, "no section is open here");
	opened = &p->t->pieces[p->open[--p->n_open]];
	if (opened->len != tag->len ||
	    memcmp(opened->text, tag->name, tag->len) != 0)
		return fail(p, tag->start, "another section is open here");
	opened->end = p->t->n;
	opened->inner_end = tag->start;
	return add(p, &(struct piece){.kind = KIND_END});
}

static int
open_section(struct parser *p, const struct tag *tag, enum piece_kind kind)
{
	if (p->n_open == TEMPLATE_DEPTH)
		return fail(p, tag->start, "too many sections in each other");
	p->open[p->n_open++] = p->t->n;
	return add(p,
	    &(struct piece){.kind = kind,
		.text = tag->name,
		.len = tag->len,
		.inner = tag->end});
}

static int
add_tag(struct parser *p, const struct tag *tag, const char *line)
{
	struct piece piece = {.text = tag->name, .len = tag->len};

	switch (tag->sigil) {
	case '!':
		return 0;
	case '=':
		return set_delimiters(p, tag);
	case '#':
		return open_section(p, tag, KIND_SECTION);
	case '^':
		return open_section(p, tag, KIND_INVERTED);
	case '/':
		return close_section(p, tag);
	case '>':
		piece.kind = KIND_PARTIAL;
		if (line != NULL) {
			piece.indent = line;
			piece.indent_len = (size_t)(tag->start - line);
		}
		break;
	case '{':
	case '&':
		piece.kind = KIND_RAW;
		break;
	default:
		piece.kind = KIND_ESCAPED;
	}
	return add(p, &piece);
}

/* Text up to the next tag, and the tag. */
static int
step(struct parser *p)
{
	const char *start = find(p->at, p->end, p->d.open, p->d.open_len);
	const char *stop = start == NULL ? p->end : start, *next, *line = NULL;
	struct tag tag;

	if (start != NULL && read_tag(p, start, &tag) != 0)
		return -1;
	next = start == NULL ? p->end : tag.end;
	if (start != NULL && tag.sigil != 0 &&
	    strchr("#^/>!=", tag.sigil) != NULL)
		line = alone(p, &tag, &next);
	if (line != NULL)
		stop = line;
	if (stop > p->at &&
	    add(p,
		&(struct piece){.kind = KIND_TEXT,
		    .text = p->at,
		    .len = (size_t)(stop - p->at)}) != 0)
		return -1;
	p->at = next;
	return start == NULL ? 0 : add_tag(p, &tag, line);
}

struct template *
template_parse(const char *text, size_t len, struct err *e)
{
	struct parser p = {
	    .t = calloc(1, sizeof(*p.t)),
	    .start = text,
	    .at = text,
	    .end = text + len,
	    .d = {.open = "{{", .close = "}}", .open_len = 2, .close_len = 2},
	    .e = e,
	};
	int rc = 0;

	if (p.t == NULL) {
		err_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	while (rc == 0 && p.at < p.end)
		rc = step(&p);
	if (rc == 0 && p.n_open > 0)
		rc = fail(&p, p.t->pieces[p.open[p.n_open - 1]].text,
		    "a section is not closed");
	if (rc != 0)
		template_free(&p.t);
	return p.t;
}

void
template_free(struct template **tp)
{
	struct template *t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	free(t->pieces);
	free(t);
}
