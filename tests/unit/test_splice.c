/* SPDX-License-Identifier: ISC */
/*
 * test_splice - splices made one list after the other, or through an encoding,
 * are the same splices
 */
#include "unit.h"

#include "mail/codec.h"
#include "mail/splice.h"
#include "policy/arena.h"

enum { ROUNDS = 2000, ROOM = 1 << 22 };

/* Any numbers will do, the same every time. */
static unsigned
number(unsigned below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

static char *
text(struct arena *a, size_t len)
{
	static const char letters[] = "ab=C \t.\r\n\n\x80\xc5\xff";
	char *s = arena_alloc(a, len + 1);

	assert_non_null(s);
	for (size_t i = 0; i < len; i++) {
		s[i] = letters[number(sizeof(letters) - 1)];
		if (s[i] == '\r' && i + 1 < len)
			s[++i] = '\n';
	}
	return s;
}

static struct splices
some(struct arena *a, size_t len)
{
	struct splices s = {.arena = a};

	for (unsigned n = 1 + number(4); n > 0; n--) {
		const size_t at = number((unsigned)len + 1);
		const size_t size = number((unsigned)(len - at) + 1);
		const size_t text_len = number(12);

		splice_add(&s,
		    &(struct splice){at, number(2) ? size : size / 8,
			text(a, text_len), text_len});
	}
	splice_settle(&s);
	for (size_t i = 1; i < s.n; i++)
		assert_true(
		    s.list[i - 1].at + s.list[i - 1].len <= s.list[i].at);
	return s;
}

static void
one_after_the_other(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct arena *a = arena_new(ROOM);
		size_t len = number(60), once_len, twice_len, both_len;
		char *t = text(a, len), *once, *twice, *both;
		struct splices first = some(a, len), next;

		once = splice_apply(a, t, len, 0, &first, &once_len);
		assert_non_null(once);
		next = some(a, once_len);
		twice = splice_apply(a, once, once_len, 0, &next, &twice_len);
		splice_then(&first, len, &next);
		both = splice_apply(a, t, len, 0, &first, &both_len);
		assert_non_null(twice);
		assert_non_null(both);
		want(
		    both_len == twice_len && memcmp(both, twice, both_len) == 0,
		    "round %d: \"%s\" is not \"%s\"", i, both, twice);
		arena_free(&a);
	}
}

/* The octets of the longest line, its line break aside. */
static size_t
longest(const char *s, size_t len)
{
	size_t column = 0, most = 0;

	for (size_t i = 0; i < len; i++) {
		column = s[i] == '\n' ? 0 : column + (s[i] != '\r');
		most = column > most ? column : most;
	}
	return most;
}

static void
through_an_encoding(void **state)
{
	static const enum codec codecs[] = {CODEC_8BIT, CODEC_QP, CODEC_BASE64};

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		const enum codec c = codecs[i % 3];
		struct arena *a = arena_new(ROOM);
		size_t len = number(400), raw_len, out_len, again_len, want_len;
		char *t = text(a, len), *raw, *out, *expected;
		const char *again;
		struct splices s = some(a, len);

		raw = codec_encode(a, c, t, len, &raw_len);
		assert_non_null(raw);
		out = codec_splice(a, c, raw, raw_len, t, len, &s, &out_len);
		assert_non_null(out);
		again = codec_decode(a, c, out, out_len, &again_len);
		expected = splice_apply(a, t, len, 0, &s, &want_len);
		assert_non_null(again);
		assert_non_null(expected);
		want(again_len == want_len &&
			memcmp(again, expected, want_len) == 0,
		    "round %d, %s: \"%s\"", i, codec_name(c), out);
		want(c == CODEC_8BIT || longest(out, out_len) <= 76,
		    "round %d, %s: \"%s\"", i, codec_name(c), out);
		arena_free(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_after_the_other),
	    cmocka_unit_test(through_an_encoding),
	};

	return cmocka_run_group_tests_name("splice", tests, NULL, NULL);
}
