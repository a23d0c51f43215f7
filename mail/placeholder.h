/* SPDX-License-Identifier: ISC */
/*
 * placeholder - the marks in a text that stand for a link or a name
 */
#ifndef MAIL_PLACEHOLDER_H
#define MAIL_PLACEHOLDER_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct edit_plan;
struct splices;

/*
 * Adds a splice for every placeholder of the text that the plan has a value
 * for: our own, those of other systems, the plan's aliases.  Each is also
 * found URL-escaped (%7B%7B...), and in HTML when written with character
 * references.  Values are escaped for HTML; what is URL-escaped as part of a
 * longer address stays so.
 */
void placeholder_find(const struct edit_plan *plan, const char *text,
    size_t len, bool html, struct splices *out) __attribute__((nonnull));

/* `utf8` with the five characters escaped that mean something in HTML. */
char *placeholder_escape(struct arena *a, const char *utf8, size_t len)
    __attribute__((nonnull, warn_unused_result));

#endif
