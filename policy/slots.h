/* SPDX-License-Identifier: ISC */
/*
 * slots - how a Redis Cluster shares out its keys
 *
 * Reads what CLUSTER NODES answers, line by line; whatever is not as the
 * Redis Cluster specification has it is passed over.
 */
#ifndef POLICY_SLOTS_H
#define POLICY_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

enum { SLOTS = 16384 };

/* A line; all of it points into the text. */
struct slots_node {
	bool master, myself;
	const char *address; /* "HOST:PORT"; the host may be empty */
	size_t address_len;
	const char *ranges; /* for slots_range(), up to `end` */
	const char *end;
};

/* The slot of a hash tag: its CRC-16 (XMODEM). */
unsigned int slots_hash(const char *tag, size_t len)
    __attribute__((nonnull, warn_unused_result));

/* The next node at `*text`, which moves on; false at the end. */
bool slots_next(const char **text, struct slots_node *node)
    __attribute__((nonnull, warn_unused_result));

/* The next range that `node` serves; one that is on its way to or from another
 * node is not counted as moved. */
bool slots_range(struct slots_node *node, unsigned int *first,
    unsigned int *last) __attribute__((nonnull, warn_unused_result));

#endif
