/* SPDX-License-Identifier: ISC */
/*
 * test_addr - one canonical form and one key per address
 */
#include "unit.h"

#include "policy/addr.h"
#include "policy/arena.h"

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

struct good {
	const char *text, *canonical, *base;
};

static void
check_good(const struct good *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct good *r = &rows[i];
		struct err e = {.text = ""};
		struct addr out;

		want(addr_parse(arena, r->text, strlen(r->text), &out, &e) == 0,
		    "%s: %s", r->text, e.text);
		want(strcmp(out.canonical, r->canonical) == 0, "%s: %s",
		    r->text, out.canonical);
		if (r->base == NULL)
			want(out.base == NULL, "%s: %s", r->text, out.base);
		else
			want(out.base != NULL && strcmp(out.base, r->base) == 0,
			    "%s: %s", r->text, out.base ? out.base : "none");
	}
}

static void
plain_addresses(void **state)
{
	static const struct good rows[] = {
	    {"ann@example.com", "ann@example.com", NULL},
	    {"<ann@example.com>", "ann@example.com", NULL},
	    {"Ann@Example.COM", "ann@example.com", NULL},
	    {"<ANN@EXAMPLE.COM>", "ann@example.com", NULL},
	    {"a@b", "a@b", NULL},
	    {"a.b.c@x.y.z.test", "a.b.c@x.y.z.test", NULL},
	    {"!#$%&'*-/=?^_`{|}~@example.com", "!#$%&'*-/=?^_`{|}~@example.com",
		NULL},
	    {"0@0.example", "0@0.example", NULL},
	    {"ann@a_b.example", "ann@a_b.example", NULL},
	    {"ann@a--b.example", "ann@a--b.example", NULL},
	    {"ann@XN--BCHER-KVA.Example", "ann@xn--bcher-kva.example", NULL},
	};

	(void)state;
	check_good(rows, COUNT(rows));
}

static void
tags(void **state)
{
	static const struct good rows[] = {
	    {"ann+x@example.com", "ann+x@example.com", "ann@example.com"},
	    {"Ann+News@EXAMPLE.com", "ann+news@example.com", "ann@example.com"},
	    {"ann+@example.com", "ann+@example.com", "ann@example.com"},
	    {"a+b+c@example.com", "a+b+c@example.com", "a@example.com"},
	    {"a++@example.com", "a++@example.com", "a@example.com"},
	    {"+x@example.com", "+x@example.com", NULL},
	    {"+x+y@example.com", "+x+y@example.com", "+x@example.com"},
	    {"\"ann+x\"@example.com", "ann+x@example.com", "ann@example.com"},
	    /* A full-width plus is a plus. */
	    {"ann\xef\xbc\x8bx@example.com", "ann+x@example.com",
		"ann@example.com"},
	    {"ann+x@b\xc3\xbc"
	     "cher.example",
		"ann+x@xn--bcher-kva.example", "ann@xn--bcher-kva.example"},
	};

	(void)state;
	check_good(rows, COUNT(rows));
}

static void
quoted_local_parts(void **state)
{
	static const struct good rows[] = {
	    {"\"ann\"@example.com", "ann@example.com", NULL},
	    {"\"Ann\"@example.com", "ann@example.com", NULL},
	    {"<\"Ann\"@example.com>", "ann@example.com", NULL},
	    {"\"\\a\\n\\n\"@example.com", "ann@example.com", NULL},
	    {"\"ann lee\"@example.com", "ann lee@example.com", NULL},
	    {"\"a\\\"b\"@example.com", "a\"b@example.com", NULL},
	    {"\"a\\\\b\"@example.com", "a\\b@example.com", NULL},
	    {"\"a@b\"@example.com", "a@b@example.com", NULL},
	    {"\"\xc3\x84nn\"@example.com", "\xc3\xa4nn@example.com", NULL},
	};

	(void)state;
	check_good(rows, COUNT(rows));
}

static void
international_domains(void **state)
{
	static const struct good rows[] = {
	    {"ann@b\xc3\xbc"
	     "cher.example",
		"ann@xn--bcher-kva.example", NULL},
	    {"ann@B\xc3\x9c"
	     "CHER.Example",
		"ann@xn--bcher-kva.example", NULL},
	    /* u and a combining diaeresis */
	    {"ann@bu\xcc\x88"
	     "cher.example",
		"ann@xn--bcher-kva.example", NULL},
	    /* non-transitional: the sharp s stays one */
	    {"ann@fa\xc3\x9f.example", "ann@xn--fa-hia.example", NULL},
	    /* full-width letters, the ideographic full stop */
	    {"ann@\xef\xbd\x85\xef\xbd\x98.example", "ann@ex.example", NULL},
	    {"ann@ex\xe3\x80\x82"
	     "example",
		"ann@ex.example", NULL},
	    {"ann@\xce\xb4\xce\xbf\xce\xba\xce\xb9\xce\xbc\xce\xae.test",
		"ann@xn--jxalpdlp.test", NULL},
	};

	(void)state;
	check_good(rows, COUNT(rows));
}

static void
international_local_parts(void **state)
{
	static const struct good rows[] = {
	    {"\xc3\x84nn@example.com", "\xc3\xa4nn@example.com", NULL},
	    {"a\xcc\x88nn@example.com", "\xc3\xa4nn@example.com", NULL},
	    {"A\xcc\x88NN@example.com", "\xc3\xa4nn@example.com", NULL},
	    {"stra\xc3\x9f"
	     "e@example.com",
		"strasse@example.com", NULL},
	    {"\xef\xbd\x81\xef\xbd\x8e\xef\xbd\x8e@example.com",
		"ann@example.com", NULL},
	    {"\xef\xac\x81n@example.com", "fin@example.com", NULL},
	    /* the Kelvin sign, final and other sigma */
	    {"\xe2\x84\xaa@example.com", "k@example.com", NULL},
	    {"\xcf\x82@example.com", "\xcf\x83@example.com", NULL},
	    {"\xce\xa3@example.com", "\xcf\x83@example.com", NULL},
	    {"\xe7\x94\xa8\xe6\x88\xb7@example.com",
		"\xe7\x94\xa8\xe6\x88\xb7@example.com", NULL},
	};

	(void)state;
	check_good(rows, COUNT(rows));
}

static void
literals(void **state)
{
	static const struct good rows[] = {
	    {"ann@[192.0.2.1]", "ann@[192.0.2.1]", NULL},
	    {"ann@[IPv6:2001:DB8::1]", "ann@[ipv6:2001:db8::1]", NULL},
	};

	(void)state;
	check_good(rows, COUNT(rows));
}

static void
canonical_forms_are_fixed_points(void **state)
{
	static const char *const rows[] = {"ann@example.com",
	    "ann+x@example.com", "\xc3\xa4nn@xn--bcher-kva.example",
	    "\xcf\x83@example.com", "strasse@example.com",
	    "ann@[ipv6:2001:db8::1]"};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct good same = {
		    rows[i], rows[i], i == 1 ? "ann@example.com" : NULL};

		check_good(&same, 1);
	}
}

static void
the_original_is_kept(void **state)
{
	static const struct {
		const char *text, *original;
	} rows[] = {
	    {"<Ann@Example.COM>", "Ann@Example.COM"},
	    {"Ann+X@example.com", "Ann+X@example.com"},
	    {"\"Ann\"@example.com", "\"Ann\"@example.com"},
	    {"A@B\xc3\xbc.example", "A@B\xc3\xbc.example"},
	};
	struct addr out;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(addr_parse(arena, rows[i].text,
				     strlen(rows[i].text), &out, &e),
		    0);
		assert_string_equal(out.original, rows[i].original);
	}
}

/* The length counts, not what stands behind it. */
static void
only_len_octets_are_read(void **state)
{
	const char *text = "ann@example.com.evil.test";
	struct addr out;
	struct err e;

	(void)state;
	assert_int_equal(addr_parse(arena, text, 15, &out, &e), 0);
	assert_string_equal(out.canonical, "ann@example.com");
}

#define BAD(text)                                                              \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}

static void
bad_input(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {BAD(""), BAD("<>"), BAD("<"), BAD("@"), BAD("ann"),
	    BAD("@example.com"), BAD("ann@"), BAD("<ann@example.com"),
	    BAD("ann@example.com>"), BAD("<<ann@example.com>>"),
	    BAD("Ann <ann@example.com>"), BAD(" ann@example.com"),
	    BAD("ann@example.com "), BAD("ann @example.com"),
	    BAD("ann@ example.com"), BAD("ann@exam ple.com"),
	    /* source routes, comments, groups, lists */
	    BAD("<@a.example:ann@example.com>"),
	    BAD("@a.example,@b.example:ann@example.com"),
	    BAD("ann(x)@example.com"), BAD("ann@example.com(x)"),
	    BAD("a,b@example.com"), BAD("a;b@example.com"),
	    BAD("a:b@example.com"), BAD("a\\b@example.com"),
	    BAD("a@b@example.com"), BAD("a[b@example.com"),
	    /* quotes */
	    BAD("\"@example.com"), BAD("\"\"@example.com"),
	    BAD("\"ann@example.com"), BAD("ann\"@example.com"),
	    BAD("\"a\"b@example.com"), BAD("a\"b\"@example.com"),
	    BAD("\"a\"\"b\"@example.com"), BAD("\"a\\\"@example.com"),
	    BAD("\"a\rb\"@example.com"), BAD("\"a\nb\"@example.com"),
	    BAD("\"a\\\nb\"@example.com"), BAD("\"a\x7f\"@example.com"),
	    /* control characters and NUL, everywhere */
	    BAD("a\0b@example.com"), BAD("ann@example.com\0"),
	    BAD("\0ann@example.com"), BAD("ann@exa\0mple.com"),
	    BAD("a\rb@example.com"), BAD("a\nb@example.com"),
	    BAD("a\tb@example.com"), BAD("a\x7f@example.com"),
	    BAD("ann@exa\nmple.com"), BAD("ann@example.com\r\n"),
	    /* not UTF-8: bare, cut off, overlong, surrogate, beyond */
	    BAD("\xff@example.com"), BAD("\xc3@example.com"),
	    BAD("a\xe2\x84@example.com"), BAD("\x80@example.com"),
	    BAD("\xc0\x80@example.com"), BAD("\xc1\xa1@example.com"),
	    BAD("\xed\xa0\x80@example.com"),
	    BAD("\xf4\x90\x80\x80@example.com"), BAD("\"\xff\"@example.com"),
	    BAD("ann@\xff.example"), BAD("ann@\xc3.example"),
	    BAD("ann@\xed\xa0\x80.example"),
	    /* domains */
	    BAD("ann@."), BAD("ann@.example"), BAD("ann@example.com."),
	    BAD("ann@example..com"), BAD("ann@-example.com"),
	    BAD("ann@example-.com"), BAD("ann@example.-com"),
	    BAD("ann@example.com-"), BAD("ann@exa*mple.com"),
	    BAD("ann@exa%mple.com"), BAD("ann@exa/mple.com"),
	    BAD("ann@b\xc3\xbc"
		"cher.example."),
	    BAD("ann@\xe2\x80\x8b.example"), BAD("ann@a\xe2\x82\xac b.test"),
	    /* literals */
	    BAD("ann@[]"), BAD("ann@[192.0.2.1"), BAD("ann@192.0.2.1]"),
	    BAD("ann@[192.0.2.1]x"), BAD("ann@[x y]"), BAD("ann@[[1]]")};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = {.text = ""};
		struct addr out;

		want(addr_parse(arena, rows[i].text, rows[i].len, &out, &e) ==
			-1,
		    "row %zu \"%s\": %s", i, rows[i].text, out.canonical);
		want(e.kind == ERR_REFUSED && e.text[0] != '\0',
		    "row %zu \"%s\": %s", i, rows[i].text, e.text);
		want(out.canonical == NULL && out.base == NULL, "row %zu", i);
	}
}

/* `local` times a and `domain` octets of labels, parsed. */
static int
parse_long(size_t local, size_t domain, struct addr *out, struct err *e)
{
	char text[1024];

	memset(text, 'a', sizeof(text));
	text[local] = '@';
	for (size_t i = 50; i < domain; i += 50)
		text[local + i] = '.';
	return addr_parse(arena, text, local + 1 + domain, out, e);
}

static void
lengths(void **state)
{
	static const struct {
		size_t local, domain;
		int rc;
	} rows[] = {{1, 1, 0}, {ADDR_LOCAL_MAX, 30, 0},
	    {ADDR_LOCAL_MAX + 1, 30, -1}, {10, ADDR_DOMAIN_MAX, 0},
	    {10, ADDR_DOMAIN_MAX + 1, -1}, {ADDR_LOCAL_MAX, ADDR_DOMAIN_MAX, 0},
	    {ADDR_LOCAL_MAX + 1, ADDR_DOMAIN_MAX, -1}, {300, 500, -1}};
	struct addr out;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		want(parse_long(rows[i].local, rows[i].domain, &out, &e) ==
			rows[i].rc,
		    "row %zu", i);
		if (rows[i].rc != 0)
			want(e.kind == ERR_REFUSED, "row %zu: %s", i, e.text);
	}
}

static void
a_label_has_at_most_63_octets(void **state)
{
	char text[128] = "ann@";
	struct addr out;
	struct err e;

	(void)state;
	memset(text + 4, 'a', 63);
	assert_int_equal(addr_parse(arena, text, 67, &out, &e), 0);
	memset(text + 4, 'a', 64);
	assert_int_equal(addr_parse(arena, text, 68, &out, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
}

/* Whatever the cap: right, or an error that is not the sender's fault. */
static void
a_full_arena_is_an_error(void **state)
{
	static const char text[] = "<\xc3\x84nn+x@B\xc3\xbc"
				   "cher.example>";
	size_t cap = 0;
	int rc = -1;

	(void)state;
	for (; rc != 0 && cap < 1000; cap++) {
		struct arena *small = arena_new(cap);
		struct err e = {.kind = ERR_REFUSED, .text = ""};
		struct addr out;

		rc = addr_parse(small, text, sizeof(text) - 1, &out, &e);
		if (rc != 0)
			want(e.kind == ERR_FATAL, "cap %zu: %s", cap, e.text);
		else
			assert_string_equal(
			    out.base, "\xc3\xa4nn@xn--bcher-kva.example");
		arena_free(&small);
	}
	assert_int_equal(rc, 0);
	assert_true(cap > 60);
}

static struct addr_key
key_of(uint8_t fill, const char *kind, const char *canonical)
{
	uint8_t secret[ADDR_SECRET];

	memset(secret, fill, sizeof(secret));
	return addr_key(secret, kind, canonical);
}

/* Made with another implementation of BLAKE2b; a changed key would orphan
 * every permit and every link there is. */
static void
keys_never_change(void **state)
{
	static const struct {
		uint8_t fill;
		const char *kind, *canonical, *hex;
	} rows[] = {
	    {0x00, "email", "ann@example.com", "d9eef9e6ec6a4f1fe7a8ff4aeb"},
	    {0x2a, "email", "ann@example.com", "84f36890c1d573dd7f87d5051c"},
	    {0x2a, "phone", "+48600100200", "1c33c107aaef41b53c64f6f9f3"},
	    {0x2a, "email", "", "cb33f896987627c675c6391e7d"},
	};
	char hex[ADDR_KEY_HEX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct addr_key k =
		    key_of(rows[i].fill, rows[i].kind, rows[i].canonical);

		want(strcmp(addr_key_hex(&k, hex), rows[i].hex) == 0,
		    "row %zu: %s", i, hex);
	}
}

static void
keys_differ_by_secret_kind_and_address(void **state)
{
	const struct addr_key keys[] = {
	    key_of(1, "email", "ann@example.com"),
	    key_of(2, "email", "ann@example.com"),
	    key_of(1, "phone", "ann@example.com"),
	    key_of(1, "emai", "lann@example.com"),
	    key_of(1, "emaila", "nn@example.com"),
	    key_of(1, "email", "ann@example.co"),
	    key_of(1, "email", "Ann@example.com"),
	    key_of(1, "", "ann@example.com"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++)
		for (size_t j = 0; j < i; j++)
			want(memcmp(&keys[i], &keys[j], sizeof(keys[i])) != 0,
			    "%zu and %zu", i, j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_addresses),
	    cmocka_unit_test(tags),
	    cmocka_unit_test(quoted_local_parts),
	    cmocka_unit_test(international_domains),
	    cmocka_unit_test(international_local_parts),
	    cmocka_unit_test(literals),
	    cmocka_unit_test(canonical_forms_are_fixed_points),
	    cmocka_unit_test(the_original_is_kept),
	    cmocka_unit_test(only_len_octets_are_read),
	    cmocka_unit_test(bad_input),
	    cmocka_unit_test(lengths),
	    cmocka_unit_test(a_label_has_at_most_63_octets),
	    cmocka_unit_test(a_full_arena_is_an_error),
	    cmocka_unit_test(keys_never_change),
	    cmocka_unit_test(keys_differ_by_secret_kind_and_address),
	};

	return cmocka_run_group_tests_name("addr", tests, set_up, tear_down);
}
