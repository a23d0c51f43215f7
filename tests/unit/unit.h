/* SPDX-License-Identifier: ISC */
/*
 * unit - what every unit test needs besides cmocka
 *
 * Most tests walk a table.  cmocka names the line that failed, which is the
 * same for every row: want() also says which row it was.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Fails the test with a printf-like text about the row at hand. */
#define want(condition, ...)                                                   \
	do {                                                                   \
		if (!(condition)) {                                            \
			print_error("%s: ", #condition);                       \
			print_error(__VA_ARGS__);                              \
			print_error("\n");                                     \
			_fail(__FILE__, __LINE__);                             \
		}                                                              \
	} while (0)

/* Whether `text` has `part` in it.  Not inlined: with UBSan GCC would see a
 * NULL in every text that is printed afterwards. */
__attribute__((noinline, unused)) static bool
has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

/* A directory of the test's own; remove_scratch() takes it away again. */
static inline const char *
make_scratch(char out[256])
{
	const char *tmp = getenv("TMPDIR");

	snprintf(out, 256, "%s/assent-unit-XXXXXX",
	    tmp == NULL || strlen(tmp) > 200 ? "/tmp" : tmp);
	assert_non_null(mkdtemp(out));
	return out;
}

static inline void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f;

	unlink(path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* The whole of a file as a string, to be freed. */
static inline char *
read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 65536);

	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, 65535, f) < 65535);
	fclose(f);
	return text;
}

#endif
