/* SPDX-License-Identifier: ISC */
/*
 * tail - where the body of an HTML text ends for the reader
 */
#ifndef MAIL_TAIL_H
#define MAIL_TAIL_H

#include <stdbool.h>
#include <stddef.h>

struct html_reader;
struct html_token;

enum { TAIL_DEPTH_MAX = 128 };

/* What is open at a place of the text.  Zero to begin with. */
struct tail {
	size_t end; /* where the body ends */
	bool ended; /* by an end tag; only white space and comments since */
	bool sure;  /* false once the tags are not properly nested */
	bool deep;  /* more elements are open than are noted */
	bool loose; /* the last element that may lack its end tag does */
	size_t loose_at, loose_depth; /* its name; how many were open */
	bool astray; /* a link was left open in something that was closed */
	size_t depth;
	struct {
		size_t at, len;
	} open[TAIL_DEPTH_MAX]; /* names of elements not closed yet */
};

/* Takes note of the next token of the text. */
void tail_note(struct tail *t, const struct html_reader *r,
    const struct html_token *token) __attribute__((nonnull));

struct arena;

/* The end tags that a footer must begin with, so as not to become part of a
 * table, a link or something hidden that was never closed.  NULL when the arena
 * is full. */
const char *tail_closers(struct arena *a, const struct tail *t,
    const struct html_reader *r) __attribute__((nonnull, warn_unused_result));

#endif
