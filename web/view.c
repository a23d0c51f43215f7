/* SPDX-License-Identifier: ISC */
/*
 * view - from rows of the database to what templates show
 */
#include "web/view.h"

#include "policy/pg.h"

void
view_text(json_t *view, const char *key, const struct pg_rows *rows, size_t row,
    size_t col)
{
	if (!pg_rows_null(rows, row, col))
		json_object_set_new(
		    view, key, json_string(pg_rows_text(rows, row, col)));
}

void
view_titles(json_t *view, const char *key, const struct pg_rows *rows,
    size_t row, size_t col)
{
	if (!pg_rows_null(rows, row, col))
		json_object_set_new(view, key,
		    json_pack("{s:o}", "titles",
			json_loads(pg_rows_text(rows, row, col), 0, NULL)));
}
