/* SPDX-License-Identifier: ISC */
/*
 * test_list - the List-* header fields that a message leaves with
 */
#include "unit.h"

#include "milter/list.h"
#include "milter/session.h"
#include "policy/arena.h"
#include "policy/conf.h"
#include "policy/keys.h"
#include "policy/stream.h"
#include "policy/token.h"

static const struct conf conf = {
    .web = {.base_url = "https://optout.example.com/x",
	.mail_domain = "optout.example.com"},
};
static struct stream_purpose purpose = {.name = "news", .id = 300};
static const struct stream stream = {
    .name = "s", .brand = "acme", .n_purposes = 1, .purposes = &purpose};

static char scratch[256];
static struct keys *keys;
static struct arena *arena;

static int
set_up(void **state)
{
	char path[300];
	struct err e;

	(void)state;
	make_scratch(scratch);
	snprintf(path, sizeof(path), "%s/keys", scratch);
	if (keys_create(path, &e) != 0)
		return -1;
	keys = keys_load(path, &e);
	unlink(path);
	arena = arena_new(1 << 16);
	return keys == NULL || arena == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	keys_free(&keys);
	return rmdir(scratch);
}

/* The text between `before` and `after` opens as this recipient's opt-out. */
static void
check_token(const char *text, const char *before, const char *after)
{
	const char *from = strstr(text, before), *to;
	struct token_subject s;
	struct token t;

	assert_non_null(from);
	from += strlen(before);
	to = strstr(from, after);
	assert_non_null(to);
	assert_true(token_open(
	    keys, CAPABILITY_OPT_OUT, from, (size_t)(to - from), &t));
	assert_true(token_subject(&t, &s));
	assert_int_equal(s.key.octets[0], 9);
	assert_int_equal(s.purpose, 300);
	assert_int_equal(s.channel, CHANNEL_EMAIL);
}

static void
one_recipient(void **state)
{
	const struct recipient r = {.key = {{9}}};
	struct list_fields f;
	struct err e;
	const char *fold;

	(void)state;
	assert_int_equal(
	    list_fields(arena, &conf, keys, &stream, &purpose, &r, &f, &e), 0);
	assert_string_equal(f.id, "<news.acme.optout.example.com>");
	assert_string_equal(f.unsubscribe_post, "List-Unsubscribe=One-Click");
	assert_int_equal(
	    strncmp(f.unsubscribe, "<https://optout.example.com/x/u/", 32), 0);
	check_token(f.unsubscribe, "/u/", ">,\n\t<mailto:");
	check_token(f.unsubscribe, "<mailto:", "@optout.example.com?subject=");
	/* One fold, and each URI whole on a side of it. */
	fold = strchr(f.unsubscribe, '\n');
	assert_non_null(fold);
	assert_null(strpbrk(fold + 2, "\r\n\t "));
	assert_int_equal(
	    strcspn(f.unsubscribe, "\r\n\t "), (size_t)(fold - f.unsubscribe));
	assert_true(strlen(fold) < 998 && fold - f.unsubscribe < 900);
}

/* Nothing of one recipient may stand in everybody's copy. */
static void
several_recipients(void **state)
{
	struct list_fields f;
	struct err e;

	(void)state;
	assert_int_equal(
	    list_fields(arena, &conf, keys, &stream, &purpose, NULL, &f, &e),
	    0);
	assert_string_equal(f.unsubscribe, "<https://optout.example.com/x/u>");
	assert_null(f.unsubscribe_post);
	assert_string_equal(f.id, "<news.acme.optout.example.com>");
}

static void
a_full_arena_is_an_error(void **state)
{
	const struct recipient r = {.key = {{9}}};
	struct list_fields f;
	int rc = -1;

	(void)state;
	for (size_t cap = 0; rc != 0; cap++) {
		struct arena *small = arena_new(cap);
		struct err e = {.kind = ERR_REFUSED};

		assert_true(cap < 1000);
		rc = list_fields(
		    small, &conf, keys, &stream, &purpose, &r, &f, &e);
		want(rc == 0 || e.kind == ERR_FATAL, "%zu", cap);
		arena_free(&small);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_recipient),
	    cmocka_unit_test(several_recipients),
	    cmocka_unit_test(a_full_arena_is_an_error),
	};

	return cmocka_run_group_tests_name("list", tests, set_up, tear_down);
}
