/* SPDX-License-Identifier: ISC */
/*
 * html - a text part as a sequence of tags and text
 *
 * Enough of the HTML standard's tokenizer to know what is a tag, what a reader
 * sees, and where the body ends; it builds no tree.
 */
#ifndef MAIL_HTML_H
#define MAIL_HTML_H

#include <stdbool.h>
#include <stddef.h>

enum html_kind {
	HTML_END = 0,
	HTML_TEXT,
	HTML_OPEN,    /* <name ...> */
	HTML_CLOSE,   /* </name> */
	HTML_COMMENT, /* comments, declarations, what is not shown of scripts */
	HTML_UNENDED  /* a construct that the text ends within: nothing from
		       * here on is shown as it was meant */
};

/* What matters about an element. */
enum html_trait {
	HTML_LINK = 1 << 0,  /* a, area */
	HTML_IMAGE = 1 << 1, /* img */
	HTML_OUTER = 1 << 2, /* html, body */
	HTML_RAW = 1 << 3,   /* its content is text up to its own end tag */
	HTML_EMPTY = 1 << 4, /* has no content and no end tag */
	HTML_LOOSE = 1 << 5  /* may lack one of its tags */
};

struct html_token {
	enum html_kind kind;
	size_t at, end; /* its octets */
	size_t name;	/* of a tag: where it begins */
	size_t name_len;
	unsigned traits;
	bool hidden; /* in a conditional comment */
};

/* To be started with text and length, the rest zero. */
struct html_reader {
	const char *text;
	size_t len;
	size_t at;
	size_t conditional; /* the end of the conditional comment we are in */
	size_t raw;	    /* where the content of a script or its kin ends */
	size_t ended;	    /* where an unended construct begins, plus one */
};

/* The next token; false at the end. */
bool html_next(struct html_reader *r, struct html_token *out)
    __attribute__((nonnull, warn_unused_result));

/* The traits of an element's name; 0 for one that has none. */
unsigned html_traits(const char *name, size_t len)
    __attribute__((nonnull, warn_unused_result));

/* Whether a name can be written into an end tag as it is. */
bool html_plain_name(const char *name, size_t len)
    __attribute__((nonnull, warn_unused_result));

struct html_attr {
	const char *name, *value; /* value without quotes; NULL if none */
	size_t name_len, value_len;
};

/* The attribute that begins at or after `*at`, an offset into the text that
 * starts as the end of the tag's name; false when there is none left. */
bool html_attr_next(const struct html_reader *r, const struct html_token *t,
    size_t *at, struct html_attr *out)
    __attribute__((nonnull, warn_unused_result));

/* The first attribute of that name; false if there is none. */
bool html_attr_get(const struct html_reader *r, const struct html_token *t,
    const char *name, struct html_attr *out)
    __attribute__((nonnull, warn_unused_result));

/* The octets of a character reference at `p` ("&amp;") and the ASCII character
 * it stands for; 0 if there is none, or it is another character. */
size_t html_reference(const char *p, size_t len, char *out)
    __attribute__((nonnull, warn_unused_result));

#endif
