/* SPDX-License-Identifier: ISC */
/*
 * test_csv - records of a file: where they end, and what is in them
 */
#include "unit.h"

#include "ctl/csv.h"
#include "ctl/source.h"

enum { FIELDS = 5 };

static void
split(void **state)
{
	static const struct {
		const char *text, *fields[FIELDS], *error;
	} table[] = {
	    {"", {""}, NULL},
	    {"a", {"a"}, NULL},
	    {"a,b,c", {"a", "b", "c"}, NULL},
	    {",,", {"", "", ""}, NULL},
	    {"\"a\",b", {"a", "b"}, NULL},
	    {"\"a,b\",\"\"", {"a,b", ""}, NULL},
	    {"\"\"\"\"", {"\""}, NULL},
	    {"\"a\"\"b\"\"\"\"c\",d", {"a\"b\"\"c", "d"}, NULL},
	    {"\"a\nb\r\nc\"", {"a\nb\r\nc"}, NULL},
	    {" a , b ", {" a ", " b "}, NULL},
	    {"a;b\tc", {"a;b\tc"}, NULL},
	    {"\"a", {NULL}, "a quote is not closed"},
	    {"b,\"a\"\"", {NULL}, "a quote is not closed"},
	    {"\"a\"b", {NULL}, "text after a closing quote"},
	    {"\"a\" ,b", {NULL}, "text after a closing quote"},
	    {"a\"b", {NULL}, "a quote within a field without quotes"},
	    {"x, \"b\"", {NULL}, "a quote within a field without quotes"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		const char *fields[CSV_FIELDS_MAX];
		char text[64];
		size_t n;
		struct err e;
		int rc;

		snprintf(text, sizeof(text), "%s", table[i].text);
		rc = csv_split(text, strlen(text), ',', fields, &n, &e);
		want((rc == 0) == (table[i].error == NULL), "%s",
		    table[i].text);
		if (rc != 0) {
			assert_string_equal(e.text, table[i].error);
			continue;
		}
		for (size_t k = 0; k < n; k++) {
			assert_true(k < FIELDS && table[i].fields[k] != NULL);
			assert_string_equal(fields[k], table[i].fields[k]);
		}
		want(n == FIELDS || table[i].fields[n] == NULL, "%s",
		    table[i].text);
	}
}

static void
too_many_fields(void **state)
{
	const char *fields[CSV_FIELDS_MAX];
	char text[CSV_FIELDS_MAX + 1];
	struct err e;
	size_t n;

	(void)state;
	memset(text, ',', sizeof(text));
	assert_int_equal(
	    csv_split(text, CSV_FIELDS_MAX - 1, ',', fields, &n, &e), 0);
	assert_int_equal(n, CSV_FIELDS_MAX);
	memset(text, ',', sizeof(text));
	assert_int_equal(
	    csv_split(text, CSV_FIELDS_MAX, ',', fields, &n, &e), -1);
}

static void
delimiters(void **state)
{
	static const struct {
		const char *text;
		char delimiter;
	} table[] = {
	    {"address", ','},
	    {"a,b", ','},
	    {"a;b", ';'},
	    {"a\tb\tc,d", '\t'},
	    {"\"a,b,c\";d", ';'},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		want(csv_detect(table[i].text, strlen(table[i].text)) ==
			table[i].delimiter,
		    "%s", table[i].text);
}

static void
what_is_put_is_split(void **state)
{
	static const char *const table[] = {
	    "", "a", " a", "a ", "a,b", "\"", "a\"b", "a\nb", "\r\n", ";", "é"};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		const char *fields[CSV_FIELDS_MAX];
		struct buf b = {0};
		struct err e;
		size_t n;

		csv_put(&b, table[i], strlen(table[i]));
		buf_puts(&b, ",x");
		assert_int_equal(
		    csv_split(b.data, b.len, ',', fields, &n, &e), 0);
		assert_int_equal(n, 2);
		assert_string_equal(fields[0], table[i]);
		buf_free(&b);
	}
}

static struct source *
open_text(const char *text, size_t len, const char *wrapper, FILE **f)
{
	struct source *s;
	struct err e;

	*f = tmpfile();
	assert_non_null(*f);
	assert_int_equal(fwrite(text, 1, len, *f), len);
	rewind(*f);
	s = source_open(fileno(*f), wrapper, &e);
	assert_non_null(s);
	return s;
}

static void
records(void **state)
{
	static const struct {
		const char *text, *wrapper;
		enum source_form form;
		struct {
			const char *text;
			long long line;
		} of[4];
	} table[] = {
	    {"", NULL, SOURCE_CSV, {{NULL, 0}}},
	    {"a\nb\n", NULL, SOURCE_CSV, {{"a", 1}, {"b", 2}}},
	    {"\xef\xbb\xbf" "a\r\n\r\nb", NULL, SOURCE_CSV,
		{{"a", 1}, {"b", 3}}},
	    {"a,\"x\ny\"\nb", NULL, SOURCE_CSV, {{"a,\"x\ny\"", 1}, {"b", 3}}},
	    {"a,\"x\"\"\ny\"\nb", NULL, SOURCE_CSV,
		{{"a,\"x\"\"\ny\"", 1}, {"b", 3}}},
	    {"a\"x\nb", NULL, SOURCE_CSV, {{"a\"x", 1}, {"b", 2}}},
	    {"a,\"x\nb\n", NULL, SOURCE_CSV, {{"a,\"x\nb\n", 1}}},
	    {"{\"a\":\"x\n", NULL, SOURCE_LINES, {{"{\"a\":\"x", 1}}},
	    {"{}\n\n{1}", NULL, SOURCE_LINES, {{"{}", 1}, {"{1}", 3}}},
	    {"[{\"a\":\n\"}\\\"{\"},{}\n]", NULL, SOURCE_ARRAY,
		{{"{\"a\":\n\"}\\\"{\"}", 1}, {"{}", 2}}},
	    {"[{\"a\":{\"b\":[{}]}} x\n{}]", NULL, SOURCE_ARRAY,
		{{"{\"a\":{\"b\":[{}]}}", 1}, {"x", 1}, {"{}", 2}}},
	    {"{\"W\": [{}\n,{}]}\n", "\"W\"", SOURCE_ARRAY,
		{{"{}", 1}, {"{}", 2}}},
	    {"{\"V\": [{}]}\n", "\"W\"", SOURCE_LINES,
		{{"{\"V\": [{}]}", 1}}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		FILE *f;
		struct source *s = open_text(table[i].text,
		    strlen(table[i].text), table[i].wrapper, &f);
		struct source_record r;
		struct err e;
		size_t n = 0;

		assert_int_equal(source_form(s), table[i].form);
		for (; source_next(s, &r, &e) == 1; n++) {
			want(n < 4 && table[i].of[n].text != NULL, "%zu", i);
			assert_string_equal(r.text, table[i].of[n].text);
			assert_int_equal(r.line, table[i].of[n].line);
			assert_int_equal(r.len, strlen(r.text));
			assert_false(r.too_long);
		}
		want(n == 4 || table[i].of[n].text == NULL, "%zu", i);
		source_close(&s);
		fclose(f);
	}
}

/* What is within an open quote is no record, however long it gets. */
static void
too_long(void **state)
{
	static const char after[] = "\nvictim,granted\n\"\nnext\n";
	size_t len = SOURCE_RECORD_MAX + 100 + strlen(after);
	char *text = malloc(len);
	struct source_record r;
	struct source *s;
	struct err e;
	FILE *f;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', len);
	text[0] = '"';
	memcpy(text + len - strlen(after), after, strlen(after));
	s = open_text(text, len, NULL, &f);
	assert_int_equal(source_next(s, &r, &e), 1);
	assert_true(r.too_long && r.line == 1 && r.len == SOURCE_RECORD_MAX);
	assert_int_equal(source_next(s, &r, &e), 1);
	assert_string_equal(r.text, "next");
	assert_int_equal(r.line, 4);
	assert_int_equal(source_next(s, &r, &e), 0);
	source_close(&s);
	fclose(f);
	free(text);
}

static void
going_on(void **state)
{
	static const char text[] = "h\na\n\"b\nc\"\nd\n";
	struct source_record r;
	struct source *s;
	struct err e;
	int64_t offset;
	long long line;
	FILE *f;

	(void)state;
	s = open_text(text, strlen(text), NULL, &f);
	for (int i = 0; i < 3; i++)
		assert_int_equal(source_next(s, &r, &e), 1);
	offset = source_offset(s);
	line = source_line(s);
	assert_int_equal(source_next(s, &r, &e), 1);
	assert_int_equal(source_next(s, &r, &e), 0);
	assert_int_equal(source_seek(s, offset, line, &e), 0);
	assert_int_equal(source_next(s, &r, &e), 1);
	assert_string_equal(r.text, "d");
	assert_int_equal(r.line, 5);
	source_close(&s);
	fclose(f);
}

static void
utf16_is_refused(void **state)
{
	FILE *f = tmpfile();
	struct err e;

	(void)state;
	fwrite("\xff\xfe" "a", 1, 3, f);
	rewind(f);
	assert_null(source_open(fileno(f), NULL, &e));
	assert_true(has(e.text, "UTF-16"));
	fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(split),
	    cmocka_unit_test(too_many_fields),
	    cmocka_unit_test(delimiters),
	    cmocka_unit_test(what_is_put_is_split),
	    cmocka_unit_test(records),
	    cmocka_unit_test(too_long),
	    cmocka_unit_test(going_on),
	    cmocka_unit_test(utf16_is_refused),
	};

	return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
