/* SPDX-License-Identifier: ISC */
/*
 * cursor - a look through a whole table, some rows at a time
 *
 * The planner is told that all rows are wanted: for the first few of a hundred
 * million it would choose an index.
 */
#include "cursor.h"

#include "ledger.h"

static const char begin[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
			    "SET LOCAL cursor_tuple_fraction = 1";

int
cursor_run(struct pg *p, const char *query,
    int (*each)(void *arg, const struct pg_rows *rows, struct err *e),
    void *arg, struct err *e)
{
	static const struct pg_statement fetch = {
	    .sql = "FETCH 4096 FROM look",
	    .binary = true,
	};
	struct pg_rows *rows;
	bool more = true;
	int rc = 0;

	if (ledger_run(p, begin, e) != 0 || ledger_run(p, query, e) != 0)
		return -1;
	while (rc == 0 && more) {
		if (ledger_exec(p, &fetch, NULL, 0, &rows, e) != 0)
			return -1;
		more = pg_rows_count(rows) > 0;
		rc = each(arg, rows, e);
		pg_rows_free(&rows);
	}
	return rc == 0 ? ledger_run(p, "COMMIT", e) : -1;
}
