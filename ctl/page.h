/* SPDX-License-Identifier: ISC */
/*
 * page - which page a command is about
 */
#ifndef CTL_PAGE_H
#define CTL_PAGE_H

#include "page/part.h"
#include "policy/err.h"

struct args;

struct page_choice {
	enum part_kind kind;
	const char *word, *slug; /* the kind's word; the name */
	enum page part;
};

/* Reads the command's first two words, and its option "part" if it has one.
 * -1 and `e` when there is no such kind or part. */
int page_choose(const struct args *a, struct page_choice *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* The option "part". */
#define PAGE_PART                                                              \
	{                                                                      \
		"part", "PART", "of its pages which: the first, if not given"  \
	}

#endif
