/* SPDX-License-Identifier: ISC */
/*
 * row - one record of an import, checked, as rows for the database
 */
#ifndef CTL_ROW_H
#define CTL_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "columns.h"
#include "policy/addr.h"
#include "policy/buf.h"
#include "policy/err.h"

struct arena;
struct directory;

/* Rows go to the database by as many ways at once.  An address always goes the
 * same way, so that its rows stay in order. */
enum { ROW_LANES = 2 };

/* What records are checked against. */
struct row_rules {
	const uint8_t *secret; /* of the address keys */
	const struct directory *directory;
	const struct suppress *suppress; /* NULL: our own format */
	const char *brand;		 /* of purposes without one, or NULL */
	const char *of[COLUMN_COUNT];	 /* what holds where nothing is said */
	int64_t now;			 /* as instant.h counts */
};

/* Whether what holds where nothing is said makes sense by itself. */
int row_check_defaults(const struct row_rules *rules, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* The table the rows are for, as COPY names it. */
extern const char row_copy[];

/*
 * Checks a record, completes it and appends a row of COPY's text format to
 * one of `out` for each of its purposes; `number` is the record's place in its
 * part.  What is needed in between goes to `a`.  -1 and `e`: ERR_REFUSED for
 * what is wrong with it, and nothing was appended.
 */
int row_write(const struct row_rules *rules, struct arena *a, size_t number,
    struct values *v, struct buf out[ROW_LANES], struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
