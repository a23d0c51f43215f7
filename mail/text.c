/* SPDX-License-Identifier: ISC */
/*
 * text - what is to be done about a text, whatever it is encoded in
 *
 * In stages, each of which looks at the text as the one before left it: what
 * is in a link is only known once its placeholders are filled in, and whether
 * the text has an opt-out link only once tracking is gone from it.  So a text
 * that was edited, looked at again, has nothing to be done.
 */
#include "text.h"

#include <string.h>

#include "ascii.h"
#include "foot.h"
#include "html.h"
#include "placeholder.h"
#include "policy/arena.h"
#include "tail.h"

enum { ROUNDS_MAX = 4 };

/* The text as the splices leave it so far. */
struct stage {
	struct text *text;
	const struct edit_plan *plan;
	const char *view;
	size_t len;
};

/* Text that OpenPGP has signed or encrypted in place (RFC 4880, 6.2, 7). */
static enum edit_skip
armoured(const struct text *t)
{
	static const char mark[] = "-----BEGIN PGP ";
	const char *p = t->view, *end = t->view + t->len;

	while ((p = memmem(p, (size_t)(end - p), mark, sizeof(mark) - 1))) {
		const bool starts = p == t->view || p[-1] == '\n';

		p += sizeof(mark) - 1;
		if (!starts)
			continue;
		if (end - p >= 6 && memcmp(p, "SIGNED", 6) == 0)
			return EDIT_SIGNED;
		if (end - p >= 7 && memcmp(p, "MESSAGE", 7) == 0)
			return EDIT_ENCRYPTED;
	}
	return EDIT_DONE;
}

static bool
settle(const struct stage *s, struct splices *found)
{
	splice_settle(found);
	for (size_t i = 0; s->text->ascii && i < found->n; i++) {
		struct splice *one = &found->list[i];

		one->text = (s->text->html ? ascii_references : ascii_marks)(
		    found->arena, one->text, one->text_len, &one->text_len);
		if (one->text == NULL)
			return false;
	}
	return !found->failed;
}

/* Makes these splices, which are positions in the stage's view. */
static bool
advance(struct stage *s, struct splices *found)
{
	struct splices *all = &s->text->splices;

	if (!settle(s, found))
		return false;
	if (found->n == 0)
		return true;
	s->view = splice_apply(all->arena, s->view, s->len, 0, found, &s->len);
	splice_then(all, s->text->len, found);
	return s->view != NULL && !all->failed;
}

static bool
fill(struct stage *s)
{
	struct splices found = {.arena = s->text->splices.arena};

	placeholder_find(s->plan, s->view, s->len, s->text->html, &found);
	s->text->done.placeholders += (unsigned)found.n;
	return advance(s, &found);
}

static bool
strip(struct stage *s, bool *any)
{
	struct splices found = {.arena = s->text->splices.arena};
	struct track *done = &s->text->done.track;

	*any = false;
	if (!s->plan->strip_tracking)
		return true;
	if (s->text->html)
		track_html(s->plan, s->view, s->len, &found, done);
	else
		track_text(s->plan, s->view, s->len, &found, done);
	*any = found.n > 0;
	return advance(s, &found);
}

/* Again when something is gone from the text: an image may have been in the
 * middle of a placeholder. */
static bool
fill_and_strip(struct stage *s)
{
	bool any = true;

	for (int i = 0; any && i < ROUNDS_MAX; i++)
		if (!fill(s) || !strip(s, &any))
			return false;
	return true;
}

/* Whether a path that ends before `p` goes on there, to another page. */
static bool
goes_on(const char *p, const char *end)
{
	static const char more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz"
				   "0123456789-_/";

	return p < end && memchr(more, *p, sizeof(more) - 1) != NULL;
}

/* The next place that begins like a link to the opt-out page. */
static size_t
next_link(const struct stage *s, size_t at)
{
	const char *prefix = s->plan->link_prefix, *end = s->view + s->len, *p;
	size_t n = prefix == NULL ? 0 : strlen(prefix);

	for (; n > 0 && at < s->len; at = (size_t)(p - s->view) + 1) {
		p = memmem(s->view + at, s->len - at, prefix, n);
		if (p == NULL)
			break;
		if (prefix[n - 1] == '/' || !goes_on(p + n, end))
			return (size_t)(p - s->view);
	}
	return s->len;
}

/* Whether a reader can see, and click, what is in this token. */
static bool
visible(const struct html_token *t)
{
	if (t->hidden)
		return false;
	return t->kind == HTML_TEXT ||
	    (t->kind == HTML_OPEN && (t->traits & HTML_LINK) != 0);
}

/* True without a splice when HTML has its link. */
static bool
html_footer(struct stage *s, struct splice *out)
{
	struct html_reader r = {.text = s->view, .len = s->len};
	struct tail tail = {0};
	struct html_token t;
	size_t link = next_link(s, 0);
	const char *closers;

	while (html_next(&r, &t)) {
		tail_note(&tail, &r, &t);
		while (link < t.at)
			link = next_link(s, link + 1);
		if (link < t.end && visible(&t))
			return true;
	}
	closers = tail_closers(s->text->splices.arena, &tail, &r);
	return closers != NULL &&
	    foot_html(s->text->splices.arena, s->plan->footer_html, s->view,
		s->len, tail.end, closers, out);
}

static bool
text_footer(struct stage *s, struct splice *out)
{
	if (next_link(s, 0) < s->len)
		return true;
	return foot_text(s->text->splices.arena, s->plan->footer_text, s->view,
	    s->len, s->text->flowed, s->plan->before_signature, out);
}

static bool
add_footer(struct stage *s)
{
	struct splices found = {.arena = s->text->splices.arena};
	struct splice footer = {0};

	if ((s->text->html ? s->plan->footer_html : s->plan->footer_text) ==
	    NULL)
		return true;
	if (!(s->text->html ? html_footer(s, &footer)
			    : text_footer(s, &footer)))
		return false;
	if (footer.text == NULL)
		return true;
	s->text->done.footers = 1;
	splice_add(&found, &footer);
	if (!settle(s, &found))
		return false;
	splice_then(&s->text->splices, s->text->len, &found);
	return !s->text->splices.failed;
}

enum edit_skip
text_edit(struct text *t, const struct edit_plan *plan)
{
	struct stage s = {t, plan, t->view, t->len};
	enum edit_skip skip = armoured(t);

	if (skip != EDIT_DONE)
		return skip;
	if (fill_and_strip(&s) && (t->later || add_footer(&s)))
		return EDIT_DONE;
	return EDIT_TOO_BIG;
}
