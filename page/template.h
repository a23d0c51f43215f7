/* SPDX-License-Identifier: ISC */
/*
 * template - Mustache, all that its specification requires
 *
 * Comments, interpolation, sections, inverted sections, partials and set
 * delimiters (mustache(5), the specification's required modules); inheritance
 * is not there, and of lambdas one, for translation.  What is filled in is
 * escaped for HTML unless the template says otherwise.
 */
#ifndef PAGE_TEMPLATE_H
#define PAGE_TEMPLATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "policy/buf.h"
#include "policy/err.h"

struct template;

/* Parses `len` octets, which must outlive the result.  NULL and an error that
 * names the line when a tag or a section is not closed or makes no sense. */
struct template *template_parse(const char *text, size_t len, struct err *e)
    __attribute__((nonnull, warn_unused_result));
void template_free(struct template **t);

/* The text of a partial, NUL-terminated; NULL when there is none, which is
 * rendered as nothing. */
typedef const char *template_partial(void *arg, const char *name, size_t len);

/* The template that `len` octets of text are in the reader's language,
 * NUL-terminated. */
typedef const char *template_translate(void *arg, const char *text, size_t len);

/* Where the words of a template come from; each may be NULL. */
struct template_source {
	template_partial *partial;
	template_translate *translate;
	void *arg;
	bool plain; /* it is not HTML: nothing is escaped */
};

/* Renders `t` with `view`, an object.  With a translator, what stands in a
 * section called "t" is a sentence: it is translated as it stands there, its
 * spaces made one, and then rendered.  0, or -1 and `e` when a partial or a
 * sentence cannot be parsed, or contains itself without an end, or when all of
 * it would be more than a million pieces or 16 MB. */
int template_render(const struct template *t, const json_t *view,
    const struct template_source *source, struct buf *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
