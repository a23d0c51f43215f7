/* SPDX-License-Identifier: ISC */
/*
 * fields - which header fields a message leaves with
 *
 * One plan for both ways out: fields that the MTA is told to change, and
 * fields of a private copy.
 */
#ifndef MILTER_FIELDS_H
#define MILTER_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/err.h"
#include "session.h"

/* All of this name go; then `value` comes at the end, unless it is NULL. */
struct field_edit {
	enum author_header which;
	const char *value; /* folded with LF and a tab */
};

struct fields {
	size_t n;
	struct field_edit edit[AUTHOR_HEADERS];
};

struct arena;

/* The plan for `only`, the one recipient, or NULL when several share the
 * message.  Strings live in `a`; -1 when it is full. */
int fields_plan(struct arena *a, const struct message *m,
    const struct stream_purpose *purpose, const struct recipient *only,
    struct fields *out, struct err *e)
    __attribute__((nonnull(1, 2, 3, 5, 6), warn_unused_result));

/* Whether the plan takes out fields called `name`. */
bool fields_replace(const struct fields *f, const char *name)
    __attribute__((nonnull));

/* Whether the plan changes a field that a signature on the message covers. */
bool fields_break_signature(const struct fields *f, const struct message *m)
    __attribute__((nonnull));

#endif
