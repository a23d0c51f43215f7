/* SPDX-License-Identifier: ISC */
/*
 * body - the body as it leaves, for one recipient
 */
#ifndef MILTER_BODY_H
#define MILTER_BODY_H

#include <stdbool.h>

#include "mail/edit.h"
#include "policy/err.h"

struct arena;
struct message;
struct recipient;
struct session;
struct stream_purpose;

/* Whether tracking is taken out of the message for `only`, or, when that is
 * NULL, for all who share it. */
bool body_strips(const struct message *m, const struct recipient *only)
    __attribute__((nonnull(1), warn_unused_result));

/* An arena that body_edit() has room in; NULL without memory. */
struct arena *body_arena(const struct session *s, size_t more)
    __attribute__((nonnull, warn_unused_result));

/* Edits the body for `only`, or for several who share it when that is NULL;
 * counts and logs what was done.  `out` says what changed, and points into `a`
 * and into the session's message; a body that is not to be edited, or cannot
 * be, is unchanged.  -1 when there is no footer to be had, or the body is too
 * large and such are refused (ERR_REFUSED). */
int body_edit(struct arena *a, const struct session *s,
    const struct stream_purpose *purpose, const struct recipient *only,
    struct edit_result *out, struct err *e)
    __attribute__((nonnull(1, 2, 3, 5, 6), warn_unused_result));

#endif
