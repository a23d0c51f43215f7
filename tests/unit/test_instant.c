/* SPDX-License-Identifier: ISC */
/*
 * test_instant - dates and times as people and programs write them
 */
#include "unit.h"

#include "policy/instant.h"

static void
dates(void **state)
{
	static const struct {
		const char *text, *instant;
	} table[] = {
	    {"2026-11-21", "2026-11-21T00:00:00.000000Z"},
	    {"2026-11-21 18:05", "2026-11-21T18:05:00.000000Z"},
	    {"2026-11-21T18:05:09Z", "2026-11-21T18:05:09.000000Z"},
	    {"2026-11-21 18:05:09 UTC", "2026-11-21T18:05:09.000000Z"},
	    {"2026-11-21T18:05:09.25+01:00", "2026-11-21T17:05:09.250000Z"},
	    {"2026-11-21T18:05:09.1234567-0530",
		"2026-11-21T23:35:09.123456Z"},
	    {"2026-11-21 18:05:09+00", "2026-11-21T18:05:09.000000Z"},
	    {"2024-02-29", "2024-02-29T00:00:00.000000Z"},
	    {"0001-01-01", "0001-01-01T00:00:00.000000Z"},
	    {"2026-02-29", NULL},
	    {"2026-02-30", NULL},
	    {"2026-13-01", NULL},
	    {"2026-00-01", NULL},
	    {"2026-01-00", NULL},
	    {"2026-1-1", NULL},
	    {"26-01-01", NULL},
	    {"21.11.2026", NULL},
	    {"2026-11-21 24:00", NULL},
	    {"2026-11-21 18:60", NULL},
	    {"2026-11-21 18:05:60", NULL},
	    {"2026-11-21 18", NULL},
	    {"2026-11-21T", NULL},
	    {"2026-11-21T18:05:09.", NULL},
	    {"2026-11-21T18:05+99", NULL},
	    {"2026-11-21T18:05Zx", NULL},
	    {"2026-11-21x", NULL},
	    {"infinity", NULL},
	    {"now", NULL},
	    {"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char out[INSTANT_TEXT];
		int64_t t;
		bool read = instant_read(table[i].text, &t);

		want(read == (table[i].instant != NULL), "%s", table[i].text);
		if (read)
			assert_string_equal(
			    instant_text(t, out), table[i].instant);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dates),
	};

	return cmocka_run_group_tests_name("instant", tests, NULL, NULL);
}
