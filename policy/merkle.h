/* SPDX-License-Identifier: ISC */
/*
 * merkle - the tree over the ledger's events (RFC 9162, section 2.1)
 *
 * Leaves are numbered from 0.  The node (level, index) is the root of the
 * 2^level leaves from index * 2^level on; level 0 are the leaves themselves.
 * Nodes whose leaves are all there never change again, and everything here is
 * computed from such nodes alone: at most two for each level.
 */
#ifndef POLICY_MERKLE_H
#define POLICY_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { MERKLE_HASH = 32, MERKLE_LEVELS = 63 };

struct merkle_hash {
	uint8_t octets[MERKLE_HASH];
};

/* A path of a proof; of a tree of 2^62 leaves it has at most 63 hashes. */
struct merkle_path {
	size_t n;
	struct merkle_hash hash[MERKLE_LEVELS + 1];
};

/* The hash of a leaf's octets: SHA-256(0x00 || data). */
void merkle_leaf(const void *data, size_t n, struct merkle_hash *out)
    __attribute__((nonnull));

/* The hash of two children: SHA-256(0x01 || left || right). */
void merkle_node(const struct merkle_hash *left,
    const struct merkle_hash *right, struct merkle_hash *out)
    __attribute__((nonnull));

bool merkle_equal(const struct merkle_hash *a, const struct merkle_hash *b)
    __attribute__((nonnull));

/*
 * A tree that grows by one leaf at a time and keeps only the roots of its
 * complete subtrees.  `complete`, if set, is told of every node as its last
 * leaf comes in, the leaf first; -1 from it ends merkle_add().
 */
struct merkle_tree {
	uint64_t size;
	struct merkle_hash peak[MERKLE_LEVELS]; /* [l]: if bit l of size */
	int (*complete)(void *arg, unsigned int level, uint64_t index,
	    const struct merkle_hash *hash);
	void *arg;
};

int merkle_add(struct merkle_tree *t, const struct merkle_hash *leaf)
    __attribute__((nonnull, warn_unused_result));

/* The root: of no leaves, SHA-256 of nothing. */
void merkle_root(const struct merkle_tree *t, struct merkle_hash *out)
    __attribute__((nonnull));

/* Where complete nodes come from: 0 and `*out`, or -1 and `e`. */
struct merkle_source {
	int (*node)(void *arg, unsigned int level, uint64_t index,
	    struct merkle_hash *out, struct err *e);
	void *arg;
};

/* The root of the first `size` leaves; the inclusion path of leaf `index` in
 * it (2.1.3.1); the consistency path from the first `old` leaves to the first
 * `size` (2.1.4.1; 0 < old <= size).  0, or -1 and the source's error. */
int merkle_root_of(const struct merkle_source *s, uint64_t size,
    struct merkle_hash *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));
int merkle_inclusion(const struct merkle_source *s, uint64_t index,
    uint64_t size, struct merkle_path *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));
int merkle_consistency(const struct merkle_source *s, uint64_t old,
    uint64_t size, struct merkle_path *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Whether the path proves it (2.1.3.2, 2.1.4.2). */
bool merkle_included(const struct merkle_hash *leaf, uint64_t index,
    uint64_t size, const struct merkle_path *path,
    const struct merkle_hash *root)
    __attribute__((nonnull, warn_unused_result));
bool merkle_consistent(uint64_t old, const struct merkle_hash *old_root,
    uint64_t size, const struct merkle_hash *root,
    const struct merkle_path *path)
    __attribute__((nonnull, warn_unused_result));

#endif
