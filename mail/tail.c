/* SPDX-License-Identifier: ISC */
/*
 * tail - where the body of an HTML text ends for the reader
 *
 * The body ends before the </body> that nothing but white space and comments
 * follow, else where the text does: browsers take what comes after an early
 * </body> into the body.  Elements that are properly closed leave no doubt
 * about what a footer there would be part of.  Where the nesting is broken a
 * real parser is asked (dom.h), and only then; not about nesting deeper than
 * any in use, for which that parser takes quadratic time.
 */
#include "tail.h"

#include <string.h>
#include <strings.h>

#include "dom.h"
#include "html.h"
#include "policy/arena.h"

static void
push(struct tail *t, const struct html_token *k)
{
	if (t->depth == TAIL_DEPTH_MAX) {
		t->deep = true;
		return;
	}
	t->open[t->depth].at = k->name;
	t->open[t->depth].len = k->name_len;
	t->depth++;
}

/* Is there a link among what is open, but for the outermost `i`? */
static bool
link_from(const struct tail *t, const struct html_reader *r, size_t i)
{
	for (; i < t->depth; i++)
		if (t->open[i].len == 1 &&
		    (r->text[t->open[i].at] | 0x20) == 'a')
			return true;
	return false;
}

/* Closes the innermost element of that name and what is open within: for a
 * browser a link goes on after that. */
static void
pop(struct tail *t, const struct html_reader *r, const struct html_token *k)
{
	size_t i = t->depth;

	while (i > 0 &&
	    (t->open[i - 1].len != k->name_len ||
		strncasecmp(r->text + t->open[i - 1].at, r->text + k->name,
		    k->name_len) != 0))
		i--;
	t->sure = t->sure && i > 0 && i == t->depth;
	if (i == 0)
		return;
	t->astray = t->astray || link_from(t, r, i);
	t->depth = i - 1;
	t->loose = t->loose && t->loose_depth <= t->depth;
}

/* A paragraph or an item that is not closed goes on until what it is in ends:
 * a footer there would be part of it. */
static void
note_loose(
    struct tail *t, const struct html_reader *r, const struct html_token *k)
{
	if ((k->traits & HTML_OUTER) != 0)
		return;
	if (k->kind == HTML_OPEN) {
		t->loose = true;
		t->loose_at = k->name;
		t->loose_depth = t->depth;
	} else if (strncasecmp(r->text + t->loose_at, r->text + k->name,
		       k->name_len) == 0) {
		t->loose = false;
	}
}

static bool
blank(const struct html_reader *r, const struct html_token *k)
{
	for (size_t i = k->at; i < k->end; i++)
		if (strchr(" \t\r\n\f", r->text[i]) == NULL)
			return false;
	return true;
}

void
tail_note(
    struct tail *t, const struct html_reader *r, const struct html_token *k)
{
	if (k->at == 0)
		t->sure = true;
	if (k->hidden || k->kind == HTML_COMMENT || k->kind == HTML_UNENDED ||
	    k->kind == HTML_END)
		return;
	if (k->kind == HTML_TEXT && blank(r, k))
		return;
	if (k->kind == HTML_CLOSE && (k->traits & HTML_OUTER) != 0) {
		if (!t->ended)
			t->end = k->at;
		t->ended = true;
		return;
	}
	t->end = k->end;
	t->ended = false;
	if (k->kind == HTML_TEXT || (k->traits & HTML_EMPTY) != 0)
		return;
	if ((k->traits & HTML_LOOSE) != 0) {
		note_loose(t, r, k);
		return;
	}
	if ((k->traits & HTML_LINK) != 0)
		t->astray = false;
	if (k->kind == HTML_OPEN)
		push(t, k);
	else
		pop(t, r, k);
}

/* The end tags of what the tags themselves say is open. */
static char *
by_tags(struct arena *a, const struct tail *t, const struct html_reader *r)
{
	char *closers, *w;
	size_t n = 1;

	for (size_t i = 0; i < t->depth; i++)
		n += t->open[i].len + 3;
	closers = w = arena_alloc(a, n);
	for (size_t i = t->depth; closers != NULL && i-- > 0;) {
		const char *name = r->text + t->open[i].at;

		if (!html_plain_name(name, t->open[i].len))
			continue;
		w = mempcpy(stpcpy(w, "</"), name, t->open[i].len);
		*w++ = '>';
	}
	return closers;
}

const char *
tail_closers(struct arena *a, const struct tail *t, const struct html_reader *r)
{
	char *closers;

	if (t->sure && !t->deep && !t->loose && t->depth == 0)
		return "";
	if (t->deep || !dom_closers(a, r->text, t->end, &closers))
		closers = by_tags(a, t, r);
	/* A browser moves a link out of a table, and takes it up behind. */
	if (closers == NULL || strstr(closers, "</a>") != NULL ||
	    (!t->astray && !link_from(t, r, 0)))
		return closers;
	return arena_printf(a, "%s</a>", closers);
}
