/* SPDX-License-Identifier: ISC */
/*
 * test_log - one event, one line, whatever the arguments hold
 */
#include "unit.h"

#include <regex.h>

#include "policy/log.h"

static char captured[8192];
static int saved, file;

static void
capture(void)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	file = dup(fileno(f));
	fclose(f);
	saved = dup(STDERR_FILENO);
	assert_true(dup2(file, STDERR_FILENO) >= 0);
}

/* What was written to stderr since capture(). */
static const char *
release(void)
{
	ssize_t n;

	dup2(saved, STDERR_FILENO);
	close(saved);
	n = pread(file, captured, sizeof(captured) - 1, 0);
	close(file);
	assert_true(n >= 0);
	captured[n] = '\0';
	return captured;
}

static size_t
lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void
a_line_has_its_form(void **state)
{
	const char *text;
	regex_t re;

	(void)state;
	log_open("assent-test", LOG_TO_STDERR, LOG_INFORM);
	capture();
	log_line(LOG_WARN, "event key=%s n=%d", "value", 5);
	text = release();
	assert_int_equal(regcomp(&re,
			     "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:"
			     "[0-9]{2}Z assent-test\\[[0-9]+\\] warning: event "
			     "key=value n=5\n$",
			     REG_EXTENDED | REG_NOSUB),
	    0);
	want(regexec(&re, text, 0, NULL, 0) == 0, "%s", text);
	regfree(&re);
}

static void
nothing_from_outside_makes_a_line(void **state)
{
	static const char *const rows[] = {"a\nb", "a\r\nb", "\n", "a\n\n\nb",
	    "a\x1b[2Jb", "a\x07", "a\x7f", "a\tb", "a\x01\x02\x1f",
	    "x\n2030-01-01T00:00:00Z assent-milter[1] info: accept"};

	(void)state;
	log_open("assent-test", LOG_TO_STDERR, LOG_INFORM);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *text, *p;

		capture();
		log_line(LOG_INFORM, "event rcpt=%s end=1", rows[i]);
		text = release();
		want(lines(text) == 1, "row %zu: %s", i, text);
		want(has(text, " end=1\n"), "row %zu: %s", i, text);
		for (p = text; *p != '\n'; p++)
			want(*p >= ' ' && *p < 0x7f, "row %zu: %d", i, *p);
		want(strchr(text, '?') != NULL, "row %zu: %s", i, text);
	}
}

static void
utf8_stays_as_it_is(void **state)
{
	const char *text;

	(void)state;
	capture();
	log_line(LOG_INFORM, "x=%s", "\xc5\xbc\xc3\xb3\xc5\x82w");
	text = release();
	want(has(text, "x=\xc5\xbc\xc3\xb3\xc5\x82w\n"), "%s", text);
}

static void
a_long_line_is_cut_and_ends(void **state)
{
	char *big = malloc(6001);
	const char *text;

	(void)state;
	memset(big, 'x', 6000);
	big[6000] = '\0';
	capture();
	log_line(LOG_INFORM, "%s", big);
	log_line(LOG_INFORM, "next");
	text = release();
	assert_int_equal(lines(text), 2);
	assert_true(strlen(text) < 2000);
	assert_true(has(text, " info: next\n"));
	free(big);
}

static void
levels(void **state)
{
	static const enum log_level all[] = {
	    LOG_ERROR, LOG_WARN, LOG_INFORM, LOG_TRACE};
	static const char *const words[] = {
	    "error: ", "warning: ", "info: ", "trace: "};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		const char *text;

		log_open("assent-test", LOG_TO_STDERR, all[i]);
		capture();
		for (size_t j = 0; j < COUNT(all); j++)
			log_line(all[j], "event");
		text = release();
		assert_int_equal(lines(text), i + 1);
		for (size_t j = 0; j < COUNT(all); j++)
			want(has(text, words[j]) == (j <= i), "%zu: %s", i,
			    text);
	}
}

static void
addresses(void **state)
{
	static const struct {
		const char *address, *masked;
	} rows[] = {
	    {"granted@rcpt.test", "g***d@rcpt.test"},
	    {"ann@example.com", "a***n@example.com"},
	    {"an@example.com", "*@example.com"},
	    {"a@example.com", "*@example.com"},
	    {"@example.com", "*@example.com"},
	    {"\"a@b\"@example.com", "\"***\"@example.com"},
	    {"unreadable", "*"},
	    {"", "*"},
	};
	char out[64], tiny[5];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_ptr_equal(log_address(out, sizeof(out), LOG_ADDR_MASKED,
				     rows[i].address, "h"),
		    out);
		assert_string_equal(out, rows[i].masked);
		log_address(
		    out, sizeof(out), LOG_ADDR_FULL, rows[i].address, "h");
		assert_string_equal(out, rows[i].address);
		log_address(
		    out, sizeof(out), LOG_ADDR_HASHED, rows[i].address, "h");
		assert_string_equal(out, "h");
	}
	log_address(tiny, sizeof(tiny), LOG_ADDR_FULL, "ann@example.com", "");
	assert_string_equal(tiny, "ann@");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_has_its_form),
	    cmocka_unit_test(nothing_from_outside_makes_a_line),
	    cmocka_unit_test(utf8_stays_as_it_is),
	    cmocka_unit_test(a_long_line_is_cut_and_ends),
	    cmocka_unit_test(levels),
	    cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
