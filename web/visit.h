/* SPDX-License-Identifier: ISC */
/*
 * visit - somebody who came with the link to a profile
 */
#ifndef WEB_VISIT_H
#define WEB_VISIT_H

#include <jansson.h>
#include <stdbool.h>

#include "policy/addr.h"
#include "policy/token.h"
#include "web/guard.h"
#include "web/page.h"
#include "web/request.h"

struct err;
struct pg_rows;
struct store;

struct visit {
	struct request *r;
	struct response *w;
	struct token token;
	struct addr_key key;  /* of the address that it was mailed to */
	struct pg_rows *rows; /* for the caller to free */
	const char *language; /* as long as those */
};

/* Opens the link of `v->r`, as the role of `store`.  False, having answered,
 * when it opens nothing or nobody can say. */
bool visit_begin(struct visit *v, struct store *store)
    __attribute__((nonnull, warn_unused_result));

/* Answers with a page whose forms carry the mark of that step; `view` is taken
 * over. */
void visit_show(struct visit *v, enum page page, enum guard_step step,
    json_t *view) __attribute__((nonnull));

/* Answers with the profile as it stands, and what became of a press (NULL:
 * nothing was to be done). */
void visit_profile(struct visit *v, const char *result)
    __attribute__((nonnull(1)));

/* What visit_read() returns: one row of these. */
enum { VISIT_LANGUAGE, VISIT_BRAND, VISIT_ADDRESS, VISIT_EDITS, VISIT_DATA };

/* Reads what the link shows, which is recorded.  NULL, having answered, when
 * that cannot be: with `otherwise` when nobody can say. */
struct pg_rows *visit_read(struct visit *v, enum page otherwise)
    __attribute__((nonnull, warn_unused_result));

/* Answers with that page, and logs why. */
void visit_fail(struct visit *v, enum page page, const struct err *e)
    __attribute__((nonnull));

#endif
