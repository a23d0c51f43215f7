/* SPDX-License-Identifier: ISC */
/*
 * intake - a file's records, checked, a part at a time
 *
 * A part is what one transaction applies: rows for the database, the records
 * they came from, and what was found wrong with which.
 */
#ifndef CTL_INTAKE_H
#define CTL_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "columns.h"
#include "policy/buf.h"
#include "policy/err.h"
#include "row.h"

enum { PART_RECORDS = 50000, PART_OCTETS = 16 << 20 };

struct arena;
struct intake;
struct rejects;
struct source;

/* What a file is read by; `columns` and `rules` as set by the options. */
struct intake_options {
	struct columns columns;
	struct row_rules rules;
	char delimiter;	      /* 0: found out */
	const char *encoding; /* NULL: UTF-8 */
};

/* Reads the header, if the file has one, from `fd`, which stays the caller's.
 * NULL and `e` for a header that will not do. `o` must outlive it. */
struct intake *intake_open(struct intake_options *o, int fd, struct err *e)
    __attribute__((nonnull, warn_unused_result));
void intake_close(struct intake **i);

/* Goes on at an offset and line that intake_offset() and _line() said. */
int intake_seek(struct intake *i, int64_t offset, long long line, struct err *e)
    __attribute__((nonnull, warn_unused_result));
int64_t intake_offset(const struct intake *i) __attribute__((nonnull));
long long intake_line(const struct intake *i) __attribute__((nonnull));

/* Reads the next part. -1 and `e` when the file cannot be read. */
int intake_part(struct intake *i, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Of the part: whether it is the last, its records, those found wrong so far,
 * and its rows, ROW_LANES buffers of them. */
bool intake_last(const struct intake *i) __attribute__((nonnull));
size_t intake_records(const struct intake *i) __attribute__((nonnull));
size_t intake_refused(const struct intake *i) __attribute__((nonnull));
const struct buf *intake_rows(const struct intake *i) __attribute__((nonnull));

/* Adds what was found wrong with a record of the part, by its number from 0;
 * `arg` is the intake (a stage_refused). */
void intake_refuse(void *arg, size_t number, const char *reason)
    __attribute__((nonnull));

/* Hands all that was refused in the part over, in the file's order. */
typedef void intake_rejected(void *arg, long long line, const char *reason,
    const char *record, size_t len);
int intake_rejects(struct intake *i, intake_rejected *take, void *arg,
    struct err *e) __attribute__((nonnull(1, 2, 4), warn_unused_result));

#endif
