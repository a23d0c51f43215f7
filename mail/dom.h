/* SPDX-License-Identifier: ISC */
/*
 * dom - what a browser makes of HTML, also where its tags do not match, by
 * gumbo
 */
#ifndef MAIL_DOM_H
#define MAIL_DOM_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* The end tags of what is open in the body at the end of the text, innermost
 * first.  False if that would take more than len + 512 KB, or cannot be
 * told. */
bool dom_closers(struct arena *a, const char *text, size_t len, char **out)
    __attribute__((nonnull, warn_unused_result));

struct dom_attribute {
	const char *name, *value; /* the name in lower case */
};

struct dom_element {
	const char *name; /* in lower case; "" if HTML has none such */
	size_t line;	  /* where it begins, from 1; 0: nobody wrote it */
	const char *text; /* that it begins with, "" for none */
	size_t n;
	const struct dom_attribute *attributes;
};

/* Called where an element begins and where it ends; false: that is enough. */
typedef bool dom_visit(void *arg, const struct dom_element *e, bool ends);

/* Visits the elements of a document in their order.  False if one visit
 * returned false, or if this would take more than len + 512 KB or more than 512
 * elements in each other. */
bool dom_walk(const char *text, size_t len, dom_visit *visit, void *arg)
    __attribute__((nonnull(1, 3), warn_unused_result));

#endif
