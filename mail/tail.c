/* SPDX-License-Identifier: ISC */
/*
 * tail - where the body of an HTML text ends for the reader
 *
 * The body ends before the </body> that nothing but white space and comments
 * follow, else where the text does: browsers take what comes after an early
 * </body> into the body.  Elements that are properly closed leave no doubt
 * about what a footer there would be part of.  Where the nesting is broken a
 * real parser is asked (dom.h), and only then.
 */
#include "tail.h"

#include <string.h>
#include <strings.h>

#include "dom.h"
#include "html.h"
#include "policy/arena.h"

static void
nest(struct tail *t, const struct html_reader *r, const struct html_token *k)
{
	if (k->kind == HTML_OPEN) {
		if (t->depth == TAIL_DEPTH_MAX) {
			t->sure = false;
			return;
		}
		t->open[t->depth].at = k->name;
		t->open[t->depth].len = k->name_len;
		t->depth++;
		return;
	}
	for (size_t i = t->depth; i-- > 0;) {
		if (t->open[i].len != k->name_len ||
		    strncasecmp(r->text + t->open[i].at, r->text + k->name,
			k->name_len) != 0)
			continue;
		t->sure = t->sure && i == t->depth - 1;
		t->depth = i;
		return;
	}
	t->sure = false;
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
	if (k->kind != HTML_TEXT &&
	    (k->traits & (HTML_EMPTY | HTML_LOOSE)) == 0)
		nest(t, r, k);
}

const char *
tail_closers(struct arena *a, const struct tail *t, const struct html_reader *r)
{
	char *closers;
	size_t n = 1;

	if (t->sure && t->depth == 0)
		return "";
	if (dom_closers(a, r->text, t->end, &closers))
		return closers;
	for (size_t i = 0; i < t->depth; i++)
		n += t->open[i].len + 3;
	closers = arena_alloc(a, n);
	n = 0;
	for (size_t i = t->depth; closers != NULL && i-- > 0;) {
		if (!html_plain_name(r->text + t->open[i].at, t->open[i].len))
			continue;
		closers[n++] = '<';
		closers[n++] = '/';
		memcpy(closers + n, r->text + t->open[i].at, t->open[i].len);
		n += t->open[i].len;
		closers[n++] = '>';
	}
	return closers;
}
