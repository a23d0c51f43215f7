/* SPDX-License-Identifier: ISC */
/*
 * list - the List-* header fields that a message leaves with
 */
#ifndef MILTER_LIST_H
#define MILTER_LIST_H

#include "policy/err.h"

struct arena;
struct conf;
struct keys;
struct recipient;
struct stream;
struct stream_purpose;

#define LIST_POST_VALUE "List-Unsubscribe=One-Click" /* RFC 8058, 3.1 */

/* Values of header fields, folded with LF and a tab, without the name; NULL
 * for a field that is not to be there. */
struct list_fields {
	const char *unsubscribe, *unsubscribe_post, *id;
};

/*
 * The fields for `only`, the one recipient of the message; or, when it has
 * several, for NULL: then a link that names nobody and no promise of one click
 * (RFC 8058, 3.1: it must work without asking anything).  An https URI comes
 * first, then mailto, each whole on a line of its own (RFC 2369, RFC 8058);
 * List-Id is RFC 2919's.  Strings live in `a`; -1 when it is full.
 */
int list_fields(struct arena *a, const struct conf *c, const struct keys *k,
    const struct stream *s, const struct stream_purpose *p,
    const struct recipient *only, struct list_fields *out, struct err *e)
    __attribute__((nonnull(1, 2, 3, 4, 5, 7, 8), warn_unused_result));

#endif
