/* SPDX-License-Identifier: ISC */
/*
 * piece - what a parsed template is made of; for template.c and render.c
 */
#ifndef PAGE_PIECE_H
#define PAGE_PIECE_H

#include <stdbool.h>
#include <stddef.h>

/* How deep sections, partials and sentences may be in each other. */
enum { TEMPLATE_DEPTH = 64 };

enum piece_kind {
	KIND_TEXT,
	KIND_ESCAPED,
	KIND_RAW,
	KIND_SECTION,
	KIND_INVERTED,
	KIND_END,
	KIND_PARTIAL
};

struct piece {
	enum piece_kind kind;
	const char *text; /* what stands there, or the name */
	size_t len;
	size_t end;	   /* of a section: the number of its end */
	const char *inner; /* of a section: its text, up to inner_end */
	const char *inner_end;
	size_t indent_len; /* of a partial: what its lines begin with */
	const char *indent;
};

struct template
{
	struct piece *pieces;
	size_t n, size;
};

/* White space, as far as templates know any. */
static inline bool
piece_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

#endif
