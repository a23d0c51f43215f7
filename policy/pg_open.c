/* SPDX-License-Identifier: ISC */
/*
 * pg_open - finding the primary among several hosts
 *
 * libpq tries the hosts of a URL one after another and moves on only when one
 * answers, so that a host which is dead without saying so would take all the
 * time there is.  Here each host has an attempt of its own.  They begin a
 * moment apart, in an order that begins anywhere, and the first that ends well
 * is the connection (as RFC 8305 does for addresses).  It remembers nothing:
 * whoever got a server that turned out to be no good comes to another one in
 * time.
 *
 * A standby is never taken, whatever the URL says: nothing that Assent does
 * may be answered by a server that is behind.
 */
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "pg.h"
#include "pg_conn.h"

/* How long an attempt runs alone: longer than a server near by needs. */
#define HEAD_START (100 * CLOCK_MS)

enum { HOSTS_MAX = 8, KEYWORDS_MAX = 8 };

/* The hosts of a URL, as its lists. */
struct hosts {
	size_t n;
	const char *host, *hostaddr, *port;
};

struct attempt {
	PGconn *conn;
	PostgresPollingStatusType status;
};

struct race {
	const char *url, *role, *program;
	struct hosts hosts;
	size_t first, begun, n;
	struct attempt attempts[HOSTS_MAX];
};

static size_t
count(const char *list)
{
	size_t n = 1;

	if (list == NULL || list[0] == '\0')
		return 0;
	for (; (list = strchr(list, ',')) != NULL; list++)
		n++;
	return n;
}

/* The n-th of a list, or the only one. To be freed. */
static char *
pick(const char *list, size_t n)
{
	if (count(list) == 0)
		return NULL;
	for (n = count(list) == 1 ? 0 : n; n > 0; n--)
		list = strchr(list, ',') + 1;
	return strndup(list, strcspn(list, ","));
}

static void
find_hosts(const PQconninfoOption *options, struct hosts *h)
{
	size_t ports;

	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		if (strcmp(o->keyword, "host") == 0)
			h->host = o->val;
		else if (strcmp(o->keyword, "hostaddr") == 0)
			h->hostaddr = o->val;
		else if (strcmp(o->keyword, "port") == 0)
			h->port = o->val;
	h->n = count(h->hostaddr == NULL ? h->host : h->hostaddr);
	ports = count(h->port);
	/* Lists that do not match are libpq's to complain of. */
	if (h->n > HOSTS_MAX || (ports > 1 && ports != h->n) ||
	    (h->hostaddr != NULL && h->host != NULL && count(h->host) != h->n))
		h->n = 1;
	if (h->n <= 1) {
		h->n = 1;
		h->host = h->hostaddr = h->port = NULL;
	}
}

size_t
pg_hosts(const char *url)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	struct hosts h = {.n = 1};

	if (options != NULL)
		find_hosts(options, &h);
	PQconninfoFree(options);
	return h.n;
}

/* Later keywords override what the URL says. */
static PGconn *
start(const struct race *r, size_t i)
{
	char *host = pick(r->hosts.host, i), *port = pick(r->hosts.port, i),
	     *hostaddr = pick(r->hosts.hostaddr, i);
	const char *all[][2] = {
	    {"dbname", r->url},
	    {"application_name", r->program},
	    {"user", r->role},
	    {"host", host},
	    {"hostaddr", hostaddr},
	    {"port", port},
	    {"target_session_attrs", "read-write"},
	};
	const char *keys[KEYWORDS_MAX] = {NULL}, *values[KEYWORDS_MAX];
	size_t n = 0;
	PGconn *conn;

	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
		if (all[k][1] != NULL) {
			keys[n] = all[k][0];
			values[n++] = all[k][1];
		}
	conn = PQconnectStartParams(keys, values, 1);
	free(host);
	free(hostaddr);
	free(port);
	return conn;
}

/* Goes on with an attempt, or gives it up. */
static void
step(struct attempt *a, PostgresPollingStatusType status, struct err *e)
{
	a->status = status;
	if (status != PGRES_POLLING_FAILED)
		return;
	pg_say(e, ERR_UNREACHABLE,
	    a->conn == NULL ? "out of memory" : PQerrorMessage(a->conn));
	PQfinish(a->conn);
	a->conn = NULL;
}

static void
begin(struct race *r, struct err *e)
{
	struct attempt *a = &r->attempts[r->n++];

	a->conn = start(r, (r->first + r->begun++) % r->hosts.n);
	step(a,
	    a->conn == NULL || PQstatus(a->conn) == CONNECTION_BAD
		? PGRES_POLLING_FAILED
		: PGRES_POLLING_WRITING,
	    e);
}

/* Forgets who failed. The one who is there, if any. */
static struct attempt *
look(struct race *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->attempts[i].conn != NULL)
			r->attempts[kept++] = r->attempts[i];
	r->n = kept;
	for (size_t i = 0; i < r->n; i++)
		if (r->attempts[i].status == PGRES_POLLING_OK)
			return &r->attempts[i];
	return NULL;
}

static void
wait_and_step(struct race *r, int64_t until, struct err *e)
{
	struct pollfd fds[HOSTS_MAX];

	for (size_t i = 0; i < r->n; i++)
		fds[i] = (struct pollfd){
		    .fd = PQsocket(r->attempts[i].conn),
		    .events = r->attempts[i].status == PGRES_POLLING_READING
			? POLLIN
			: POLLOUT,
		};
	if (poll(fds, r->n, clock_left_ms(until)) <= 0)
		return;
	for (size_t i = 0; i < r->n; i++)
		if (fds[i].revents != 0)
			step(&r->attempts[i],
			    PQconnectPoll(r->attempts[i].conn), e);
}

/* The first connection that is made, or NULL. */
static PGconn *
run(struct race *r, int64_t deadline, struct err *e)
{
	int64_t next = 0, now;
	struct attempt *winner;
	PGconn *conn = NULL;

	while ((winner = look(r)) == NULL) {
		now = clock_now();
		if (r->begun < r->hosts.n && (r->n == 0 || now >= next)) {
			begin(r, e);
			next = now + HEAD_START;
			continue;
		}
		if (r->n > 0 && now >= deadline)
			err_set(e, ERR_UNREACHABLE,
			    "PostgreSQL at %s:%s: no connection in time",
			    PQhost(r->attempts[0].conn),
			    PQport(r->attempts[0].conn));
		if (r->n == 0 || now >= deadline)
			break;
		wait_and_step(r,
		    r->begun < r->hosts.n && next < deadline ? next : deadline,
		    e);
	}
	if (winner != NULL) {
		conn = winner->conn;
		winner->conn = NULL;
	}
	for (size_t i = 0; i < r->n; i++)
		PQfinish(r->attempts[i].conn);
	return conn;
}

/* A commit that somebody released from waiting for the standbys succeeds, with
 * a warning. */
static void
on_notice(void *arg, const PGresult *r)
{
	const char *where = PQresultErrorField(r, PG_DIAG_SOURCE_FUNCTION);
	struct pg *p = arg;

	if (where != NULL && strcmp(where, "SyncRepWaitForLSN") == 0)
		p->unconfirmed = true;
}

/* What is acknowledged has to be on disk, here and where the server waits for
 * it, whatever the server's presets are.  The timeline also tells a standby,
 * which has none to write. */
static int
settle(struct pg *p, int64_t deadline, struct err *e)
{
	static const struct pg_statement begin_session = {
	    .sql = "SELECT set_config('synchronous_commit', 'on', false) "
		   "WHERE current_setting('synchronous_commit') <> "
		   "'remote_apply'; SELECT ('x' || left(pg_walfile_name("
		   "pg_current_wal_insert_lsn()), 8))::bit(32)::int",
	};
	struct pg_rows *rows;

	if (PQsetnonblocking(p->conn, 1) != 0)
		return pg_say(e, ERR_UNREACHABLE, PQerrorMessage(p->conn));
	if (pg_exec(p, &begin_session, NULL, 0, &rows, deadline, e) != 0)
		return -1;
	p->timeline = (int)pg_rows_int(rows, 0, 0);
	pg_rows_free(&rows);
	return 0;
}

struct pg *
pg_open(const char *url, const char *role, const char *program,
    int64_t deadline, struct err *e)
{
	struct race r = {
	    .url = url,
	    .role = role,
	    .program = program,
	    .hosts.n = 1,
	};
	struct pg *p = calloc(1, sizeof(*p));
	PQconninfoOption *options = PQconninfoParse(url, NULL);

	if (options != NULL)
		find_hosts(options, &r.hosts);
	r.first = randombytes_uniform((uint32_t)r.hosts.n);
	if (p == NULL)
		err_set(e, ERR_FATAL, "out of memory for a connection");
	else if ((p->conn = run(&r, deadline, e)) == NULL ||
	    settle(p, deadline, e) != 0)
		pg_close(&p);
	else
		PQsetNoticeReceiver(p->conn, on_notice, p);
	PQconninfoFree(options);
	return p;
}
