/* SPDX-License-Identifier: ISC */
/*
 * test_endpoint - one canonical form per address, number and place
 */
#include "unit.h"

#include "policy/arena.h"
#include "policy/endpoint.h"

static struct arena *arena;

static int
set_up(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	return arena == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void
good_input(void **state)
{
	static const struct {
		const char *kind, *text, *found, *canonical;
	} rows[] = {
	    {NULL, "Ann+x@Example.COM", "email", "ann+x@example.com"},
	    {"email", "<ann@example.com>", "email", "ann@example.com"},
	    {NULL, "+x@example.com", "email", "+x@example.com"},
	    {NULL, "+48600100200", "phone", "+48600100200"},
	    {"phone", "+48600100200", "phone", "+48600100200"},
	    {NULL, "+48 600-100.200", "phone", "+48600100200"},
	    {NULL, " +48 (600) 100 200 ", "phone", "+48600100200"},
	    {NULL, "+1234567", "phone", "+1234567"},
	    {NULL, "+123456789012345", "phone", "+123456789012345"},
	    {"postal", "1 Mill Lane, Town", "postal", "1 mill lane, town"},
	    {"postal", "  1  Mill\tLane,\r\nTown\n", "postal",
		"1 mill lane, town"},
	    /* No-break space, line separator, full-width A, sharp s. */
	    {"postal", "1\xc2\xa0Mill\xe2\x80\xa8\xef\xbc\xa1 Stra\xc3\x9f"
		       "e",
		"postal", "1 mill a strasse"},
	    {"postal", "a\xcc\x88", "postal", "\xc3\xa4"},
	    {"device", "F00d:BEEF", "device", "f00d:beef"},
	    {"im", "@Ann", "im", "@ann"},
	    {"im", "+48600100200", "im", "+48600100200"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = {.text = ""};
		struct endpoint out;

		want(endpoint_parse(arena, rows[i].kind, rows[i].text,
			 strlen(rows[i].text), &out, &e) == 0,
		    "%s: %s", rows[i].text, e.text);
		want(strcmp(out.kind, rows[i].found) == 0, "%s: %s",
		    rows[i].text, out.kind);
		want(strcmp(out.canonical, rows[i].canonical) == 0, "%s: %s",
		    rows[i].text, out.canonical);
	}
}

static void
what_else_is_kept(void **state)
{
	struct endpoint out;
	struct err e;

	(void)state;
	assert_int_equal(
	    endpoint_parse(arena, NULL, "+48 600 100 200", 15, &out, &e), 0);
	assert_string_equal(out.original, "+48 600 100 200");
	assert_null(out.base);
	assert_int_equal(
	    endpoint_parse(arena, NULL, "<A+b@example.com>", 17, &out, &e), 0);
	assert_string_equal(out.original, "A+b@example.com");
	assert_string_equal(out.base, "a@example.com");
	/* The length counts, not what stands behind it. */
	assert_int_equal(
	    endpoint_parse(arena, NULL, "+486001002001", 12, &out, &e), 0);
	assert_string_equal(out.canonical, "+48600100200");
}

#define BAD(kind, text)                                                        \
	{                                                                      \
		kind, text, sizeof(text) - 1                                   \
	}

static void
bad_input(void **state)
{
	static const struct {
		const char *kind, *text;
		size_t len;
	} rows[] = {
	    /* nothing to tell the kind from */
	    BAD(NULL, ""), BAD(NULL, " "), BAD(NULL, "600100200"),
	    BAD(NULL, "0048600100200"), BAD(NULL, "Ann"),
	    BAD("pigeon", "+48600100200"), BAD("", "+48600100200"),
	    BAD("Email", "ann@example.com"),
	    /* one kind's text given as another */
	    BAD("email", "+48600100200"), BAD("phone", "ann@example.com"),
	    BAD("phone", "48600100200"),
	    /* numbers */
	    BAD(NULL, "+"), BAD(NULL, "+123456"), BAD(NULL, "+1234567890123456"),
	    BAD(NULL, "+048600100200"), BAD(NULL, "+0000000"),
	    BAD(NULL, "++48600100200"), BAD(NULL, "+48+600100200"),
	    BAD(NULL, "+48600100200x1"), BAD(NULL, "+48600100200;ext=1"),
	    BAD(NULL, "+48/600100200"), BAD(NULL, "+44 (0)20 1234 5678"),
	    BAD(NULL, "+48600100200\n"), BAD(NULL, "+48\t600100200"),
	    BAD(NULL, "+48600100\0200"), BAD(NULL, "\t+48600100200"),
	    BAD(NULL, "+48\xc2\xa0"
		      "600100200"),
	    BAD(NULL, "+\xef\xbc\x94\xef\xbc\x98"
		      "600100200"),
	    BAD("phone", "\xef\xbc\x8b"
			 "48600100200"),
	    BAD("phone", "+\xd9\xa4\xd9\xa8"
			 "600100200"),
	    /* addresses: test_addr has the others */
	    BAD(NULL, "ann@"), BAD(NULL, "ann@example.com\0"),
	    /* other text */
	    BAD("postal", ""), BAD("postal", " \t\n"),
	    BAD("postal", "\xe2\x80\xa8"), BAD("im", "a\0b"),
	    BAD("im", "a\x1b[0m"), BAD("im", "a\x7f"), BAD("im", "\xc2\x9b"),
	    BAD("device", "\xff"), BAD("device", "a\xc3"),
	    BAD("device", "\xed\xa0\x80"), BAD("postal", "\xc0\x80"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = {.text = ""};
		struct endpoint out;

		want(endpoint_parse(arena, rows[i].kind, rows[i].text,
			 rows[i].len, &out, &e) == -1,
		    "row %zu \"%s\": %s", i, rows[i].text, out.canonical);
		want(e.kind == ERR_REFUSED && e.text[0] != '\0',
		    "row %zu \"%s\": %s", i, rows[i].text, e.text);
		want(out.canonical == NULL, "row %zu", i);
	}
}

static void
lengths(void **state)
{
	char text[2 * ENDPOINT_MAX];
	struct endpoint out;
	struct err e;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(
	    endpoint_parse(arena, "im", text, ENDPOINT_MAX, &out, &e), 0);
	assert_int_equal(strlen(out.canonical), ENDPOINT_MAX);
	assert_int_equal(
	    endpoint_parse(arena, "im", text, ENDPOINT_MAX + 1, &out, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	/* What is given is bounded, too, not only what comes of it. */
	memset(text, ' ', sizeof(text));
	memcpy(text, "+48600100200", 12);
	assert_int_equal(
	    endpoint_parse(arena, NULL, text, ENDPOINT_MAX, &out, &e), 0);
	assert_int_equal(
	    endpoint_parse(arena, NULL, text, ENDPOINT_MAX + 1, &out, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	/* One character whose folded form has 33 octets. */
	for (size_t i = 0; i + 3 <= ENDPOINT_MAX; i += 3)
		memcpy(text + i, "\xef\xb7\xba", 3);
	assert_int_equal(
	    endpoint_parse(arena, "im", text, 3 * 31, &out, &e), 0);
	assert_int_equal(
	    endpoint_parse(arena, "im", text, 3 * 32, &out, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
}

/* Whatever the cap: right, or an error that is not the sender's fault. */
static void
a_full_arena_is_an_error(void **state)
{
	static const struct {
		const char *kind, *text;
	} rows[] = {{"phone", "+48600100200"},
	    {"postal", "1 Mill Lane, a town of a long name"}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int rc = -1;

		for (size_t cap = 0; rc != 0 && cap < 1000; cap++) {
			struct arena *small = arena_new(cap);
			struct err e = {.kind = ERR_REFUSED, .text = ""};
			struct endpoint out;

			rc = endpoint_parse(small, rows[i].kind, rows[i].text,
			    strlen(rows[i].text), &out, &e);
			want(rc == 0 || e.kind == ERR_FATAL, "cap %zu: %s", cap,
			    e.text);
			want(rc != 0 || cap > 12, "cap %zu", cap);
			arena_free(&small);
		}
		assert_int_equal(rc, 0);
	}
}

static void
the_key_is_of_kind_and_canonical_form(void **state)
{
	const uint8_t secret[ADDR_SECRET] = {42};
	struct addr_key want_key = addr_key(secret, "phone", "+48600100200");
	struct endpoint number, name;
	struct addr_key key, other;
	struct err e;

	(void)state;
	assert_int_equal(
	    endpoint_parse(arena, NULL, "+48 600 100 200", 15, &number, &e), 0);
	assert_int_equal(
	    endpoint_parse(arena, "im", "+48600100200", 12, &name, &e), 0);
	key = endpoint_key(secret, &number);
	other = endpoint_key(secret, &name);
	assert_memory_equal(key.octets, want_key.octets, ADDR_KEY);
	assert_memory_not_equal(other.octets, want_key.octets, ADDR_KEY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_input),
	    cmocka_unit_test(what_else_is_kept),
	    cmocka_unit_test(bad_input),
	    cmocka_unit_test(lengths),
	    cmocka_unit_test(a_full_arena_is_an_error),
	    cmocka_unit_test(the_key_is_of_kind_and_canonical_form),
	};

	return cmocka_run_group_tests_name(
	    "endpoint", tests, set_up, tear_down);
}
