/* SPDX-License-Identifier: ISC */
/*
 * vet - whether words and templates of one's own may be used for a page
 *
 * What a page knows is what the program's own template for it names, partials
 * and sentences included: so there is no list of names to keep, and a name that
 * was mistyped is found when it is written and not by a reader.  So are words
 * of which nothing would be seen; what a name in them stands for is compose.c's
 * to look at.
 */
#include "page/vet.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "page/check.h"
#include "page/legible.h"
#include "page/piece.h"
#include "page/share.h"
#include "page/template.h"

struct vetting {
	const struct share *share;
	const char *name; /* of the program's template */
	const char *text;
	bool is_template;
	struct err *e;
};

/* The name up to its first dot: what is looked for outwards. */
static size_t
head(const struct piece *p)
{
	const char *dot = memchr(p->text, '.', p->len);

	return dot == NULL || p->len == 1 ? p->len : (size_t)(dot - p->text);
}

static bool
same(const struct piece *p, const char *name, size_t len)
{
	return head(p) == len && memcmp(p->text, name, len) == 0;
}

static bool
is_name(const struct piece *p)
{
	return p->kind == KIND_ESCAPED || p->kind == KIND_RAW ||
	    p->kind == KIND_SECTION || p->kind == KIND_INVERTED;
}

/* Whether a template of ours names it, in itself or in a partial. */
static bool
names(const struct share *s, const char *text, const char *name, size_t len,
    int depth)
{
	struct err e;
	struct template *t = template_parse(text, strlen(text), &e);
	bool found = false;

	for (size_t i = 0; t != NULL && !found && i < t->n; i++) {
		const struct piece *p = &t->pieces[i];
		const char *partial = p->kind == KIND_PARTIAL && depth > 0
		    ? share_template(s, p->text, p->len)
		    : NULL;

		found = is_name(p) ? same(p, name, len)
				   : partial != NULL &&
			names(s, partial, name, len, depth - 1);
	}
	template_free(&t);
	return found;
}

static bool
is_known(const struct vetting *v, const struct piece *p)
{
	const char *ours = share_template(v->share, v->name, strlen(v->name));

	if (!v->is_template && (same(p, "brand", 5) || same(p, "purpose", 7)))
		return true;
	return ours != NULL &&
	    names(v->share, ours, p->text, head(p), TEMPLATE_DEPTH);
}

static int
refuse(const struct vetting *v, const struct piece *p, const char *why)
{
	size_t line = 1;

	for (const char *c = v->text; c < p->text; c++)
		line += *c == '\n';
	return err_set(v->e, ERR_REFUSED, "line %zu: {{%.*s}} %s", line,
	    (int)(p->len < 40 ? p->len : 40), p->text, why);
}

static int
vet_piece(const struct vetting *v, const struct piece *p)
{
	if (p->kind == KIND_RAW)
		return refuse(
		    v, p, "has to be escaped: write it in two braces");
	if (!v->is_template && p->kind != KIND_ESCAPED && p->kind != KIND_TEXT)
		return refuse(v, p, "is for templates: words only have names");
	if (p->kind == KIND_PARTIAL &&
	    share_template(v->share, p->text, p->len) == NULL)
		return refuse(v, p, "is no template that there is");
	if (is_name(p) && !same(p, ".", 1) && !same(p, "t", 1) &&
	    !is_known(v, p))
		return refuse(v, p, "is nothing that this page knows");
	return 0;
}

static int
vet(const struct vetting *v)
{
	struct template *t = template_parse(v->text, strlen(v->text), v->e);
	int rc = t == NULL ? -1 : 0;
	bool shows = v->is_template;

	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		const struct piece *p = &t->pieces[i];

		rc = vet_piece(v, p);
		shows = shows || is_name(p) ||
		    (p->kind == KIND_TEXT && legible(p->text, p->len));
	}
	template_free(&t);
	if (rc == 0 && !shows)
		rc = err_set(v->e, ERR_REFUSED, "nothing of it can be seen");
	return rc;
}

int
vet_words(const struct share *s, enum page p, const char *text, struct err *e)
{
	if (legible_check(text, e) != 0)
		return -1;
	return vet(&(struct vetting){s, part_of(p)->name, text, false, e});
}

int
vet_template(
    const struct share *s, enum page p, const char *text, struct err *e)
{
	if (legible_check(text, e) != 0 || check_template(text, e) != 0)
		return -1;
	return vet(&(struct vetting){s, part_of(p)->name, text, true, e});
}
