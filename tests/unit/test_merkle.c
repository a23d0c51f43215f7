/* SPDX-License-Identifier: ISC */
/*
 * test_merkle - roots and paths against RFC 9162's own definitions
 *
 * The naive functions below are section 2.1 word for word, over whole trees.
 */
#include "unit.h"

#include <sodium.h>

#include "policy/merkle.h"

enum { LEAVES = 70 };

static struct merkle_hash leaves[LEAVES];

static uint64_t
largest_below(uint64_t n)
{
	uint64_t k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

/* MTH(D[begin:begin+n]) */
static struct merkle_hash
naive_root(uint64_t begin, uint64_t n)
{
	uint8_t text[65] = {1};
	struct merkle_hash out, half;
	uint64_t k;

	if (n == 1)
		return leaves[begin];
	k = largest_below(n);
	half = naive_root(begin, k);
	memcpy(text + 1, half.octets, 32);
	half = naive_root(begin + k, n - k);
	memcpy(text + 33, half.octets, 32);
	crypto_hash_sha256(out.octets, text, sizeof(text));
	return out;
}

/* PATH(m, D[begin:begin+n]) */
static void
naive_path(uint64_t m, uint64_t begin, uint64_t n, struct merkle_path *p)
{
	uint64_t k;

	if (n == 1)
		return;
	k = largest_below(n);
	if (m < k) {
		naive_path(m, begin, k, p);
		p->hash[p->n++] = naive_root(begin + k, n - k);
	} else {
		naive_path(m - k, begin + k, n - k, p);
		p->hash[p->n++] = naive_root(begin, k);
	}
}

/* SUBPROOF(m, D[begin:begin+n], b) */
static void
naive_subproof(
    uint64_t m, uint64_t begin, uint64_t n, bool b, struct merkle_path *p)
{
	uint64_t k;

	if (m == n) {
		if (!b)
			p->hash[p->n++] = naive_root(begin, n);
		return;
	}
	k = largest_below(n);
	if (m <= k) {
		naive_subproof(m, begin, k, b, p);
		p->hash[p->n++] = naive_root(begin + k, n - k);
	} else {
		naive_subproof(m - k, begin + k, n - k, false, p);
		p->hash[p->n++] = naive_root(begin, k);
	}
}

/* Only complete nodes of a tree of `*arg` leaves may be asked for. */
static int
node(void *arg, unsigned int level, uint64_t index, struct merkle_hash *out,
    struct err *e)
{
	const uint64_t *size = arg;

	(void)e;
	want((index + 1) << level <= *size, "%u %u", level, (unsigned)index);
	*out = naive_root(index << level, UINT64_C(1) << level);
	return 0;
}

static int
set_up(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < LEAVES; i++)
		merkle_leaf(&i, 1, &leaves[i]);
	return sodium_init() < 0;
}

/* Of no leaves, and of one empty leaf: known from Certificate Transparency. */
static void
known_answers(void **state)
{
	struct merkle_tree t = {.size = 0};
	struct merkle_hash h;
	char hex[65];

	(void)state;
	merkle_root(&t, &h);
	assert_string_equal(sodium_bin2hex(hex, sizeof(hex), h.octets, 32),
	    "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
	merkle_leaf("", 0, &h);
	assert_string_equal(sodium_bin2hex(hex, sizeof(hex), h.octets, 32),
	    "6e340b9cffb37a989ca544e6bb780a2c"
	    "78901d3fb33738768511a30617afa01d");
}

static int
count(void *arg, unsigned int level, uint64_t index,
    const struct merkle_hash *hash)
{
	struct merkle_hash expected =
	    naive_root(index << level, UINT64_C(1) << level);

	assert_true(merkle_equal(&expected, hash));
	++*(unsigned int *)arg;
	return 0;
}

static void
roots(void **state)
{
	unsigned int told = 0;
	struct merkle_tree t = {.complete = count, .arg = &told};

	(void)state;
	for (uint64_t n = 1; n <= LEAVES; n++) {
		struct merkle_source s = {.node = node, .arg = &n};
		struct merkle_hash expected = naive_root(0, n), got;
		struct err e;

		assert_int_equal(merkle_add(&t, &leaves[n - 1]), 0);
		merkle_root(&t, &got);
		want(merkle_equal(&got, &expected), "%u", (unsigned)n);
		assert_int_equal(merkle_root_of(&s, n, &got, &e), 0);
		want(merkle_equal(&got, &expected), "%u", (unsigned)n);
	}
	/* 70 leaves, 35 pairs, ... */
	assert_int_equal(told, 70 + 35 + 17 + 8 + 4 + 2 + 1);
}

static void
same(const struct merkle_path *a, const struct merkle_path *b, unsigned int i,
    unsigned int n)
{
	want(a->n == b->n, "%u of %u: %zu, %zu", i, n, a->n, b->n);
	for (size_t k = 0; k < a->n; k++)
		want(merkle_equal(&a->hash[k], &b->hash[k]), "%u of %u: %zu", i,
		    n, k);
}

static void
inclusion(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= LEAVES; n++)
		for (uint64_t i = 0; i < n; i++) {
			struct merkle_source s = {.node = node, .arg = &n};
			struct merkle_path got, expected = {.n = 0};
			struct merkle_hash root = naive_root(0, n);
			struct err e;

			naive_path(i, 0, n, &expected);
			assert_int_equal(
			    merkle_inclusion(&s, i, n, &got, &e), 0);
			same(&got, &expected, (unsigned)i, (unsigned)n);
			assert_true(
			    merkle_included(&leaves[i], i, n, &got, &root));
			assert_false(merkle_included(
			    &leaves[(i + 1) % LEAVES], i, n, &got, &root));
			for (uint64_t j = 0; j < n + 2; j++)
				want(j == i ||
					!merkle_included(
					    &leaves[i], j, n, &got, &root),
				    "%u for %u of %u", (unsigned)i, (unsigned)j,
				    (unsigned)n);
			for (size_t k = 0; k < got.n; k++) {
				got.hash[k].octets[k % 32] ^= 1;
				assert_false(merkle_included(
				    &leaves[i], i, n, &got, &root));
				got.hash[k].octets[k % 32] ^= 1;
			}
			got.n++;
			got.hash[got.n - 1] = leaves[0];
			assert_false(
			    merkle_included(&leaves[i], i, n, &got, &root));
		}
}

static void
consistency(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= LEAVES; n++)
		for (uint64_t m = 1; m <= n; m++) {
			struct merkle_source s = {.node = node, .arg = &n};
			struct merkle_path got, expected = {.n = 0};
			struct merkle_hash old = naive_root(0, m),
					   root = naive_root(0, n);
			struct err e;

			naive_subproof(m, 0, n, true, &expected);
			assert_int_equal(
			    merkle_consistency(&s, m, n, &got, &e), 0);
			same(&got, &expected, (unsigned)m, (unsigned)n);
			want(merkle_consistent(m, &old, n, &root, &got),
			    "%u to %u", (unsigned)m, (unsigned)n);
			if (m == n)
				continue;
			assert_false(
			    merkle_consistent(m, &root, n, &old, &got));
			assert_false(
			    merkle_consistent(m, &leaves[9], n, &root, &got));
			assert_false(
			    merkle_consistent(m, &old, n, &leaves[9], &got));
			for (size_t k = 0; k < got.n; k++) {
				got.hash[k].octets[k % 32] ^= 1;
				assert_false(
				    merkle_consistent(m, &old, n, &root, &got));
				got.hash[k].octets[k % 32] ^= 1;
			}
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_answers),
	    cmocka_unit_test(roots),
	    cmocka_unit_test(inclusion),
	    cmocka_unit_test(consistency),
	};

	return cmocka_run_group_tests_name("merkle", tests, set_up, NULL);
}
