/* SPDX-License-Identifier: ISC */
/*
 * legible - whether a text is one that people can read
 *
 * A button of which nothing can be seen is no button.  There are many ways to
 * be blank besides a space: Unicode has spaces of every width, characters that
 * only change their neighbours, and letters without a shape.
 */
#include "page/legible.h"

#include <string.h>
#include <unictype.h>
#include <unistr.h>

enum { BRAILLE_BLANK = 0x2800 }; /* a symbol, and yet nothing is there */

static bool
shows(ucs4_t c)
{
	return uc_is_general_category_withtable(c,
		   UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N |
		       UC_CATEGORY_MASK_P | UC_CATEGORY_MASK_S) &&
	    !uc_is_property_default_ignorable_code_point(c) &&
	    c != BRAILLE_BLANK;
}

bool
legible(const char *text, size_t len)
{
	const uint8_t *at = (const uint8_t *)text, *end = at + len;
	ucs4_t c = 0;

	while (at < end && !shows(c)) {
		int n = u8_mbtoucr(&c, at, (size_t)(end - at));

		if (n <= 0)
			return false;
		at += n;
	}
	return shows(c);
}

int
legible_check(const char *text, struct err *e)
{
	const size_t len = strlen(text);
	const uint8_t *at = (const uint8_t *)text, *end = at + len;
	size_t line = 1;
	ucs4_t c;

	for (int n; at < end; at += n) {
		n = u8_mbtoucr(&c, at, (size_t)(end - at));
		if (n <= 0)
			return err_set(
			    e, ERR_REFUSED, "line %zu: this is no UTF-8", line);
		if (uc_is_general_category(c, UC_CONTROL) && c != '\t' &&
		    c != '\n' && c != '\r')
			return err_set(e, ERR_REFUSED,
			    "line %zu: a control character (U+%04X)", line,
			    (unsigned int)c);
		line += c == '\n';
	}
	if (!legible(text, len))
		return err_set(e, ERR_REFUSED, "nothing of it can be seen");
	return 0;
}

size_t
legible_length(const char *text)
{
	return u8_mbsnlen((const uint8_t *)text, strlen(text));
}
