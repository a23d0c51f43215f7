/* SPDX-License-Identifier: ISC */
/*
 * test_keys - the file of secrets: who may read it, what may stand in it
 */
#include "unit.h"

#include "policy/keys.h"

#define S1 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define S2 "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
#define INDEX "index " S1 "\n"
#define GOOD INDEX "token 0 " S2 "\n"

static char scratch[256], path[300];

static int
set_up(void **state)
{
	(void)state;
	make_scratch(scratch);
	snprintf(path, sizeof(path), "%s/keys", scratch);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(scratch);
}

static struct keys *
load_text(const char *text, mode_t mode, struct err *e)
{
	*e = (struct err){.text = ""};
	write_file(path, text, mode);
	return keys_load(path, e);
}

static void
a_file_is_read(void **state)
{
	static const uint8_t ones[KEYS_SECRET] =
	    "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
	    "\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
	    "\1\1\1";
	struct keys *k;
	struct err e;

	(void)state;
	k = load_text("# a comment\n\n \t\n" INDEX "  token 31 " S2
		      "  # the new one\r\n"
		      "token\t0\t" S1,
	    0600, &e);
	want(k != NULL, "%s", e.text);
	assert_memory_equal(keys_index(k), ones, KEYS_SECRET);
	assert_int_equal(keys_signing(k)->number, 31);
	assert_ptr_equal(keys_signing(k), keys_numbered(k, 31));
	assert_int_equal(keys_numbered(k, 0)->number, 0);
	assert_null(keys_numbered(k, 1));
	assert_null(keys_numbered(k, -1));
	assert_null(keys_numbered(k, 32));
	assert_memory_not_equal(
	    keys_numbered(k, 0)->mac, keys_numbered(k, 0)->cipher, KEYS_SECRET);
	assert_memory_not_equal(
	    keys_numbered(k, 0)->mac, keys_numbered(k, 31)->mac, KEYS_SECRET);
	keys_free(&k);
	assert_null(k);
	keys_free(&k);
}

static void
modes(void **state)
{
	struct keys *k;
	struct err e;

	(void)state;
	for (mode_t mode = 0400; mode <= 0777; mode++) {
		char octal[8];

		if ((mode & 0400) == 0)
			continue;
		k = load_text(GOOD, mode, &e);
		want((k != NULL) == ((mode & 077) == 0), "%o: %s",
		    (unsigned)mode, e.text);
		if (k == NULL) {
			snprintf(octal, sizeof(octal), "%04o", (unsigned)mode);
			want(has(e.text, path) && has(e.text, "chmod 600") &&
				has(e.text, octal),
			    "%o: %s", (unsigned)mode, e.text);
		}
		keys_free(&k);
	}
}

static void
not_a_file(void **state)
{
	char missing[400];
	struct err e = {.text = ""};

	(void)state;
	snprintf(missing, sizeof(missing), "%s/missing", scratch);
	assert_null(keys_load(missing, &e));
	want(has(e.text, missing) && has(e.text, "assentctl keys new"), "%s",
	    e.text);
	assert_null(keys_load(scratch, &e));
	want(has(e.text, scratch), "%s", e.text);
	assert_null(keys_load("/dev/null", &e));
	want(has(e.text, "/dev/null: not a regular file"), "%s", e.text);
}

static void
a_stranger_may_not_own_it(void **state)
{
	struct err e = {.text = ""};
	struct keys *k;

	(void)state;
	if (geteuid() != 0)
		skip();
	write_file(path, GOOD, 0600);
	assert_int_equal(chown(path, 12345, 12345), 0);
	k = keys_load(path, &e);
	assert_null(k);
	want(has(e.text, path) && has(e.text, "12345"), "%s", e.text);
}

static void
bad_lines(void **state)
{
	static const struct {
		const char *text, *place, *complaint;
	} rows[] = {
	    {"", "keys: ", "one index line"},
	    {"# nothing\n", "keys: ", "one index line"},
	    {INDEX, "keys: ", "at least one token"},
	    {"token 0 " S1 "\n", "keys: ", "one index line"},
	    {GOOD INDEX, "keys:3: ", "second index"},
	    {GOOD "token 0 " S1 "\n", "keys:3: ", "token 0 stands twice"},
	    {INDEX "token 32 " S1 "\n", "keys:2: ", "0 to 31"},
	    {INDEX "token -1 " S1 "\n", "keys:2: ", "0 to 31"},
	    {"\n\n# x\n" INDEX "token x " S1 "\n", "keys:5: ", "neither"},
	    {INDEX "token " S1 "\n", "keys:2: ", "neither"},
	    {INDEX "token 0\n", "keys:2: ", "neither"},
	    {INDEX "tokens 0 " S1 "\n", "keys:2: ", "neither"},
	    {INDEX "TOKEN 0 " S1 "\n", "keys:2: ", "neither"},
	    {INDEX "token 0 " S1 "A\n", "keys:2: ", "base64"},
	    {INDEX "token 0 " S1 "AAAA\n", "keys:2: ", "base64"},
	    {INDEX "token 0 AAAA\n", "keys:2: ", "base64"},
	    {INDEX "token 0 !" S1 "\n", "keys:2: ", "base64"},
	    {INDEX "token 0x1 " S1 "\n", "keys:2: ", "base64"},
	    {INDEX "token 0 BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc\n",
		"keys:2: ", "base64"},
	    {"index\n", "keys:1: ", "neither"},
	    {"index AAAA\n", "keys:1: ", "base64"},
	    {"indexes " S1 "\n", "keys:1: ", "neither"},
	    {"key 0 " S1 "\n", "keys:1: ", "neither"},
	    {S1 "\n", "keys:1: ", "neither"},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		want(load_text(rows[i].text, 0600, &e) == NULL, "row %zu", i);
		want(has(e.text, scratch) && has(e.text, rows[i].place) &&
			has(e.text, rows[i].complaint),
		    "row %zu: %s", i, e.text);
		want(!has(e.text, S1) && !has(e.text, "AQEB"), "row %zu", i);
	}
}

/* What follows a secret is a mistake that nobody may overlook. */
static void
rubbish_after_a_secret(void **state)
{
	struct err e;

	(void)state;
	assert_null(load_text(INDEX "token 0 " S2 " x\n", 0600, &e));
	want(has(e.text, "keys:2: "), "%s", e.text);
	assert_null(
	    load_text("index " S1 " " S2 "\ntoken 0 " S2 "\n", 0600, &e));
	want(has(e.text, "keys:1: "), "%s", e.text);
}

/* 2^32 is not 0. */
static void
numbers_beyond_int(void **state)
{
	struct err e;

	(void)state;
	assert_null(load_text(INDEX "token 4294967296 " S1 "\n", 0600, &e));
	want(has(e.text, "keys:2: "), "%s", e.text);
}

/* The end of a long line is not a line of its own. */
static void
long_lines_are_one_line(void **state)
{
	char text[2000];
	struct keys *k;
	struct err e;

	(void)state;
	for (size_t n = 200; n < 1100; n++) {
		memset(text, ' ', n);
		text[0] = '#';
		snprintf(
		    text + n, sizeof(text) - n, "%s\n%s", "token 9 " S1, GOOD);
		k = load_text(text, 0600, &e);
		want(k == NULL || keys_numbered(k, 9) == NULL,
		    "a key was read from a comment of %zu", n);
		want(
		    k != NULL || has(e.text, "keys:1: "), "%zu: %s", n, e.text);
		keys_free(&k);
	}
}

static void
create_makes_a_private_file_once(void **state)
{
	struct err e = {.text = ""};
	mode_t old = umask(0);
	struct stat st;
	char *first, *second;
	struct keys *k;

	(void)state;
	unlink(path);
	want(keys_create(path, &e) == 0, "%s", e.text);
	umask(old);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	first = read_file(path);
	k = keys_load(path, &e);
	want(k != NULL, "%s", e.text);
	assert_int_equal(keys_signing(k)->number, 0);
	keys_free(&k);

	assert_int_equal(keys_create(path, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	want(has(e.text, path), "%s", e.text);
	second = read_file(path);
	assert_string_equal(first, second);
	free(second);

	unlink(path);
	assert_int_equal(keys_create(path, &e), 0);
	second = read_file(path);
	assert_string_not_equal(first, second);
	free(first);
	free(second);
}

static void
create_follows_no_link_and_makes_no_directory(void **state)
{
	char target[400];
	struct err e;

	(void)state;
	snprintf(target, sizeof(target), "%s/target", scratch);
	unlink(path);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(keys_create(path, &e), -1);
	assert_int_not_equal(access(target, F_OK), 0);
	snprintf(target, sizeof(target), "%s/none/keys", scratch);
	assert_int_equal(keys_create(target, &e), -1);
	assert_int_equal(e.kind, ERR_FATAL);
}

static void
rotate_adds_on_top(void **state)
{
	struct keys *before, *after;
	struct err e;
	struct stat st;
	char *text;
	int number = -1;

	(void)state;
	before = load_text("# ours\n" GOOD "# end", 0600, &e);
	assert_non_null(before);
	want(keys_rotate(path, KEYS_TOKEN, &number, &e) == 0, "%s", e.text);
	assert_int_equal(number, 1);
	after = keys_load(path, &e);
	want(after != NULL, "%s", e.text);
	assert_int_equal(keys_signing(after)->number, 1);
	assert_memory_equal(keys_index(after), keys_index(before), KEYS_SECRET);
	assert_memory_equal(keys_numbered(after, 0), keys_numbered(before, 0),
	    sizeof(struct keys_token));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	text = read_file(path);
	want(has(text, "# ours\n" INDEX "token 1 ") &&
		has(text, "\ntoken 0 " S2 "\n# end"),
	    "%s", text);
	free(text);
	keys_free(&before);
	keys_free(&after);
}

static void
ledger_keys(void **state)
{
	uint8_t public[KEYS_PUBLIC];
	char text[KEYS_PUBLIC_TEXT], *file;
	struct err e = {.text = ""};
	struct keys *k;
	int number = -1;

	(void)state;
	k = load_text(GOOD, 0600, &e);
	assert_null(keys_ledger_signing(k));
	keys_free(&k);
	assert_null(load_text(GOOD "ledger 1 " S1 "\nledger 1 " S2, 0600, &e));
	want(has(e.text, "keys:4: ledger 1 stands twice"), "%s", e.text);
	assert_null(load_text(GOOD "ledger 32 " S1, 0600, &e));
	want(has(e.text, "keys:3: ") && has(e.text, "0 to 31"), "%s", e.text);

	/* The first one goes to the end, the next above it. */
	write_file(path, GOOD "# end", 0600);
	want(keys_rotate(path, KEYS_LEDGER, &number, &e) == 0, "%s", e.text);
	assert_int_equal(number, 0);
	want(keys_rotate(path, KEYS_LEDGER, &number, &e) == 0, "%s", e.text);
	assert_int_equal(number, 1);
	file = read_file(path);
	want(has(file, GOOD "# end\nledger 1 ") && has(file, "\nledger 0 "),
	    "%s", file);
	free(file);
	k = keys_load(path, &e);
	want(k != NULL, "%s", e.text);
	assert_int_equal(keys_signing(k)->number, 0);
	assert_int_equal(keys_ledger_signing(k)->number, 1);
	assert_int_equal(keys_ledger_at(k, 1)->number, 0);
	assert_null(keys_ledger_at(k, 2));
	assert_null(keys_ledger_numbered(k, 2));
	keys_public_text(keys_ledger_numbered(k, 0)->public, text);
	assert_true(keys_public_parse(text, public));
	assert_memory_equal(
	    public, keys_ledger_numbered(k, 0)->public, KEYS_PUBLIC);
	assert_false(keys_public_parse("AAAA", public));
	assert_false(keys_public_parse(S1 "AAAA", public));
	keys_free(&k);
}

static void
rotate_until_all_numbers_are_taken(void **state)
{
	struct err e;
	struct keys *k;
	int number;
	char *full, *still;

	(void)state;
	write_file(path, INDEX "token 30 " S1 "\ntoken 2 " S2 "\n", 0600);
	for (int i = 0; i < KEYS_TOKENS - 2; i++) {
		/* 31, then around: 0, 1, 3, 4, ... 29 */
		int expected = i == 0 ? 31 : i <= 2 ? i - 1 : i;

		want(keys_rotate(path, KEYS_TOKEN, &number, &e) == 0, "%d: %s",
		    i, e.text);
		want(number == expected, "%d: %d", i, number);
	}
	full = read_file(path);
	assert_int_equal(keys_rotate(path, KEYS_TOKEN, &number, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	want(has(e.text, path) && has(e.text, "32"), "%s", e.text);
	still = read_file(path);
	assert_string_equal(full, still);
	free(full);
	free(still);
	k = keys_load(path, &e);
	want(k != NULL, "%s", e.text);
	for (int i = 0; i < KEYS_TOKENS; i++)
		assert_non_null(keys_numbered(k, i));
	keys_free(&k);
}

static void
rotate_changes_nothing_it_cannot_read(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
	} rows[] = {{GOOD, 0644}, {INDEX, 0600}, {GOOD "rubbish\n", 0600}};
	char beside[320];
	struct err e;
	int number;

	(void)state;
	snprintf(beside, sizeof(beside), "%s.new", path);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *text;

		write_file(path, rows[i].text, rows[i].mode);
		want(keys_rotate(path, KEYS_TOKEN, &number, &e) == -1,
		    "row %zu", i);
		want(has(e.text, path), "row %zu: %s", i, e.text);
		text = read_file(path);
		want(strcmp(text, rows[i].text) == 0, "row %zu", i);
		free(text);
		want(access(beside, F_OK) != 0, "row %zu", i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file_is_read),
	    cmocka_unit_test(modes),
	    cmocka_unit_test(not_a_file),
	    cmocka_unit_test(a_stranger_may_not_own_it),
	    cmocka_unit_test(bad_lines),
	    cmocka_unit_test(rubbish_after_a_secret),
	    cmocka_unit_test(numbers_beyond_int),
	    cmocka_unit_test(long_lines_are_one_line),
	    cmocka_unit_test(create_makes_a_private_file_once),
	    cmocka_unit_test(create_follows_no_link_and_makes_no_directory),
	    cmocka_unit_test(rotate_adds_on_top),
	    cmocka_unit_test(ledger_keys),
	    cmocka_unit_test(rotate_until_all_numbers_are_taken),
	    cmocka_unit_test(rotate_changes_nothing_it_cannot_read),
	};

	return cmocka_run_group_tests_name("keys", tests, set_up, tear_down);
}
