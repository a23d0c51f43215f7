/* SPDX-License-Identifier: ISC */
/*
 * test_redis_url - where Redis is, read strictly
 */
#include "unit.h"

#include "policy/redis_url.h"

static const struct good {
	const char *text;
	enum redis_mode mode;
	size_t n;
	const char *first;
	int port;
	const char *user, *password, *master;
	int database;
} good[] = {
    {"unix:/run/redis.sock", REDIS_ONE, 1, "/run/redis.sock", 0, NULL, NULL,
	NULL, 0},
    {"redis://a.example", REDIS_ONE, 1, "a.example", 6379, NULL, NULL, NULL,
	0},
    {"redis://a.example:7/3", REDIS_ONE, 1, "a.example", 7, NULL, NULL, NULL,
	3},
    {"redis://[::1]:7", REDIS_ONE, 1, "::1", 7, NULL, NULL, NULL, 0},
    {"redis://[::1]/15", REDIS_ONE, 1, "::1", 6379, NULL, NULL, NULL, 15},
    {"redis://secret@a.example", REDIS_ONE, 1, "a.example", 6379, NULL,
	"secret", NULL, 0},
    {"redis://:p/@:q@a.example:8", REDIS_ONE, 1, "a.example", 8, NULL, "p/@:q",
	NULL, 0},
    {"sentinel://a.example,b.example:9/mymaster", REDIS_SENTINEL, 2,
	"a.example", 26379, NULL, NULL, "mymaster", 0},
    {"sentinel://u:p@a.example/mymaster/2", REDIS_SENTINEL, 1, "a.example",
	26379, "u", "p", "mymaster", 2},
    {"cluster://u:p@a.example:1,[2001:db8::1]:2,c.example", REDIS_CLUSTER, 3,
	"a.example", 1, "u", "p", NULL, 0},
};

static const char *const bad[] = {
    "",
    "unix:",
    "unix:redis.sock",
    "http://a.example",
    "redis://",
    "redis://:6379",
    "redis://a.example:",
    "redis://a.example:0",
    "redis://a.example:65536",
    "redis://a.example:6379x",
    "redis://a.example/x",
    "redis://a.example/-1",
    "redis://a.example/",
    "redis://a.example/99999999999",
    "redis://a.example,b.example",
    "redis://[::1",
    "redis://[::1]6379",
    "redis://[]:6379",
    "sentinel://a.example",
    "sentinel://a.example/",
    "sentinel://a.example,/m",
    "sentinel://,a.example/m",
    "sentinel:///m",
    "cluster://a.example/1",
    "cluster://a.example/",
};

static void
assert_text(const char *found, const char *expected)
{
	if (expected == NULL)
		assert_null(found);
	else
		assert_string_equal(found, expected);
}

static void
what_is_meant_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const struct good *g = &good[i];
		struct redis_url u;
		struct err e;

		assert_int_equal(redis_url_parse(&u, g->text, &e), 0);
		assert_int_equal(u.mode, g->mode);
		assert_int_equal(u.n, g->n);
		assert_text(u.servers[0].host, g->first);
		assert_int_equal(u.servers[0].port, g->port);
		assert_text(u.login.user, g->user);
		assert_text(u.login.password, g->password);
		assert_text(u.master, g->master);
		assert_int_equal(u.login.database, g->database);
		redis_url_free(&u);
	}
}

static void
anything_else_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct redis_url u;
		struct err e = {.text = ""};

		if (redis_url_parse(&u, bad[i], &e) == 0)
			fail_msg("\"%s\" is taken", bad[i]);
		assert_non_null(strstr(e.text, "cache url"));
		redis_url_free(&u);
	}
}

static void
a_password_is_not_repeated(void **state)
{
	struct redis_url u;
	struct err e;

	(void)state;
	assert_int_equal(
	    redis_url_parse(&u, "redis://u:secret@a.example:x", &e), -1);
	assert_null(strstr(e.text, "secret"));
	redis_url_free(&u);
	assert_int_equal(redis_url_parse(&u, "rediss://u:secret@a", &e), -1);
	assert_null(strstr(e.text, "secret"));
	redis_url_free(&u);
}

static void
there_is_an_end_to_servers(void **state)
{
	char text[REDIS_SERVERS * 2 + 16] = "cluster://a";
	struct redis_url u;
	struct err e;

	(void)state;
	for (size_t i = 1; i < REDIS_SERVERS; i++)
		strcat(text, ",a");
	assert_int_equal(redis_url_parse(&u, text, &e), 0);
	assert_int_equal(u.n, REDIS_SERVERS);
	redis_url_free(&u);
	strcat(text, ",a");
	assert_int_equal(redis_url_parse(&u, text, &e), -1);
	redis_url_free(&u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_meant_is_read),
	    cmocka_unit_test(anything_else_is_refused),
	    cmocka_unit_test(a_password_is_not_repeated),
	    cmocka_unit_test(there_is_an_end_to_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
