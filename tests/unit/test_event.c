/* SPDX-License-Identifier: ISC */
/*
 * test_event - leaves, instants and signed roots
 */
#include "unit.h"

#include <sodium.h>

#include "policy/checkpoint.h"
#include "policy/event.h"
#include "policy/instant.h"
#include "policy/keys.h"

static const struct event whole = {
    .id = 1,
    .recorded_at = 2,
    .at = 3,
    .act = "grant",
    .contact = {true, 5},
    .purpose = {true, 6},
    .channel = "email",
    .expires = {true, 8},
    .source = "s",
    .actor = "a",
    .about = {true, 12},
    .text = {true, 13},
    .detail = "d",
};

static void
instants(void **state)
{
	static const struct {
		int64_t t;
		const char *text;
	} rows[] = {
	    {0, "2000-01-01T00:00:00.000000Z"},
	    {-1, "1999-12-31T23:59:59.999999Z"},
	    {1, "2000-01-01T00:00:00.000001Z"},
	    {817063200123456, "2025-11-21T18:00:00.123456Z"},
	    {INT64_MAX, "infinity"},
	    {INT64_MIN, "-infinity"},
	};
	static const char *const bad[] = {"", "2000-01-01", "x",
	    "2000-01-01T00:00:00.000000", "2000-01-01T00:00:00.00000Z",
	    "2000-01-01T00:00:00.0000000Z", "2000-1-01T00:00:00.000000Z",
	    "2000-02-30T00:00:00.000000Z", "2000-01-01T24:00:00.000000Z",
	    " 2000-01-01T00:00:00.000000Z", "2000-01-01T00:00:00.000000Z ",
	    "2000-01-01 00:00:00.000000Z", "Infinity"};
	char text[INSTANT_TEXT];
	int64_t t;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_string_equal(
		    instant_text(rows[i].t, text), rows[i].text);
		assert_true(instant_parse(rows[i].text, &t));
		assert_true(t == rows[i].t);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		want(!instant_parse(bad[i], &t), "%s", bad[i]);
}

/* The serialisation written out by hand. */
static void
a_leaf_is_what_the_table_says(void **state)
{
	static const char text[] =
	    "\0assent event 1\n"
	    "\1\0\0\0\10\0\0\0\0\0\0\0\1\2\0\0\0\10\0\0\0\0\0\0\0\2"
	    "\3\0\0\0\10\0\0\0\0\0\0\0\3\4\0\0\0\5grant"
	    "\5\0\0\0\10\0\0\0\0\0\0\0\5\6\0\0\0\10\0\0\0\0\0\0\0\6"
	    "\7\0\0\0\5email\10\0\0\0\10\0\0\0\0\0\0\0\10"
	    "\11\0\0\0\1s\12\0\0\0\1a\13\0\0\0\40"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	    "\14\0\0\0\10\0\0\0\0\0\0\0\14"
	    "\15\0\0\0\10\0\0\0\0\0\0\0\15"
	    "\16\0\0\0\1d";
	struct merkle_hash got, expected;

	(void)state;
	event_leaf(&whole, &got);
	crypto_hash_sha256(
	    expected.octets, (const uint8_t *)text, sizeof(text) - 1);
	assert_true(merkle_equal(&got, &expected));
}

/* Each change of one fact is another leaf, and no two are the same. */
static void
every_fact_counts(void **state)
{
	struct event e[20];
	struct merkle_hash leaf[20];

	(void)state;
	for (size_t i = 0; i < COUNT(e); i++)
		e[i] = whole;
	e[1].id++;
	e[2].recorded_at++;
	e[3].at++;
	e[4].act = "pend";
	e[5].contact.value++;
	e[6].purpose.value++;
	e[7].purpose.there = false;
	e[8].channel = "sms";
	e[9].channel = NULL;
	e[10].expires.there = false;
	e[11].source = "sa";
	e[12].actor = "as";
	e[13].commitment.octets[31] = 1;
	e[14].about.there = false;
	e[15].source = "";
	e[16].text.there = false;
	e[17].contact.there = false;
	e[18].detail = NULL;
	e[19].detail = "";
	for (size_t i = 0; i < COUNT(e); i++) {
		event_leaf(&e[i], &leaf[i]);
		for (size_t j = 0; j < i; j++)
			want(
			    !merkle_equal(&leaf[i], &leaf[j]), "%zu %zu", i, j);
	}
}

static void
every_field_is_signed(void **state)
{
	static const uint8_t seed[KEYS_SECRET] = {7};
	struct keys_ledger key = {.number = 3};
	struct checkpoint c = {.number = 1, .size = 2, .signed_at = 3}, d[9];

	(void)state;
	crypto_sign_seed_keypair(key.public, key.secret, seed);
	checkpoint_sign(&c, &key);
	assert_int_equal(c.key, 3);
	assert_true(checkpoint_signed(&c, key.public));
	for (size_t i = 0; i < COUNT(d); i++)
		d[i] = c;
	d[0].number++;
	d[1].size++;
	d[2].signed_at++;
	d[3].last++;
	d[4].horizon++;
	d[5].settled++;
	d[6].key++;
	d[7].root.octets[0]++;
	d[8].signature[0]++;
	for (size_t i = 0; i < COUNT(d); i++)
		want(!checkpoint_signed(&d[i], key.public), "%zu", i);
	key.public[0] ^= 1;
	assert_false(checkpoint_signed(&c, key.public));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(instants),
	    cmocka_unit_test(a_leaf_is_what_the_table_says),
	    cmocka_unit_test(every_fact_counts),
	    cmocka_unit_test(every_field_is_signed),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
