/* SPDX-License-Identifier: ISC */
/*
 * look - whose a page is, and what of it is their own
 *
 * What holds for which page is SQL's to say (assent.page_look).
 */
#include "page/look.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/store.h"

enum { NAME_MAX_OCTETS = 63 };

/* The columns of the query below. */
enum {
	BRAND,
	SENDER,
	PURPOSE,
	COLOUR,
	LOGO,
	PAGE,
	TITLE,
	BODY,
	BUTTON,
	TEMPLATE,
	LACKS
};

static const char *
column(const struct pg_rows *rows, size_t col)
{
	return pg_rows_null(rows, 0, col) ? NULL : pg_rows_text(rows, 0, col);
}

bool
look_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= NAME_MAX_OCTETS &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

int
look_read(struct store *s, const struct look_place *at, const struct part *part,
    const char *language, struct look *out, struct err *e)
{
	static const struct pg_statement get = {
	    .name = "look",
	    .sql =
		"SELECT brand, sender, purpose, colour, logo, page, title, "
		"body, button, template, lacks FROM assent.page_look($1, $2, "
		"$3::text::int, $4, $5)",
	};
	struct pg_rows *rows;
	char number[8];
	const struct pg_param params[] = {
	    {part_kind_word(part->kind), 0},
	    {at->page != NULL && look_name(at->page) ? at->page : NULL, 0},
	    {at->purpose == 0 ? NULL : number, 0},
	    {part->name, 0},
	    {language, 0},
	};

	*out = (struct look){0};
	snprintf(number, sizeof(number), "%" PRIu16, at->purpose);
	if (store_exec(s, &get, params, sizeof(params) / sizeof(params[0]),
		&rows, e) != 0)
		return -1;
	out->rows = rows;
	if (pg_rows_count(rows) == 0)
		return 0;
	out->brand = column(rows, BRAND);
	out->sender = column(rows, SENDER);
	out->purpose = column(rows, PURPOSE);
	out->colour = column(rows, COLOUR);
	out->logo = column(rows, LOGO);
	out->page = column(rows, PAGE);
	out->title = column(rows, TITLE);
	out->body = column(rows, BODY);
	out->button = column(rows, BUTTON);
	out->template = column(rows, TEMPLATE);
	out->lacks = pg_rows_text(rows, 0, LACKS)[0] == 't';
	return 0;
}

void
look_free(struct look *look)
{
	pg_rows_free(&look->rows);
	*look = (struct look){0};
}
