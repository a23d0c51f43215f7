/* SPDX-License-Identifier: ISC */
/*
 * test_arena - memory that goes together, up to a cap
 */
#include "unit.h"

#include <stdalign.h>

#include "policy/arena.h"

static void
the_cap_holds_to_the_octet(void **state)
{
	static const struct {
		size_t cap, n;
		int fit;
	} rows[] = {{0, 1, 0}, {1, 1, 1}, {100, 10, 10}, {100, 7, 14},
	    {100000, 1, 100000}, {100000, 5000, 20}, {100000, 100000, 1},
	    {100000, 100001, 0}, {100000, SIZE_MAX, 0},
	    {100000, SIZE_MAX - 8, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena *a = arena_new(rows[i].cap);
		int fit = 0;

		assert_non_null(a);
		while (arena_alloc(a, rows[i].n) != NULL)
			fit++;
		want(fit == rows[i].fit, "row %zu: %d", i, fit);
		arena_free(&a);
		assert_null(a);
	}
}

static void
what_does_not_fit_takes_nothing(void **state)
{
	struct arena *a = arena_new(10);

	(void)state;
	assert_non_null(arena_alloc(a, 6));
	assert_null(arena_alloc(a, 5));
	assert_non_null(arena_alloc(a, 4));
	assert_null(arena_alloc(a, 1));
	arena_free(&a);
}

static void
reset_gives_everything_back(void **state)
{
	struct arena *a = arena_new(50000);
	void *first;

	(void)state;
	first = arena_alloc(a, 1);
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 5; i++) {
			unsigned char *p = arena_alloc(a, 9000);

			want(p != NULL, "round %d, %d", round, i);
			memset(p, 0xff, 9000);
		}
		arena_reset(a);
		/* The first block is the one that stays. */
		assert_ptr_equal(arena_alloc(a, 1), first);
	}
	arena_free(&a);
}

static void
octets_are_zero_also_the_second_time(void **state)
{
	static const size_t sizes[] = {1, 15, 16, 17, 1000, 5000, 40000};
	struct arena *a = arena_new(1 << 20);

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < COUNT(sizes); i++) {
			unsigned char *p = arena_alloc(a, sizes[i]);

			assert_non_null(p);
			for (size_t j = 0; j < sizes[i]; j++)
				want(p[j] == 0, "size %zu, octet %zu", sizes[i],
				    j);
			memset(p, 0xff, sizes[i]);
		}
		arena_reset(a);
	}
	arena_free(&a);
}

static void
addresses_are_aligned_and_apart(void **state)
{
	struct arena *a = arena_new(1 << 20);
	const unsigned char *before = NULL;

	(void)state;
	for (size_t n = 0; n < 200; n++) {
		unsigned char *p = arena_alloc(a, n);

		assert_non_null(p);
		want((uintptr_t)p % alignof(max_align_t) == 0, "%zu", n);
		want(before == NULL || n < 2 || p >= before + n - 1 ||
			p + n <= before,
		    "%zu overlaps", n);
		memset(p, (int)n, n);
		before = p;
	}
	arena_free(&a);
}

static void
strings(void **state)
{
	struct arena *a = arena_new(100);

	(void)state;
	assert_string_equal(arena_strdup(a, "abc"), "abc");
	assert_string_equal(arena_strdup(a, ""), "");
	assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
	assert_string_equal(arena_strndup(a, "abc", 0), "");
	assert_memory_equal(arena_strndup(a, "a\0b", 3), "a\0b", 4);
	assert_null(arena_strndup(a, "abc", SIZE_MAX));
	assert_string_equal(arena_printf(a, "%s-%d", "x", 42), "x-42");
	assert_null(arena_printf(a, "%200d", 1));
	arena_free(&a);
}

static void
printf_needs_room_for_the_nul(void **state)
{
	struct arena *a = arena_new(3);

	(void)state;
	assert_null(arena_printf(a, "%s", "abc"));
	assert_null(arena_strdup(a, "abc"));
	assert_string_equal(arena_printf(a, "%s", "ab"), "ab");
	arena_free(&a);
}

static void
free_accepts_null(void **state)
{
	struct arena *a = NULL;

	(void)state;
	arena_free(&a);
	assert_null(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_cap_holds_to_the_octet),
	    cmocka_unit_test(what_does_not_fit_takes_nothing),
	    cmocka_unit_test(reset_gives_everything_back),
	    cmocka_unit_test(octets_are_zero_also_the_second_time),
	    cmocka_unit_test(addresses_are_aligned_and_apart),
	    cmocka_unit_test(strings),
	    cmocka_unit_test(printf_needs_room_for_the_nul),
	    cmocka_unit_test(free_accepts_null),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
