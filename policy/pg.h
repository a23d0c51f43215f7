/* SPDX-License-Identifier: ISC */
/*
 * pg - one PostgreSQL connection with deadlines
 *
 * Only pg*.c know libpq.  Every wait ends at a deadline; after any failure that
 * leaves the connection in doubt pg_usable() says so.
 */
#ifndef POLICY_PG_H
#define POLICY_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct pg;
struct pg_rows;

/* A statement with a name of its own is prepared when a connection first uses
 * it; without one it is sent as is (rare statements, and scripts of several).
 */
struct pg_statement {
	const char *name, *sql;
	bool binary; /* results as octets: for bytea and integers */
};

/* A parameter: text (len 0), octets (len > 0), or SQL's NULL. */
struct pg_param {
	const void *value;
	size_t len;
};

/* Connects to `url` (libpq's URI or key=value form) as `role` (NULL: as the
 * URL says) by `deadline`.  Of several hosts the primary is found; a server
 * that only follows, or takes no changes, is refused.  Commits wait for the
 * standbys that the server waits for.  NULL and an error that names the server.
 */
struct pg *pg_open(const char *url, const char *role, const char *program,
    int64_t deadline, struct err *e)
    __attribute__((nonnull(1, 3, 5), warn_unused_result));
void pg_close(struct pg **p);

/* How many hosts `url` names. */
size_t pg_hosts(const char *url) __attribute__((nonnull));

/* Whether another statement may be sent on this connection. */
bool pg_usable(const struct pg *p) __attribute__((nonnull));

/* The timeline that the server writes: one that is promoted begins a new one.
 */
int pg_timeline(const struct pg *p) __attribute__((nonnull));

/* Runs a statement.  0 and `*rows` (may be NULL when not wanted), to be freed
 * with pg_rows_free(); or -1: ERR_UNREACHABLE when the server did not answer
 * or went away, or the standbys did not confirm the commit, ERR_REFUSED when a
 * rule of ours in SQL said no (SQLSTATE class P0, its message in `e`),
 * ERR_FATAL otherwise. */
int pg_exec(struct pg *p, const struct pg_statement *s,
    const struct pg_param *params, size_t n_params, struct pg_rows **rows,
    int64_t deadline, struct err *e)
    __attribute__((nonnull(1, 2, 7), warn_unused_result));

/* Sends rows into a table, as COPY ... FROM STDIN (`sql`) has them: begin, put
 * as often as need be, end.  Each blocks until what it sends is sent. -1 and
 * `e` as pg_exec(); after a failed put the connection is in doubt. */
int pg_copy_begin(struct pg *p, const char *sql, int64_t deadline,
    struct err *e) __attribute__((nonnull, warn_unused_result));
int pg_copy_put(struct pg *p, const char *data, size_t len, int64_t deadline,
    struct err *e) __attribute__((nonnull, warn_unused_result));
int pg_copy_end(struct pg *p, int64_t deadline, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Waits until `deadline` or until `wake` (a descriptor, or -1) is readable for
 * notifications; true if any came (their payloads are dropped). */
bool pg_wait_notify(struct pg *p, int wake, int64_t deadline)
    __attribute__((nonnull));

void pg_rows_free(struct pg_rows **rows);
size_t pg_rows_count(const struct pg_rows *rows) __attribute__((nonnull));
/* Column `col` of row `row`: NUL-terminated, alive as long as `rows`; for
 * binary results its octets, `*len` of them (`len` may be NULL). */
const char *pg_rows_text(const struct pg_rows *rows, size_t row, size_t col)
    __attribute__((nonnull));
const uint8_t *pg_rows_octets(const struct pg_rows *rows, size_t row,
    size_t col, size_t *len) __attribute__((nonnull(1)));
bool pg_rows_null(const struct pg_rows *rows, size_t row, size_t col)
    __attribute__((nonnull));
/* An integer, of a text or a binary result. */
int64_t pg_rows_int(const struct pg_rows *rows, size_t row, size_t col)
    __attribute__((nonnull));

#endif
