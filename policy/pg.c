/* SPDX-License-Identifier: ISC */
/*
 * pg - one PostgreSQL connection with deadlines
 *
 * libpq's blocking calls wait for ever, so only its non-blocking ones are used
 * and every wait is a poll(2) with the time that is left.  A connection whose
 * statement did not finish in time is of no further use: its answer would be
 * taken for the next one's.
 */
#include "pg.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "pg_conn.h"

enum { PARAMS_MAX = 16 };

/* The rows are libpq's result itself, under a type of ours. */
static const PGresult *
result(const struct pg_rows *rows)
{
	return (const PGresult *)(const void *)rows;
}

/* libpq's messages span lines and end in newlines; ours are one line. */
int
pg_say(struct err *e, enum err_kind kind, const char *text)
{
	err_set(e, kind, "PostgreSQL: %s", text);
	for (char *p = e->text; *p != '\0'; p++)
		if (*p == '\n' || *p == '\t')
			*p = p[1] == '\0' ? '\0' : ' ';
	return -1;
}

/* Waits for the socket. False at the deadline. */
static bool
wait_socket(const struct pg *p, short events, int64_t deadline)
{
	struct pollfd fd = {.fd = PQsocket(p->conn), .events = events};
	int n;

	do
		n = poll(&fd, 1, clock_left_ms(deadline));
	while (n < 0 && errno == EINTR);
	return n > 0;
}

void
pg_close(struct pg **p)
{
	if (*p == NULL)
		return;
	PQfinish((*p)->conn);
	free(*p);
	*p = NULL;
}

bool
pg_usable(const struct pg *p)
{
	return !p->in_doubt && PQstatus(p->conn) == CONNECTION_OK;
}

int
pg_timeline(const struct pg *p)
{
	return p->timeline;
}

/* Sends what is buffered and waits until a whole result is there. */
static int
await_result(struct pg *p, int64_t deadline, struct err *e)
{
	for (;;) {
		int unsent = PQflush(p->conn);

		if (unsent < 0 || PQconsumeInput(p->conn) == 0)
			return pg_say(
			    e, ERR_UNREACHABLE, PQerrorMessage(p->conn));
		if (unsent == 0 && PQisBusy(p->conn) == 0)
			return 0;
		if (!wait_socket(
			p, (short)(POLLIN | (unsent ? POLLOUT : 0)), deadline))
			return err_set(e, ERR_UNREACHABLE,
			    "PostgreSQL at %s:%s: no answer in time",
			    PQhost(p->conn), PQport(p->conn));
	}
}

/* Whether the server takes no changes any more: it is no primary. */
static bool
read_only(const PGresult *r)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);

	return state != NULL && strcmp(state, "25006") == 0;
}

/* Whether a result is worth giving to the caller; an error fills `e`. */
static int
judge(const PGresult *r, struct err *e)
{
	ExecStatusType st = PQresultStatus(r);
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *text, *hint;

	if (st == PGRES_TUPLES_OK || st == PGRES_COMMAND_OK)
		return 0;
	if (state == NULL || strncmp(state, "P0", 2) != 0) {
		/* 57P: shutting down or starting up; 08: connection; 25006:
		 * no primary any more; 40, 53, 55: conflicts and shortages.
		 * All of them pass. */
		bool passing = state == NULL || read_only(r) ||
		    strncmp(state, "57", 2) == 0 ||
		    strncmp(state, "08", 2) == 0 ||
		    strncmp(state, "40", 2) == 0 ||
		    strncmp(state, "53", 2) == 0 ||
		    strncmp(state, "55", 2) == 0;

		return pg_say(e, passing ? ERR_UNREACHABLE : ERR_FATAL,
		    PQresultErrorMessage(r));
	}
	text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	hint = PQresultErrorField(r, PG_DIAG_MESSAGE_HINT);
	return err_set(e, ERR_REFUSED, "%s%s%s", text, hint == NULL ? "" : ": ",
	    hint == NULL ? "" : hint);
}

/* Collects the results of what was sent: the last good one, or the first
 * error, after which the rest is still read. */
static int
collect(struct pg *p, struct pg_rows **rows, int64_t deadline, struct err *e)
{
	PGresult *r, *kept = NULL;
	struct err ignored;
	int rc = 0;

	for (;;) {
		if (await_result(p, deadline, rc == 0 ? e : &ignored) != 0) {
			p->in_doubt = true;
			rc = -1;
			break;
		}
		r = PQgetResult(p->conn);
		if (r == NULL)
			break;
		if (rc == 0)
			rc = judge(r, e);
		if (read_only(r))
			p->in_doubt = true;
		PQclear(kept);
		kept = r;
	}
	if (rc == 0 && p->unconfirmed) {
		p->in_doubt = true;
		rc = err_set(e, ERR_UNREACHABLE,
		    "PostgreSQL at %s:%s: committed, but no standby has it",
		    PQhost(p->conn), PQport(p->conn));
	}
	if (rc != 0 || rows == NULL)
		PQclear(kept);
	else
		*rows = (struct pg_rows *)(void *)kept;
	return rc;
}

static bool
is_prepared(const struct pg *p, const char *name)
{
	for (size_t i = 0; i < p->n_prepared; i++)
		if (strcmp(p->prepared[i], name) == 0)
			return true;
	return false;
}

static int
prepare(
    struct pg *p, const struct pg_statement *s, int64_t deadline, struct err *e)
{
	if (is_prepared(p, s->name))
		return 0;
	assert(p->n_prepared < PREPARED_MAX);
	if (PQsendPrepare(p->conn, s->name, s->sql, 0, NULL) == 0) {
		p->in_doubt = true;
		return pg_say(e, ERR_UNREACHABLE, PQerrorMessage(p->conn));
	}
	if (collect(p, NULL, deadline, e) != 0)
		return -1;
	p->prepared[p->n_prepared++] = s->name;
	return 0;
}

static int
send_statement(struct pg *p, const struct pg_statement *s,
    const struct pg_param *params, size_t n)
{
	const char *values[PARAMS_MAX];
	int lengths[PARAMS_MAX], formats[PARAMS_MAX];

	assert(n <= PARAMS_MAX);
	for (size_t i = 0; i < n; i++) {
		values[i] = params[i].value;
		lengths[i] = (int)params[i].len;
		formats[i] = params[i].len > 0;
	}
	if (s->name != NULL)
		return PQsendQueryPrepared(p->conn, s->name, (int)n, values,
		    lengths, formats, s->binary);
	if (n == 0 && !s->binary)
		return PQsendQuery(p->conn, s->sql);
	return PQsendQueryParams(
	    p->conn, s->sql, (int)n, NULL, values, lengths, formats, s->binary);
}

int
pg_exec(struct pg *p, const struct pg_statement *s,
    const struct pg_param *params, size_t n_params, struct pg_rows **rows,
    int64_t deadline, struct err *e)
{
	if (s->name != NULL && prepare(p, s, deadline, e) != 0)
		return -1;
	if (send_statement(p, s, params, n_params) == 0) {
		p->in_doubt = true;
		return pg_say(e, ERR_UNREACHABLE, PQerrorMessage(p->conn));
	}
	return collect(p, rows, deadline, e);
}

static int
fail_copy(struct pg *p, struct err *e)
{
	p->in_doubt = true;
	return pg_say(e, ERR_UNREACHABLE, PQerrorMessage(p->conn));
}

/* Sends all that libpq has buffered, so that it never buffers much.  What the
 * server says meanwhile is read, or both would wait for each other. */
static int
drain(struct pg *p, int64_t deadline, struct err *e)
{
	int unsent;

	while ((unsent = PQflush(p->conn)) > 0) {
		if (!wait_socket(p, POLLIN | POLLOUT, deadline)) {
			p->in_doubt = true;
			return err_set(e, ERR_UNREACHABLE,
			    "PostgreSQL at %s:%s takes no more rows",
			    PQhost(p->conn), PQport(p->conn));
		}
		if (PQconsumeInput(p->conn) == 0)
			return fail_copy(p, e);
	}
	return unsent < 0 ? fail_copy(p, e) : 0;
}

int
pg_copy_begin(struct pg *p, const char *sql, int64_t deadline, struct err *e)
{
	struct err ignored;
	PGresult *r;
	int rc = 0;

	if (PQsendQuery(p->conn, sql) == 0)
		return fail_copy(p, e);
	if (await_result(p, deadline, e) != 0) {
		p->in_doubt = true;
		return -1;
	}
	r = PQgetResult(p->conn);
	if (PQresultStatus(r) != PGRES_COPY_IN) {
		rc = judge(r, e);
		assert(rc != 0);
		/* The error is followed by the end of its statement. */
		if (collect(p, NULL, deadline, &ignored) != 0)
			rc = -1;
	}
	PQclear(r);
	return rc;
}

int
pg_copy_put(
    struct pg *p, const char *data, size_t len, int64_t deadline, struct err *e)
{
	if (PQputCopyData(p->conn, data, (int)len) != 1)
		return fail_copy(p, e);
	return drain(p, deadline, e);
}

int
pg_copy_end(struct pg *p, int64_t deadline, struct err *e)
{
	if (PQputCopyEnd(p->conn, NULL) != 1)
		return fail_copy(p, e);
	return collect(p, NULL, deadline, e);
}

static bool
take_notifies(struct pg *p)
{
	PGnotify *n;
	bool any = false;

	if (PQconsumeInput(p->conn) == 0)
		p->in_doubt = true;
	while ((n = PQnotifies(p->conn)) != NULL) {
		PQfreemem(n);
		any = true;
	}
	return any;
}

bool
pg_wait_notify(struct pg *p, int wake, int64_t deadline)
{
	struct pollfd fds[2] = {
	    {.fd = PQsocket(p->conn), .events = POLLIN},
	    {.fd = wake, .events = POLLIN},
	};

	/* What came with an earlier answer is in libpq's buffer already. */
	if (take_notifies(p))
		return true;
	if (poll(fds, 2, clock_left_ms(deadline)) <= 0)
		return false;
	return fds[0].revents != 0 && take_notifies(p);
}

void
pg_rows_free(struct pg_rows **rows)
{
	PQclear((PGresult *)(void *)*rows);
	*rows = NULL;
}

size_t
pg_rows_count(const struct pg_rows *rows)
{
	return (size_t)PQntuples(result(rows));
}

const char *
pg_rows_text(const struct pg_rows *rows, size_t row, size_t col)
{
	return PQgetvalue(result(rows), (int)row, (int)col);
}

const uint8_t *
pg_rows_octets(const struct pg_rows *rows, size_t row, size_t col, size_t *len)
{
	if (len != NULL)
		*len = (size_t)PQgetlength(result(rows), (int)row, (int)col);
	return (const uint8_t *)PQgetvalue(result(rows), (int)row, (int)col);
}

bool
pg_rows_null(const struct pg_rows *rows, size_t row, size_t col)
{
	return PQgetisnull(result(rows), (int)row, (int)col) != 0;
}

int64_t
pg_rows_int(const struct pg_rows *rows, size_t row, size_t col)
{
	size_t len;
	const uint8_t *octets = pg_rows_octets(rows, row, col, &len);
	uint64_t v = 0;

	if (PQfformat(result(rows), (int)col) == 0)
		return strtoll((const char *)octets, NULL, 10);
	/* Two's complement in network order, of 1, 2, 4 or 8 octets. */
	for (size_t i = 0; i < len; i++)
		v = v << 8 | octets[i];
	if (len == 4)
		return (int32_t)(uint32_t)v;
	return len == 2 ? (int16_t)(uint16_t)v : (int64_t)v;
}
