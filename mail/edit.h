/* SPDX-License-Identifier: ISC */
/*
 * edit - placeholders, footers and tracking in the body of a message
 *
 * Text parts (text/plain, text/html) of the message are edited: all those of
 * multipart/alternative, the first that is shown inline of any other
 * multipart and, but for the footer, those below it; never attachments, nested
 * messages, calendars, nor anything signed or encrypted.  Edits are spliced
 * into the original octets: every octet outside of them stays.  Malformed
 * structure, and what different readers would understand differently, is left
 * alone.
 *
 * Nothing here blocks, and one process may edit in many threads at once.
 */
#ifndef MAIL_EDIT_H
#define MAIL_EDIT_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/*
 * Memory: with an arena of EDIT_ROOM(size) octets, what is in memory at any
 * time is at most 4 * size + 1 MB: the caller's copy of the message, the arena,
 * and either GMime's copy and objects, before the arena is used, or gumbo's
 * tree, which has size + 512 KB.  A message that needs more is skipped as too
 * big: one with more than half a megabyte of encoded text, or with an edit
 * every few words.
 */
#define EDIT_ROOM(size) (2 * (size) + 512 * 1024)

enum edit_value { EDIT_UNSUBSCRIBE, EDIT_PREFERENCES, EDIT_WHY, EDIT_BRAND };

/* What another system calls one of the values. */
struct edit_alias {
	const char *name; /* with its brackets: "*|UNSUB|*" */
	enum edit_value value;
};

/* What to do; all strings are UTF-8, addresses of links ASCII. */
struct edit_plan {
	/* Values of placeholders; one that is NULL is not filled in. */
	const char *unsubscribe_url, *preferences_url, *why_url, *brand;
	const struct edit_alias *aliases; /* beside the built-in ones */
	size_t n_aliases;

	/* For a part without a link to the opt-out page, that is, one that
	 * begins with link_prefix, and is no longer unless that ends in a
	 * slash or the link has a query; NULL for none. */
	const char *footer_text, *footer_html;
	const char *link_prefix;
	bool before_signature; /* footer_text goes before a "-- " line */

	/* Remove images that report back, and unwrap redirected links.  Hosts
	 * stand for their subdomains, too; lists end in NULL, or are NULL. */
	bool strip_tracking;
	const char *const *tracker_hosts, *const *redirectors;

	size_t max_size; /* of headers and body together; 0 is no limit */
};

/* Why something was left alone. */
enum edit_skip {
	EDIT_DONE = 0,	/* nothing was */
	EDIT_SIGNED,	/* nothing was edited: it would break a signature */
	EDIT_ENCRYPTED, /* nothing was edited: the text cannot be seen */
	EDIT_TOO_BIG,	/* nothing was edited: max_size, or the arena */
	EDIT_NO_TEXT,	/* nothing was edited: there is no text part */
	EDIT_UNREADABLE /* a text part, or all, is malformed or unknown */
};

/* A word for logs and reports; "" for EDIT_DONE. */
const char *edit_skip_word(enum edit_skip s);

struct edit_message {
	const char *head; /* the header fields, without the empty line */
	size_t head_len;
	const char *body;
	size_t body_len;
};

/* A stretch of the new body: of the old one, or of the arena.  Not empty,
 * unless the new body is. */
struct edit_piece {
	const char *data;
	size_t len;
};

/* A header field of the message to be changed, or added where there is none.
 * The value has no leading space; its folds are LF, as libmilter wants. */
struct edit_field {
	const char *name, *value;
};

enum { EDIT_FIELDS_MAX = 3 };

struct edit_result {
	const struct edit_piece *body; /* in this order; none: unchanged */
	size_t n_body;
	/* Content-Type, Content-Transfer-Encoding, MIME-Version only */
	struct edit_field fields[EDIT_FIELDS_MAX];
	size_t n_fields;
	unsigned placeholders, footers, pixels, links;
	enum edit_skip skipped;
};

/* Prepares the libraries: once per process, before the first thread. */
void edit_init(void);

/* Edits a message; `out` points into `a` and into the message. */
void edit_message(struct arena *a, const struct edit_message *m,
    const struct edit_plan *plan, struct edit_result *out)
    __attribute__((nonnull));

#endif
