/* SPDX-License-Identifier: ISC */
/*
 * audit - every row of the ledger, looked at in one pass
 *
 * Nothing that is stored as a hash is believed: leaves are computed from the
 * facts, nodes from the leaves, and a root counts only under a signature of a
 * key in the keys file.  Memory does not grow with the ledger.
 */
#ifndef CTL_AUDIT_H
#define CTL_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger.h"

struct keys;

/* The first row that is wrong. */
struct problem {
	const char *table; /* NULL: none was found */
	const char *kind;  /* changed, removed, inserted, swapped */
	int64_t event;	   /* 0: it is about no event */
	char text[400];
};

/* A leaf and what should be behind it. */
struct audit_row {
	int64_t number, event_id; /* number -1: not in the tree yet */
	struct merkle_hash hash;  /* as the tree has it */
	bool there, opened, erased;
	struct event event;
	struct merkle_hash leaf;       /* as the event has it */
	struct merkle_hash commitment; /* what the personal fields give */
};

struct audit {
	struct pg *pg;
	const struct keys *keys;
	/* Told how far it is, of what; may be NULL. */
	void (*progress)(void *arg, int64_t done, int64_t total);
	void *arg;

	struct problem problem;
	struct checkpoint last; /* the last that was found good */
	int64_t pending, erased;

	/* While it runs. */
	struct err *err;
	struct merkle_tree tree;
	struct checkpoint next;
	bool has_next;
	struct pg_rows *nodes;
	size_t at[MERKLE_LEVELS]; /* the next of each level in `nodes` */
	int64_t done, total;
};

/* Runs it: 0 and a->problem, or -1 when it could not be done. */
int audit_run(struct audit *a, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Notes the problem; returns -1. */
int audit_wrong(struct audit *a, const char *table, const char *kind,
    int64_t event, const char *fmt, ...)
    __attribute__((format(printf, 5, 6), nonnull));

/* The same for what is found to be wrong about a row (diagnose.c): 0 when
 * nothing is, else -1 with the problem, or an error in a->err. */
int diagnose_row(struct audit *a, const struct audit_row *row)
    __attribute__((nonnull, warn_unused_result));
int diagnose_gap(struct audit *a, int64_t number)
    __attribute__((nonnull, warn_unused_result));
int diagnose_node(struct audit *a, unsigned int level, uint64_t index,
    const struct merkle_hash *stored)
    __attribute__((nonnull(1), warn_unused_result));

#endif
