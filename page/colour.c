/* SPDX-License-Identifier: ISC */
/*
 * colour - a brand's colour, and what can be read on it
 *
 * A brand chooses one colour; what stands on it and what is written in it on
 * light and dark paper is worked out, so that no choice makes a page that
 * cannot be read.
 */
#include "page/colour.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "policy/buf.h"

enum { STEPS = 20, HEX_DIGITS = 6 };

static const double enough = 4.5;
static const struct colour black = {0, 0, 0};
/* style.css's --brand, and its --paper by day and by night. */
const struct colour colour_plain = {11, 87, 164};
const struct colour colour_white = {255, 255, 255};
static const struct colour night = {26, 26, 26};

bool
colour_parse(const char *text, struct colour *out)
{
	unsigned int rgb;

	if (text[0] != '#' || strlen(text) != HEX_DIGITS + 1 ||
	    strspn(text + 1, "0123456789abcdefABCDEF") != HEX_DIGITS ||
	    sscanf(text + 1, "%6x", &rgb) != 1)
		return false;
	*out = (struct colour){
	    (unsigned char)(rgb >> 16),
	    (unsigned char)(rgb >> 8 & 0xff),
	    (unsigned char)(rgb & 0xff),
	};
	return true;
}

static double
linear(unsigned char channel)
{
	double c = channel / 255.0;

	return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double
luminance(struct colour c)
{
	return 0.2126 * linear(c.red) + 0.7152 * linear(c.green) +
	    0.0722 * linear(c.blue);
}

double
colour_contrast(struct colour a, struct colour b)
{
	double x = luminance(a) + 0.05, y = luminance(b) + 0.05;

	return x > y ? x / y : y / x;
}

struct colour
colour_on(struct colour c)
{
	return colour_contrast(c, black) > colour_contrast(c, colour_white)
	    ? black
	    : colour_white;
}

static unsigned char
between(unsigned char from, unsigned char to, int step)
{
	return (unsigned char)(from + (to - from) * step / STEPS);
}

struct colour
colour_toward(struct colour c, struct colour paper)
{
	const struct colour end = colour_on(paper);
	struct colour now = c;

	for (int i = 1; i <= STEPS && colour_contrast(now, paper) < enough; i++)
		now = (struct colour){
		    between(c.red, end.red, i),
		    between(c.green, end.green, i),
		    between(c.blue, end.blue, i),
		};
	return now;
}

void
colour_text(struct colour c, char out[COLOUR_TEXT])
{
	snprintf(out, COLOUR_TEXT, "#%02x%02x%02x", c.red, c.green, c.blue);
}

static void
put(struct buf *css, const char *name, struct colour c)
{
	char text[COLOUR_TEXT];

	colour_text(c, text);
	buf_printf(css, "--%s:%s;", name, text);
}

void
colour_rule(struct colour c, struct buf *css)
{
	buf_puts(css, ":root{");
	put(css, "brand", c);
	put(css, "on-brand", colour_on(c));
	put(css, "link", colour_toward(c, colour_white));
	buf_puts(css, "}@media(prefers-color-scheme:dark){:root{");
	/* Named again: style.css has others for the night. */
	put(css, "brand", c);
	put(css, "on-brand", colour_on(c));
	put(css, "link", colour_toward(c, night));
	buf_puts(css, "}}\n");
}
