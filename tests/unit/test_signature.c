/* SPDX-License-Identifier: ISC */
/*
 * test_signature - what a DKIM signature covers
 */
#include "unit.h"

#include "milter/signature.h"

static void
covered(void **state)
{
	static const char *const rows[] = {"h=List-Id", "h=list-id;",
	    "h=a:LIST-ID", "h=list-id:a", "v=1; h = from : list-id :date; b=x",
	    "v=1;\n\th=from:\n\t list-id", "h=from;h=list-id",
	    /* Nothing says what is covered. */
	    "", "v=1; b=x", "v=1; hh=from; bh=from", "H=from",
	    /* Nor can this be made out. */
	    "h=from list-id", "h=from date; b=x"};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		want(signature_covers(rows[i], "List-Id"), "\"%s\"", rows[i]);
}

static void
not_covered(void **state)
{
	static const char *const rows[] = {"h=from", "h=from:date", "h=", "h=;",
	    "h=from:", "h=:from", "h=list-id-2:x-list-id:list",
	    "v=1; bh=list-id; h=from; b=list-id",
	    "z=List-Id:x; h=from : subject :\n\tdate; d=list-id"};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		want(!signature_covers(rows[i], "List-Id"), "\"%s\"", rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(covered),
	    cmocka_unit_test(not_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
