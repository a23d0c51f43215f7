/* SPDX-License-Identifier: ISC */
/*
 * sheet - CSV for spreadsheets (RFC 4180)
 *
 * What people typed into forms ends up here, and on the desk of whoever opens
 * the file: it must stay text.
 */
#include "sheet.h"

#include <stdbool.h>
#include <string.h>

/* Spreadsheets skip blanks before a formula, or what they take for blank. */
static bool
is_formula(const char *text)
{
	static const char digits[] = "0123456789";

	while (*text != '\0' && (unsigned char)*text <= ' ')
		text++;
	if (*text == '\0' || strchr("=+-@", *text) == NULL)
		return false;
	return *text != '+' || text[1] == '\0' ||
	    text[1 + strspn(text + 1, digits)] != '\0';
}

static void
write_cell(FILE *f, const char *text)
{
	putc('"', f);
	if (is_formula(text))
		putc('\'', f);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"')
			putc('"', f);
		putc(c < ' ' || c == 0x7f ? ' ' : c, f);
	}
	putc('"', f);
}

void
sheet_row(FILE *f, const char *const *cells, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			putc(',', f);
		if (cells[i] != NULL && cells[i][0] != '\0')
			write_cell(f, cells[i]);
	}
	putc('\n', f);
}
