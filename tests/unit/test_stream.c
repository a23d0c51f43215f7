/* SPDX-License-Identifier: ISC */
/*
 * test_stream - which message belongs to which class of traffic
 */
#include "unit.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include "policy/stream.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ANY ((const char *const[]){NULL})

/* `text` as an address into `out`; NULL: unknown, "unix": a local socket. */
static const struct sockaddr *
client(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;

	memset(out, 0, sizeof(*out));
	if (text == NULL)
		return NULL;
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		out->ss_family = AF_INET;
	} else {
		memset(out, 0, sizeof(*out));
		if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
			out->ss_family = AF_INET6;
		else
			out->ss_family = AF_UNIX;
	}
	return (const struct sockaddr *)out;
}

struct row {
	struct stream_match match;
	struct stream_facts facts;
	const char *client;
	bool takes;
};

static void
check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct stream s = {
		    .name = "s", .n_matches = 1, .matches = &rows[i].match};
		struct stream_facts f = rows[i].facts;
		struct sockaddr_storage storage;

		f.client = client(rows[i].client, &storage);
		want((stream_classify(&s, 1, &f) == &s) == rows[i].takes,
		    "row %zu", i);
	}
}

static void
globs(void **state)
{
#define LISTENER(pattern, value, result)                                       \
	{                                                                      \
		{LIST(pattern), ANY, ANY, ANY}, {value, "", NULL, ""}, NULL,   \
		    result                                                     \
	}
#define LOGIN(pattern, value, result)                                          \
	{                                                                      \
		{ANY, LIST(pattern), ANY, ANY}, {"", value, NULL, ""}, NULL,   \
		    result                                                     \
	}
#define SENDER(pattern, value, result)                                         \
	{                                                                      \
		{ANY, ANY, ANY, LIST(pattern)}, {"", "", NULL, value}, NULL,   \
		    result                                                     \
	}
	const struct row rows[] = {
	    LISTENER("campaigns", "campaigns", true),
	    LISTENER("campaigns", "CAMPAIGNS", true),
	    LISTENER("campaigns", "campaign", false),
	    LISTENER("campaigns", "campaigns2", false),
	    LISTENER("campaigns", "", false),
	    LISTENER("*", "", true),
	    LISTENER("?*", "", false),
	    LISTENER("c*s", "campaigns", true),
	    LISTENER("[ab]1", "b1", true),
	    LISTENER("[ab]1", "c1", false),
	    LOGIN("shop", "shop", true),
	    LOGIN("shop", "Shop", true),
	    LOGIN("shop", "shop2", false),
	    LOGIN("shop*", "shop2", true),
	    LOGIN("shop", "", false),
	    SENDER("*@news.example.com", "x@news.example.com", true),
	    SENDER("*@news.example.com", "X@NEWS.EXAMPLE.COM", true),
	    SENDER("*@news.example.com", "x@news.example.com.test", false),
	    SENDER("*@news.example.com", "x@xnews.example.com", false),
	    SENDER("*@news.example.com", "", false),
	    SENDER("*@*.example.com", "x@a.b.example.com", true),
	    SENDER("bounce+*@example.com", "bounce+1=2@example.com", true),
	    /* no escapes: a backslash is one */
	    SENDER("a\\*@example.com", "a*@example.com", false),
	    SENDER("a\\*@example.com", "a\\b@example.com", true),
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void
networks(void **state)
{
#define CLIENT(pattern, address, result)                                       \
	{                                                                      \
		{ANY, ANY, LIST(pattern), ANY}, {"", "", NULL, ""}, address,   \
		    result                                                     \
	}
	const struct row rows[] = {
	    CLIENT("192.0.2.1", "192.0.2.1", true),
	    CLIENT("192.0.2.1", "192.0.2.2", false),
	    CLIENT("192.0.2.1", NULL, false),
	    CLIENT("192.0.2.1", "unix", false),
	    CLIENT("192.0.2.0/24", "192.0.2.255", true),
	    CLIENT("192.0.2.0/24", "192.0.3.0", false),
	    CLIENT("192.0.2.77/24", "192.0.2.1", true),
	    CLIENT("192.0.2.128/25", "192.0.2.128", true),
	    CLIENT("192.0.2.128/25", "192.0.2.127", false),
	    CLIENT("192.0.2.4/30", "192.0.2.7", true),
	    CLIENT("192.0.2.4/30", "192.0.2.8", false),
	    CLIENT("192.0.2.4/31", "192.0.2.6", false),
	    CLIENT("192.0.2.4/32", "192.0.2.4", true),
	    CLIENT("192.0.2.4/32", "192.0.2.5", false),
	    CLIENT("10.0.0.0/8", "10.255.0.1", true),
	    CLIENT("10.0.0.0/8", "11.0.0.1", false),
	    CLIENT("8.0.0.0/5", "15.255.255.255", true),
	    CLIENT("8.0.0.0/5", "16.0.0.0", false),
	    CLIENT("0.0.0.0/0", "203.0.113.9", true),
	    CLIENT("0.0.0.0/0", "2001:db8::1", false),
	    CLIENT("0.0.0.0/0", "unix", false),
	    CLIENT("2001:db8::1", "2001:db8::1", true),
	    CLIENT("2001:DB8::1", "2001:db8::1", true),
	    CLIENT("2001:db8::1", "2001:db8::2", false),
	    CLIENT("2001:db8::/32", "2001:db8:ffff::1", true),
	    CLIENT("2001:db8::/32", "2001:db9::1", false),
	    CLIENT("2001:db8::/33", "2001:db8:8000::", false),
	    CLIENT("2001:db8::/127", "2001:db8::1", true),
	    CLIENT("2001:db8::/127", "2001:db8::2", false),
	    CLIENT("::/0", "2001:db8::1", true),
	    CLIENT("::1", "127.0.0.1", false),
	    /* IPv4 in IPv6 is IPv4 */
	    CLIENT("192.0.2.0/24", "::ffff:192.0.2.9", true),
	    CLIENT("::ffff:192.0.2.0/120", "192.0.2.9", true),
	    CLIENT("::ffff:192.0.2.0/120", "192.0.3.9", false),
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void
every_key_of_a_block_must_hold(void **state)
{
	const struct stream_match m = {
	    LIST("l"), LIST("u"), LIST("192.0.2.1"), LIST("*@example.com")};
	const struct row rows[] = {
	    {m, {"l", "u", NULL, "a@example.com"}, "192.0.2.1", true},
	    {m, {"x", "u", NULL, "a@example.com"}, "192.0.2.1", false},
	    {m, {"l", "x", NULL, "a@example.com"}, "192.0.2.1", false},
	    {m, {"l", "u", NULL, "a@example.test"}, "192.0.2.1", false},
	    {m, {"l", "u", NULL, "a@example.com"}, "192.0.2.2", false},
	    {m, {"l", "u", NULL, "a@example.com"}, NULL, false},
	    {m, {"", "", NULL, ""}, NULL, false},
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void
any_pattern_of_a_key_will_do(void **state)
{
	const struct stream_match m = {
	    LIST("a", "b"), ANY, LIST("192.0.2.1", "2001:db8::/32"), ANY};
	const struct row rows[] = {
	    {m, {"a", "", NULL, ""}, "192.0.2.1", true},
	    {m, {"b", "", NULL, ""}, "2001:db8::5", true},
	    {m, {"c", "", NULL, ""}, "192.0.2.1", false},
	    {m, {"a", "", NULL, ""}, "192.0.2.2", false},
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void
an_empty_block_takes_all(void **state)
{
	const struct stream_match m = {ANY, ANY, ANY, ANY};
	const struct row rows[] = {
	    {m, {"", "", NULL, ""}, NULL, true},
	    {m, {"l", "u", NULL, "a@b"}, "192.0.2.1", true},
	    {m, {"l", "u", NULL, "a@b"}, "unix", true},
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void
any_block_of_a_stream_and_the_first_stream(void **state)
{
	const struct stream_match one[] = {
	    {LIST("a"), ANY, ANY, ANY}, {LIST("b"), LIST("u"), ANY, ANY}};
	const struct stream_match two[] = {{LIST("b"), ANY, ANY, ANY}};
	const struct stream_match all[] = {{ANY, ANY, ANY, ANY}};
	const struct stream streams[] = {
	    {.name = "one", .n_matches = 2, .matches = one},
	    {.name = "none", .n_matches = 0},
	    {.name = "two", .n_matches = 1, .matches = two},
	    {.name = "all", .n_matches = 1, .matches = all},
	};
	static const struct {
		const char *listener, *login, *name;
	} rows[] = {{"a", "", "one"}, {"a", "u", "one"}, {"b", "u", "one"},
	    {"b", "", "two"}, {"b", "x", "two"}, {"c", "u", "all"}};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct stream_facts f = {
		    rows[i].listener, rows[i].login, NULL, ""};
		const struct stream *s =
		    stream_classify(streams, COUNT(streams), &f);

		want(s != NULL && strcmp(s->name, rows[i].name) == 0,
		    "row %zu: %s", i, s == NULL ? "none" : s->name);
		if (strcmp(rows[i].name, "all") == 0)
			assert_null(stream_classify(streams, 3, &f));
	}
	assert_null(stream_classify(
	    NULL, 0, &(const struct stream_facts){"", "", NULL, ""}));
}

static void
purposes_by_name(void **state)
{
	struct stream_purpose purposes[] = {
	    {.name = "newsletter"}, {.name = "news"}, {.name = "offers"}};
	const struct stream s = {.n_purposes = 3, .purposes = purposes};

	(void)state;
	assert_ptr_equal(stream_purpose(&s, "newsletter", 10), &purposes[0]);
	assert_ptr_equal(stream_purpose(&s, "newsletter", 4), &purposes[1]);
	assert_ptr_equal(stream_purpose(&s, "offers; x", 6), &purposes[2]);
	assert_null(stream_purpose(&s, "newslette", 9));
	assert_null(stream_purpose(&s, "newsletters", 11));
	assert_null(stream_purpose(&s, "News", 4));
	assert_null(stream_purpose(&s, "", 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(globs),
	    cmocka_unit_test(networks),
	    cmocka_unit_test(every_key_of_a_block_must_hold),
	    cmocka_unit_test(any_pattern_of_a_key_will_do),
	    cmocka_unit_test(an_empty_block_takes_all),
	    cmocka_unit_test(any_block_of_a_stream_and_the_first_stream),
	    cmocka_unit_test(purposes_by_name),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
