/* SPDX-License-Identifier: ISC */
/*
 * read - a message as its recipient has it: header fields and decoded texts
 *
 * For looking at a message, not for changing it: nothing here knows at which
 * octet anything stood.
 */
#ifndef MAIL_READ_H
#define MAIL_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/err.h"

struct arena;

struct mail_field {
	const char *name;  /* as it is written */
	const char *raw;   /* what follows the colon, folds included */
	const char *value; /* the same on one line, without blanks around it */
};

/* A text that the recipient reads; one is NUL-terminated, and UTF-8 unless its
 * part lied about itself. */
struct mail_text {
	const char *text;
	size_t len;
	bool html;
};

/* Texts beyond these are not looked into, and `unread` says so. */
enum { MAIL_TEXTS = 64, MAIL_TEXT_MAX = 1 << 20 };

struct mail {
	size_t n_fields, n_texts;
	struct mail_field *fields; /* those of Content-* come last */
	struct mail_text *texts;
	const char *unread; /* why a text could not be read, NULL if all were */
	const char
	    *flaw; /* what is wrong with its structure, NULL if nothing */
	const char *from, *to; /* the first mailbox of each, NULL if none */
	size_t n_from, n_to;   /* mailboxes in From; in To and Cc together */
	bool dated;	       /* Date can be read */
	bool controls;	       /* it has a NUL, or a CR that no LF follows */
	size_t longest;	       /* octets of the longest line, without its end */
};

/*
 * Reads `len` octets, whose lines end in LF or CRLF.  Which texts: of
 * multipart/alternative all, of other multiparts the first; never attachments
 * nor messages within.  0 and `out`, which lives in `a`; or -1 when there is no
 * header or far too much of one (ERR_REFUSED), or `a` is full (ERR_FATAL).
 */
int mail_read(struct arena *a, const char *octets, size_t len, struct mail *out,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* The field `name` that comes after `after` (NULL: the first); NULL at the end.
 */
const struct mail_field *mail_next(const struct mail *m, const char *name,
    const struct mail_field *after) __attribute__((nonnull(1, 2)));

/* How many fields of that name there are. */
size_t mail_count(const struct mail *m, const char *name)
    __attribute__((nonnull));

#endif
