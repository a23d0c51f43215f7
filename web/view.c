/* SPDX-License-Identifier: ISC */
/*
 * view - from rows of the database to what templates show
 */
#include "web/view.h"

#include <stdbool.h>
#include <string.h>

#include "policy/pg.h"

/* In door.mustache each has a sentence. */
static const char *const doors[] = {"api", "double-opt-in", "double-opt-out",
    "form", "import", "mail", "offline", "one-click", "operator", "page",
    "partner", "preferences", "profile"};

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

static bool
is_known(const char *door)
{
	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++)
		if (strcmp(doors[i], door) == 0)
			return true;
	return false;
}

void
view_door(json_t *view, const char *key, const char *door)
{
	json_t *said = json_false();

	if (door != NULL)
		said = is_known(door) ? json_pack("{s:b}", door, 1)
				      : json_pack("{s:s}", "other", door);
	json_object_set_new(view, key, said);
}
