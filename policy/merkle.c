/* SPDX-License-Identifier: ISC */
/*
 * merkle - the tree over the ledger's events (RFC 9162, section 2.1)
 *
 * A tree whose size is no power of two is a row of complete subtrees, the
 * largest first, hashed together from the right.  So is every subtree that a
 * proof needs: range() puts one together from the complete nodes in it.  The
 * verifiers never build a tree; they follow the RFC's own steps.
 */
#include "merkle.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

_Static_assert(MERKLE_HASH == crypto_hash_sha256_BYTES, "SHA-256");

void
merkle_leaf(const void *data, size_t n, struct merkle_hash *out)
{
	crypto_hash_sha256_state st;

	crypto_hash_sha256_init(&st);
	crypto_hash_sha256_update(&st, (const uint8_t *)"\x00", 1);
	crypto_hash_sha256_update(&st, data, n);
	crypto_hash_sha256_final(&st, out->octets);
}

void
merkle_node(const struct merkle_hash *left, const struct merkle_hash *right,
    struct merkle_hash *out)
{
	uint8_t text[1 + 2 * MERKLE_HASH] = {1};

	memcpy(text + 1, left->octets, MERKLE_HASH);
	memcpy(text + 1 + MERKLE_HASH, right->octets, MERKLE_HASH);
	crypto_hash_sha256(out->octets, text, sizeof(text));
}

bool
merkle_equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->octets, b->octets, MERKLE_HASH) == 0;
}

int
merkle_add(struct merkle_tree *t, const struct merkle_hash *leaf)
{
	struct merkle_hash hash = *leaf;
	unsigned int level = 0;

	for (;; level++) {
		assert(level < MERKLE_LEVELS);
		if (t->complete != NULL &&
		    t->complete(t->arg, level, t->size >> level, &hash) != 0)
			return -1;
		if ((t->size >> level & 1) == 0)
			break;
		merkle_node(&t->peak[level], &hash, &hash);
	}
	t->peak[level] = hash;
	t->size++;
	return 0;
}

void
merkle_root(const struct merkle_tree *t, struct merkle_hash *out)
{
	bool any = false;

	for (unsigned int l = 0; l < MERKLE_LEVELS; l++) {
		if ((t->size >> l & 1) == 0)
			continue;
		if (any)
			merkle_node(&t->peak[l], out, out);
		else
			*out = t->peak[l];
		any = true;
	}
	if (!any)
		crypto_hash_sha256(out->octets, (const uint8_t *)"", 0);
}

/* The level of the largest complete subtree of `n` leaves. */
static unsigned int
top(uint64_t n)
{
	assert(n > 0);
	return 63U - (unsigned int)__builtin_clzll(n);
}

/* The level at which RFC 9162 splits `n` leaves: the largest power of two
 * smaller than `n`. */
static unsigned int
split(uint64_t n)
{
	assert(n > 1);
	return top(n - 1);
}

/* The root of `n` leaves from `begin` on; `begin` is a multiple of every
 * complete subtree's size, as it is in every split. */
static int
range(const struct merkle_source *s, uint64_t begin, uint64_t n,
    struct merkle_hash *out, struct err *e)
{
	struct merkle_hash part[MERKLE_LEVELS];
	size_t parts = 0;

	while (n > 0) {
		unsigned int level = top(n);

		assert(parts < MERKLE_LEVELS);
		if (s->node(s->arg, level, begin >> level, &part[parts], e) !=
		    0)
			return -1;
		parts++;
		begin += UINT64_C(1) << level;
		n -= UINT64_C(1) << level;
	}
	*out = part[--parts];
	while (parts > 0)
		merkle_node(&part[--parts], out, out);
	return 0;
}

int
merkle_root_of(const struct merkle_source *s, uint64_t size,
    struct merkle_hash *out, struct err *e)
{
	assert(size > 0);
	return range(s, 0, size, out, e);
}

static void
reverse(struct merkle_path *p)
{
	for (size_t i = 0, j = p->n; i + 1 < j; i++) {
		struct merkle_hash h = p->hash[i];

		p->hash[i] = p->hash[--j];
		p->hash[j] = h;
	}
}

/* Adds the root of `n` leaves from `begin` on. */
static int
step(const struct merkle_source *s, uint64_t begin, uint64_t n,
    struct merkle_path *out, struct err *e)
{
	assert(out->n <= MERKLE_LEVELS);
	return range(s, begin, n, &out->hash[out->n++], e);
}

int
merkle_inclusion(const struct merkle_source *s, uint64_t index, uint64_t size,
    struct merkle_path *out, struct err *e)
{
	uint64_t begin = 0, n = size;

	assert(index < size);
	out->n = 0;
	/* From the root down; the RFC wants it from the leaf up. */
	while (n > 1) {
		uint64_t k = UINT64_C(1) << split(n);

		if (index - begin < k) {
			if (step(s, begin + k, n - k, out, e) != 0)
				return -1;
			n = k;
		} else {
			if (step(s, begin, k, out, e) != 0)
				return -1;
			begin += k;
			n -= k;
		}
	}
	reverse(out);
	return 0;
}

int
merkle_consistency(const struct merkle_source *s, uint64_t old, uint64_t size,
    struct merkle_path *out, struct err *e)
{
	uint64_t begin = 0, n = size, m = old;

	assert(old > 0 && old <= size);
	out->n = 0;
	while (m < n) {
		uint64_t k = UINT64_C(1) << split(n);

		if (m <= k) {
			if (step(s, begin + k, n - k, out, e) != 0)
				return -1;
			n = k;
		} else {
			if (step(s, begin, k, out, e) != 0)
				return -1;
			begin += k;
			m -= k;
			n -= k;
		}
	}
	/* What the old tree ends in; not said when it is the old tree. */
	if (begin > 0 && step(s, begin, n, out, e) != 0)
		return -1;
	reverse(out);
	return 0;
}

bool
merkle_included(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
    const struct merkle_path *path, const struct merkle_hash *root)
{
	uint64_t fn = index, sn = size - 1;
	struct merkle_hash r = *leaf;

	if (index >= size)
		return false;
	for (size_t i = 0; i < path->n; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			merkle_node(&path->hash[i], &r, &r);
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			merkle_node(&r, &path->hash[i], &r);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && merkle_equal(&r, root);
}

/* The second half of 2.1.4.2: follows both roots up the path. */
static bool
follow(uint64_t fn, uint64_t sn, struct merkle_hash fr, struct merkle_hash sr,
    const struct merkle_path *path, size_t at, const struct merkle_hash *roots)
{
	for (size_t i = at; i < path->n; i++) {
		const struct merkle_hash *c = &path->hash[i];

		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			merkle_node(c, &fr, &fr);
			merkle_node(c, &sr, &sr);
			while ((fn & 1) == 0 && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			merkle_node(&sr, c, &sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && merkle_equal(&fr, &roots[0]) &&
	    merkle_equal(&sr, &roots[1]);
}

bool
merkle_consistent(uint64_t old, const struct merkle_hash *old_root,
    uint64_t size, const struct merkle_hash *root,
    const struct merkle_path *path)
{
	struct merkle_hash roots[2] = {*old_root, *root}, first;
	uint64_t fn = old - 1, sn = size - 1;
	bool whole = (old & (old - 1)) == 0;

	if (old == 0 || old > size)
		return false;
	if (old == size)
		return path->n == 0 && merkle_equal(old_root, root);
	if (!whole && path->n == 0)
		return false;
	/* An old tree that is complete is not repeated in the path. */
	first = whole ? *old_root : path->hash[0];
	while ((fn & 1) != 0) {
		fn >>= 1;
		sn >>= 1;
	}
	return follow(fn, sn, first, first, path, whole ? 0 : 1, roots);
}
