/* SPDX-License-Identifier: ISC */
/*
 * test_buf - text that grows, whole or not at all
 */
#include "unit.h"

#include "policy/buf.h"

static void
empty(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_null(b.data);
	assert_false(buf_failed(&b));
	buf_add(&b, "", 0);
	assert_string_equal(b.data, "");
	assert_int_equal(b.len, 0);
	buf_free(&b);
	assert_null(b.data);
	buf_free(&b);
}

static void
pieces_add_up(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_puts(&b, "one ");
	buf_add(&b, "two!", 3);
	buf_printf(&b, " %s %d", "three", 4);
	buf_printf(&b, "%s", "");
	assert_string_equal(b.data, "one two three 4");
	assert_int_equal(b.len, 15);
	buf_add(&b, "\0x", 2);
	assert_int_equal(b.len, 17);
	assert_memory_equal(b.data, "one two three 4\0x", 18);
	buf_free(&b);
	buf_puts(&b, "again");
	assert_string_equal(b.data, "again");
	buf_free(&b);
}

/* Across every boundary of doubling, by one octet more or less. */
static void
every_length(void **state)
{
	char text[1100];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t first = 0; first < 520; first += 51)
		for (size_t n = 0; n < sizeof(text); n++) {
			struct buf b = {0};

			buf_add(&b, text, first);
			buf_add(&b, text, n);
			want(b.len == first + n && b.size > b.len, "%zu", n);
			want(strlen(b.data) == b.len, "%zu", n);
			buf_free(&b);
		}
}

static void
printf_of_every_length(void **state)
{
	(void)state;
	for (int n = 1; n < 1100; n++) {
		struct buf b = {0};

		buf_printf(&b, "%*d", n, 7);
		buf_printf(&b, "%d", 8);
		want(b.len == (size_t)n + 1, "%d", n);
		want(b.data[n - 1] == '7' && b.data[n] == '8' &&
			b.data[n + 1] == '\0',
		    "%d", n);
		buf_free(&b);
	}
}

static void
after_a_loss_nothing_is_added(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_puts(&b, "whole");
	b.failed = true;
	buf_puts(&b, " hole");
	buf_printf(&b, " %d", 1);
	buf_add(&b, "x", 1);
	assert_true(buf_failed(&b));
	assert_string_equal(b.data, "whole");
	buf_free(&b);
	assert_false(buf_failed(&b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(empty),
	    cmocka_unit_test(pieces_add_up),
	    cmocka_unit_test(every_length),
	    cmocka_unit_test(printf_of_every_length),
	    cmocka_unit_test(after_a_loss_nothing_is_added),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
