/* SPDX-License-Identifier: ISC */
/*
 * dom - what a browser makes of HTML, also where its tags do not match, by
 * gumbo
 *
 * gumbo cannot fail: it trusts its allocator.  Ours has a cap, and leaves the
 * parser by a long jump when that is reached; nothing is lost, because gumbo
 * owns nothing but memory and all of that is in one arena.  For the same reason
 * its tree is never taken down node by node, which recurses.
 */
#include "dom.h"

#include <gumbo.h>
#include <setjmp.h>
#include <string.h>

#include "html.h"
#include "policy/arena.h"

enum { ROOM = 512 * 1024, DEPTH_MAX = 512, ATTRIBUTES_MAX = 32 };

struct memory {
	struct arena *arena;
	jmp_buf full;
};

static void *
allocate(void *userdata, size_t n)
{
	struct memory *m = userdata;
	void *p = arena_alloc(m->arena, n);

	if (p == NULL)
		longjmp(m->full, 1);
	return p;
}

static void
release(void *userdata, void *p)
{
	(void)userdata;
	(void)p;
}

static const GumboNode *
last_element(const GumboNode *node)
{
	const GumboVector *children = &node->v.element.children;

	for (unsigned i = children->length; i-- > 0;) {
		const GumboNode *child = children->data[i];

		if (child->type == GUMBO_NODE_ELEMENT)
			return child;
	}
	return NULL;
}

static const GumboNode *
body_of(const GumboOutput *output)
{
	const GumboVector *children = &output->root->v.element.children;

	for (unsigned i = 0; i < children->length; i++) {
		const GumboNode *child = children->data[i];

		if (child->type == GUMBO_NODE_ELEMENT &&
		    child->v.element.tag == GUMBO_TAG_BODY)
			return child;
	}
	return NULL;
}

/* The name of an element that is open at the end; NULL if it is not. */
static const char *
left_open(struct arena *a, const GumboElement *e)
{
	GumboStringPiece name = e->original_tag;
	const char *known = gumbo_normalized_tagname(e->tag);

	if (e->original_end_tag.length > 0)
		return NULL;
	if (e->tag != GUMBO_TAG_UNKNOWN)
		return (html_traits(known, strlen(known)) & HTML_EMPTY) != 0
		    ? NULL
		    : known;
	gumbo_tag_from_original_text(&name);
	return html_plain_name(name.data, name.length)
	    ? arena_strndup(a, name.data, name.length)
	    : NULL;
}

/* Along the last children: only what is open can have been added to last. */
static bool
collect(struct arena *a, const GumboOutput *output, char **out)
{
	const GumboNode *node = body_of(output);
	char *closers = arena_strdup(a, "");

	for (int depth = 0; node != NULL && closers != NULL; depth++) {
		const char *name;

		if (depth == DEPTH_MAX)
			return false;
		node = last_element(node);
		if (node == NULL)
			break;
		name = left_open(a, &node->v.element);
		if (name != NULL)
			closers = arena_printf(a, "</%s>%s", name, closers);
	}
	*out = closers;
	return closers != NULL;
}

/* What is to be done with a parsed text. */
typedef bool use(void *arg, const GumboOutput *output);

static bool
with_parsed(const char *text, size_t len, use *use_it, void *arg)
{
	struct memory memory = {.arena = arena_new(len + ROOM)};
	GumboOptions options = kGumboDefaultOptions;
	volatile bool told = false;

	if (memory.arena == NULL)
		return false;
	options.allocator = allocate;
	options.deallocator = release;
	options.userdata = &memory;
	options.max_errors = 0;
	if (setjmp(memory.full) == 0)
		told =
		    use_it(arg, gumbo_parse_with_options(&options, text, len));
	arena_free(&memory.arena);
	return told;
}

struct closers {
	struct arena *arena;
	char **out;
};

static bool
find_closers(void *arg, const GumboOutput *output)
{
	const struct closers *c = arg;

	return collect(c->arena, output, c->out);
}

bool
dom_closers(struct arena *a, const char *text, size_t len, char **out)
{
	return with_parsed(text, len, find_closers, &(struct closers){a, out});
}

struct walk {
	dom_visit *visit;
	void *arg;
};

static const char *
first_text(const GumboElement *e)
{
	const GumboNode *first =
	    e->children.length == 0 ? NULL : e->children.data[0];

	return first != NULL && first->type == GUMBO_NODE_TEXT
	    ? first->v.text.text
	    : "";
}

static bool visit_node(const struct walk *w, const GumboNode *node, int depth);

static bool
visit_element(const struct walk *w, const GumboElement *e, int depth)
{
	struct dom_attribute attributes[ATTRIBUTES_MAX];
	const struct dom_element one = {
	    .name = gumbo_normalized_tagname(e->tag),
	    .line = e->original_tag.length > 0 ? e->start_pos.line : 0,
	    .text = first_text(e),
	    .n = e->attributes.length,
	    .attributes = attributes,
	};

	if (depth == DEPTH_MAX || one.n > ATTRIBUTES_MAX)
		return false;
	for (size_t i = 0; i < one.n; i++) {
		const GumboAttribute *a = e->attributes.data[i];

		attributes[i] = (struct dom_attribute){a->name, a->value};
	}
	if (!w->visit(w->arg, &one, false))
		return false;
	for (unsigned int i = 0; i < e->children.length; i++)
		if (!visit_node(w, e->children.data[i], depth + 1))
			return false;
	return w->visit(w->arg, &one, true);
}

static bool
visit_node(const struct walk *w, const GumboNode *node, int depth)
{
	return (node->type != GUMBO_NODE_ELEMENT &&
		   node->type != GUMBO_NODE_TEMPLATE) ||
	    visit_element(w, &node->v.element, depth);
}

static bool
walk(void *arg, const GumboOutput *output)
{
	return visit_node(arg, output->root, 0);
}

bool
dom_walk(const char *text, size_t len, dom_visit *visit, void *arg)
{
	return with_parsed(text, len, walk, &(struct walk){visit, arg});
}
