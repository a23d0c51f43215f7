/* SPDX-License-Identifier: ISC */
/*
 * colour - a brand's colour, and what can be read on it
 *
 * Contrast is WCAG 2.1's (1.4.3, "relative luminance").
 */
#ifndef PAGE_COLOUR_H
#define PAGE_COLOUR_H

#include <stdbool.h>

struct buf;

enum { COLOUR_TEXT = 8 };

struct colour {
	unsigned char red, green, blue;
};

/* Of pages whose brand has chosen none; and paper by day. */
extern const struct colour colour_plain, colour_white;

/* Reads "#rrggbb". */
bool colour_parse(const char *text, struct colour *out)
    __attribute__((nonnull, warn_unused_result));

/* Writes it so. */
void colour_text(struct colour c, char out[COLOUR_TEXT])
    __attribute__((nonnull));

/* From 1 to 21. */
double colour_contrast(struct colour a, struct colour b)
    __attribute__((warn_unused_result));

/* Black or white, whichever can be read on `c`: 4.5 is always reached. */
struct colour colour_on(struct colour c) __attribute__((warn_unused_result));

/* `c`, or the nearest to it on the way to black or white that can be read on
 * `paper`. */
struct colour colour_toward(struct colour c, struct colour paper)
    __attribute__((warn_unused_result));

/* Appends a rule that gives style.css's variables these colours. */
void colour_rule(struct colour c, struct buf *css) __attribute__((nonnull));

#endif
