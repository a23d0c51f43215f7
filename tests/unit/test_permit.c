/* SPDX-License-Identifier: ISC */
/*
 * test_permit - decoding takes exactly what is a permit, and finds what it says
 */
#include "unit.h"

#include "policy/language.h"
#include "policy/permit.h"

/* Two expiries, four pairs. */
static const uint8_t sample[] = {1, 0, 2, /* expiries: */ 0x65, 0, 0, 0, 0xff,
    0xff, 0xff, 0xff, /* pairs: */ 0, 1, 0x02, 1, 0, 1, 0x12, 0, 0, 7, 0x03, 0,
    0xff, 0xff, 0x62, 2};

enum { SAMPLE = sizeof(sample), FIXED = 3 + 2 * 4 };

static int
decode(const uint8_t *octets, size_t len, struct permit *p, struct err *e)
{
	/* On the heap and no longer than it is, so that reading on shows. */
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	int rc;

	assert_non_null(copy);
	memcpy(copy, octets, len);
	*e = (struct err){.kind = ERR_REFUSED};
	rc = permit_decode(copy, len, p, e);
	if (rc == 0 && len > 0) {
		p->expiries = octets + (p->expiries - copy);
		p->pairs = octets + (p->pairs - copy);
	}
	free(copy);
	return rc;
}

static void
no_octets_is_an_unknown_address(void **state)
{
	struct permit p = {.known = true, .erased = true};
	struct err e;

	(void)state;
	assert_int_equal(permit_decode(NULL, 0, &p, &e), 0);
	assert_false(p.known);
	assert_false(p.erased);
	assert_int_equal(p.n_pairs, 0);
	assert_int_equal(
	    permit_find(&p, 1, CHANNEL_EMAIL).standing, STANDING_NONE);
}

static void
a_bare_header_is_a_known_address(void **state)
{
	static const uint8_t bare[] = {1, 0, 0}, erased[] = {1, 1, 0};
	struct permit p;
	struct err e;

	(void)state;
	assert_int_equal(decode(bare, 3, &p, &e), 0);
	assert_true(p.known);
	assert_false(p.erased);
	assert_int_equal(p.n_pairs, 0);
	assert_int_equal(decode(erased, 3, &p, &e), 0);
	assert_true(p.known);
	assert_true(p.erased);
}

static void
says_the_language(void **state)
{
	static const uint8_t polish[] = {1, 19 << 2, 0};
	struct permit p;
	struct err e;

	(void)state;
	assert_int_equal(decode(polish, sizeof(polish), &p, &e), 0);
	assert_false(p.erased);
	assert_string_equal(language_tag(p.language), "pl");
	assert_int_equal(language_number("PL-pl", 5), 19);
	assert_int_equal(language_number("plx", 3), LANGUAGE_NONE);
	assert_int_equal(language_number("", 0), LANGUAGE_NONE);
	assert_string_equal(language_tag(LANGUAGE_NONE), "");
}

static void
finds_what_is_there(void **state)
{
	static const struct {
		uint16_t purpose;
		enum channel channel;
		enum standing standing;
		int64_t expires;
	} rows[] = {
	    {1, CHANNEL_EMAIL, STANDING_GRANTED, 0x65000000},
	    {1, CHANNEL_SMS, STANDING_GRANTED, 0},
	    {7, CHANNEL_EMAIL, STANDING_WITHDRAWN, 0},
	    {65535, CHANNEL_IM, STANDING_GRANTED, INT64_C(0xffffffff)},
	    {0, CHANNEL_EMAIL, STANDING_NONE, 0},
	    {1, CHANNEL_VOICE, STANDING_NONE, 0},
	    {7, CHANNEL_SMS, STANDING_NONE, 0},
	    {8, CHANNEL_EMAIL, STANDING_NONE, 0},
	    {65535, CHANNEL_EMAIL, STANDING_NONE, 0},
	    {65534, CHANNEL_IM, STANDING_NONE, 0},
	};
	struct permit p;
	struct err e;

	(void)state;
	assert_int_equal(decode(sample, SAMPLE, &p, &e), 0);
	assert_int_equal(p.n_pairs, 4);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct permit_pair pair =
		    permit_find(&p, rows[i].purpose, rows[i].channel);

		want(pair.standing == rows[i].standing, "row %zu: %d", i,
		    pair.standing);
		want(pair.expires == rows[i].expires, "row %zu: %lld", i,
		    (long long)pair.expires);
	}
}

static void
a_pause_stands_before_its_pair(void **state)
{
	static const uint8_t octets[] = {1, 0, 2, 0, 0, 0, 9, 0, 0, 1, 0,
	    /* paused until 256, granted until 9 */ 0, 1, 7, 2, 0, 1, 2, 1,
	    /* granted */ 0, 2, 2, 0,
	    /* paused for ever */ 0, 3, 7, 0, 0, 3, 2, 0};
	static const struct permit_pair rows[] = {
	    {STANDING_GRANTED, 9, 256},
	    {STANDING_GRANTED, 0, 0},
	    {STANDING_GRANTED, 0, INT64_MAX},
	};
	struct permit p;
	struct err e;

	(void)state;
	assert_int_equal(decode(octets, sizeof(octets), &p, &e), 0);
	/* From either of the two, whichever is found first. */
	for (size_t n = p.n_pairs; n > 0; n--) {
		p.n_pairs = n;
		for (size_t i = 0; i < COUNT(rows); i++) {
			struct permit_pair pair =
			    permit_find(&p, (uint16_t)(i + 1), CHANNEL_EMAIL);

			if (n < (const size_t[]){2, 3, 5}[i])
				continue;
			want(pair.standing == rows[i].standing &&
				pair.expires == rows[i].expires &&
				pair.paused == rows[i].paused,
			    "row %zu of %zu", i, n);
		}
	}
}

/* Pairs of the odd purposes up to 2n-1, all granted, without expiry. */
static size_t
build(uint8_t *out, size_t n)
{
	memcpy(out, (const uint8_t[]){1, 0, 0}, 3);
	for (size_t i = 0; i < n; i++) {
		size_t purpose = 2 * i + 1;

		memcpy(out + 3 + 4 * i,
		    (const uint8_t[]){
			(uint8_t)(purpose >> 8), (uint8_t)purpose, 0x02, 0},
		    4);
	}
	return 3 + 4 * n;
}

static void
finds_in_permits_of_every_size(void **state)
{
	uint8_t octets[3 + 4 * 300];
	struct permit p;
	struct err e;

	(void)state;
	for (size_t n = 0; n <= 300; n += n < 20 ? 1 : 28) {
		size_t len = build(octets, n);

		assert_int_equal(decode(octets, len, &p, &e), 0);
		for (uint16_t purpose = 0; purpose < 2 * n + 3; purpose++) {
			bool there = purpose % 2 == 1 && purpose < 2 * n;

			want(
			    (permit_find(&p, purpose, CHANNEL_EMAIL).standing ==
				STANDING_GRANTED) == there,
			    "%u of %zu", purpose, n);
		}
	}
}

static void
every_expiry_can_be_named(void **state)
{
	uint8_t octets[3 + 255 * 4 + 255 * 4];
	struct permit p;
	struct err e;

	(void)state;
	memcpy(octets, (const uint8_t[]){1, 0, 255}, 3);
	for (size_t i = 0; i < 255; i++) {
		memcpy(octets + 3 + 4 * i,
		    (const uint8_t[]){0x70, 0, 1, (uint8_t)i}, 4);
		memcpy(octets + 3 + 255 * 4 + 4 * i,
		    (const uint8_t[]){0, (uint8_t)(i + 1), 2, (uint8_t)(i + 1)},
		    4);
	}
	assert_int_equal(decode(octets, sizeof(octets), &p, &e), 0);
	for (uint16_t i = 0; i < 255; i++)
		assert_int_equal(
		    permit_find(&p, (uint16_t)(i + 1), CHANNEL_EMAIL).expires,
		    0x70000100 + i);
}

#define ROW(text, ...)                                                         \
	{                                                                      \
		text, (const uint8_t[]){__VA_ARGS__},                          \
		    sizeof((const uint8_t[]){__VA_ARGS__})                     \
	}

static void
damage_is_refused(void **state)
{
	const struct {
		const char *text;
		const uint8_t *octets;
		size_t len;
	} rows[] = {
	    ROW("version", 0),
	    ROW("version", 1),
	    ROW("version", 1, 0),
	    ROW("version", 0, 0, 0),
	    ROW("version", 2, 0, 0),
	    ROW("version", 255, 0, 0),
	    /* flags that do not exist */
	    ROW("add up", 1, 2, 0),
	    /* ... and a language */
	    ROW("add up", 1, 0xc0, 0),
	    ROW("add up", 1, 3, 0),
	    /* fewer expiries than promised, half a pair */
	    ROW("add up", 1, 0, 1),
	    ROW("add up", 1, 0, 1, 0, 0, 0),
	    ROW("add up", 1, 0, 255, 0, 0, 0, 1),
	    ROW("add up", 1, 0, 0, 0),
	    ROW("add up", 1, 0, 0, 0, 1, 2),
	    ROW("add up", 1, 0, 0, 0, 1, 2, 0, 0),
	    /* a channel, a standing, an expiry that do not exist */
	    ROW("makes no sense", 1, 0, 0, 0, 1, 0x72, 0),
	    ROW("makes no sense", 1, 0, 0, 0, 1, 0xf2, 0),
	    ROW("makes no sense", 1, 0, 0, 0, 1, 0x07, 0),
	    ROW("makes no sense", 1, 0, 0, 0, 1, 0x0f, 0),
	    ROW("makes no sense", 1, 0, 0, 0, 1, 0x02, 1),
	    ROW("makes no sense", 1, 0, 1, 0, 0, 0, 9, 0, 1, 0x02, 2),
	    /* a pause of nothing, of another pair, of a refusal, of itself, and
	     * behind its pair */
	    ROW("makes no sense", 1, 0, 0, 0, 1, 0x07, 0, 0, 2, 2, 0),
	    ROW("makes no sense", 1, 0, 0, 0, 1, 0x07, 0, 0, 1, 0x12, 0),
	    ROW("makes no sense", 1, 0, 0, 0, 1, 0x07, 0, 0, 1, 3, 0),
	    ROW("makes no sense", 1, 0, 0, 0, 1, 7, 0, 0, 1, 7, 0, 0, 1, 2, 0),
	    ROW("makes no sense", 1, 0, 0, 0, 1, 2, 0, 0, 1, 7, 0),
	    ROW("makes no sense", 1, 0, 0, 0, 1, 7, 1, 0, 1, 2, 0),
	    /* twice the same pair, and descending */
	    ROW("out of order", 1, 0, 0, 0, 1, 2, 0, 0, 1, 2, 0),
	    ROW("out of order", 1, 0, 0, 0, 1, 2, 0, 0, 1, 3, 0),
	    ROW("out of order", 1, 0, 0, 0, 2, 2, 0, 0, 1, 2, 0),
	    ROW("out of order", 1, 0, 0, 0, 1, 0x12, 0, 0, 1, 0x02, 0),
	    ROW("out of order", 1, 0, 0, 1, 0, 2, 0, 0, 255, 2, 0),
	};
	struct permit p;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		want(decode(rows[i].octets, rows[i].len, &p, &e) == -1,
		    "row %zu", i);
		want(e.kind == ERR_FATAL && has(e.text, rows[i].text),
		    "row %zu: %s", i, e.text);
	}
}

/* Lengths at which a sample's beginning is again whole: after any pair. */
static void
every_truncation(void **state)
{
	struct permit p;
	struct err e;

	(void)state;
	for (size_t len = 1; len < SAMPLE; len++) {
		bool whole = len >= FIXED && (len - FIXED) % 4 == 0;

		want((decode(sample, len, &p, &e) == 0) == whole, "%zu", len);
		if (whole)
			assert_int_equal(p.n_pairs, (len - FIXED) / 4);
	}
}

/* What decodes must mean something in every place. */
static void
check_sense(const uint8_t *octets, size_t len, const struct permit *p)
{
	assert_int_equal(octets[0], 1);
	assert_int_equal(octets[1], p->language << 2 | (p->erased ? 1 : 0));
	assert_true(p->language < LANGUAGE_COUNT);
	assert_int_equal(3 + octets[2] * 4 + p->n_pairs * 4, len);
	for (size_t i = 0; i < p->n_pairs; i++) {
		const uint8_t *q = p->pairs + 4 * i;
		struct permit_pair pair =
		    permit_find(p, (uint16_t)(q[0] << 8 | q[1]), q[2] >> 4);

		assert_true(q[2] >> 4 < CHANNEL_COUNT);
		assert_true(q[3] <= octets[2]);
		/* A pause of what comes next. */
		if ((q[2] & 0x0f) == STANDING_COUNT) {
			assert_int_equal(pair.standing, STANDING_GRANTED);
			assert_true(pair.paused > 0 || q[3] > 0);
			continue;
		}
		assert_int_equal(pair.standing, q[2] & 0x0f);
		assert_true((int)pair.standing < STANDING_COUNT);
		assert_int_equal(pair.expires == 0,
		    q[3] == 0 ||
			memcmp(p->expiries + 4 * (q[3] - 1), "\0\0\0\0", 4) ==
			    0);
	}
}

static void
every_octet_mutated(void **state)
{
	/* How many of 255 wrong values each of the first octets must refuse.
	 * More expiries swallow pairs from the front, up to all four: less is
	 * permitted then, never more. */
	static const int refused[SAMPLE] = {[0] = 255, [1] = 160, [2] = 251};
	uint8_t octets[SAMPLE];

	(void)state;
	for (size_t at = 0; at < SAMPLE; at++) {
		int n = 0;

		for (int value = 0; value < 256; value++) {
			struct permit p;
			struct err e;

			memcpy(octets, sample, SAMPLE);
			if (octets[at] == value)
				continue;
			octets[at] = (uint8_t)value;
			if (decode(octets, SAMPLE, &p, &e) == 0)
				check_sense(octets, SAMPLE, &p);
			else
				n++;
		}
		want(at > 2 || n == refused[at], "octet %zu: %d", at, n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_octets_is_an_unknown_address),
	    cmocka_unit_test(a_bare_header_is_a_known_address),
	    cmocka_unit_test(says_the_language),
	    cmocka_unit_test(finds_what_is_there),
	    cmocka_unit_test(a_pause_stands_before_its_pair),
	    cmocka_unit_test(finds_in_permits_of_every_size),
	    cmocka_unit_test(every_expiry_can_be_named),
	    cmocka_unit_test(damage_is_refused),
	    cmocka_unit_test(every_truncation),
	    cmocka_unit_test(every_octet_mutated),
	};

	return cmocka_run_group_tests_name("permit", tests, NULL, NULL);
}
