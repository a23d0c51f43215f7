/* SPDX-License-Identifier: ISC */
/*
 * http - requests in, responses out
 *
 * The only file that knows libmicrohttpd.  Its threads only move octets: a
 * request that may block is suspended and given to a thread of its own kind,
 * readers or writers, and resumed when its answer is there.  So a click that
 * waits out a lease holds up neither a page nor another click nor a health
 * check, and a slow client holds up nobody.
 *
 * Limits, and what happens beyond them: headers 16 KB (431), a body 16 KB
 * (413), 20 s until a request is all there and 15 s of silence (closed), clicks
 * in the queue (503).  The library's own
 * log is off: it writes whole URLs, and a URL here is somebody's link.
 *
 * Phases of a request: it ARRIVES, octet by octet; it is at WORK when a thread
 * has it, which alone may then touch it; it is READY to be sent.
 */
#include "web/http.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/log.h"
#include "web/page.h"
#include "web/patience.h"
#include "web/request.h"
#include "web/route.h"
#include "web/site.h"
#include "web/tally.h"
#include "web/work.h"

enum {
	CONNECTION_MEMORY = 16 * 1024, /* headers and buffers */
	BODY_MAX = 16 * 1024,
	BODY_AWAITED = 1024 * 1024, /* its end, so that 413 reaches a client */
	SILENCE_SECONDS = 15,
	PARSER_MEMORY = 1024,
	/* A click sleeps most of its time when Redis is down. */
	WRITERS = 256,
	WRITERS_QUEUE = 256,
	READERS = 8,
	READERS_QUEUE = 256,
	OTHER_FILES = 256 /* descriptors that are no client's */
};

#define REQUEST_TIME (20 * CLOCK_S)
#define STOP_ARRIVING (5 * CLOCK_S)
#define STOP_SENDING (2 * CLOCK_S)

enum phase { PHASE_ARRIVING = 0, PHASE_WORK, PHASE_READY };

struct http {
	struct MHD_Daemon *daemon;
	struct sites *sites;
	struct tally *tally;
	struct work *readers, *writers;
	struct patience *patience;
	_Atomic size_t running; /* requests */
	atomic_bool stopping;
};

struct exchange {
	struct http *http;
	struct MHD_Connection *connection;
	struct MHD_PostProcessor *parser;
	const struct route *route;
	enum phase phase;
	size_t received; /* octets of the body */
	bool cut_short;	 /* answered before the body's end */
	struct request request;
	struct response response;
};

static enum method
method_of(const char *word)
{
	static const struct {
		const char *word;
		enum method method;
	} methods[] = {
	    {"GET", METHOD_GET},
	    {"HEAD", METHOD_HEAD},
	    {"POST", METHOD_POST},
	    {"OPTIONS", METHOD_OPTIONS},
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(word, methods[i].word) == 0)
			return methods[i].method;
	return METHOD_OTHER;
}

/* Only now the parser tells of a last field that is empty. */
static void
end_parsing(struct exchange *x)
{
	if (x->parser != NULL)
		(void)MHD_destroy_post_processor(x->parser);
	x->parser = NULL;
}

static enum MHD_Result
keep_last_forwarded(
    void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	if (strcasecmp(name, "X-Forwarded-For") == 0 && value != NULL)
		*(const char **)cls = value;
	return MHD_YES;
}

static void
find_client(struct MHD_Connection *c, const char *proxy, char out[CLIENT_TEXT])
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const char *forwarded = NULL;

	MHD_get_connection_values(
	    c, MHD_HEADER_KIND, keep_last_forwarded, &forwarded);
	if (info != NULL && info->client_addr != NULL)
		client_text(info->client_addr, forwarded, proxy, out);
}

static struct exchange *
begin(struct http *h, struct MHD_Connection *c, const char *url,
    const char *method)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->http = h;
	x->connection = c;
	x->request.method = method_of(method);
	x->request.path = url;
	x->request.user_agent =
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND, "User-Agent");
	x->request.accept_language =
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept-Language");
	x->request.language =
	    MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "lang");
	x->request.place.page =
	    MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "page");
	x->request.origin =
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Origin");
	x->request.fetch_site =
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Sec-Fetch-Site");
	x->request.site = sites_hold(h->sites);
	find_client(c, x->request.site->conf->web.proxy, x->request.client);
	x->route = route_find(&x->request, &x->response);
	atomic_fetch_add(&h->running, 1);
	return x;
}

static struct patient *
patient_of(struct MHD_Connection *c)
{
	return MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
	    ->socket_context;
}

static void
end(void *cls, struct MHD_Connection *c, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct http *h = cls;
	struct exchange *x = *state;

	(void)why;
	if (x == NULL)
		return;
	patience_await(h->patience, patient_of(c));
	end_parsing(x);
	form_free(&x->request.form);
	buf_free(&x->response.body);
	site_release(&x->request.site);
	free(x);
	*state = NULL;
	atomic_fetch_sub(&h->running, 1);
}

/* Bodies */

static enum MHD_Result
add_field(void *cls, enum MHD_ValueKind kind, const char *name,
    const char *filename, const char *type, const char *encoding,
    const char *data, uint64_t offset, size_t len)
{
	struct exchange *x = cls;

	(void)kind;
	(void)filename;
	(void)type;
	(void)encoding;
	if (name != NULL)
		form_add(&x->request.form, name, data, len, offset > 0);
	return MHD_YES;
}

/* A body that is no form, or a broken one, has no fields; that is all. */
static void
parse(struct exchange *x, const char *data, size_t len)
{
	if (x->route == NULL || x->route->method != METHOD_POST)
		return;
	if (x->parser == NULL && x->received == 0)
		x->parser = MHD_create_post_processor(
		    x->connection, PARSER_MEMORY, add_field, x);
	if (x->parser != NULL)
		(void)MHD_post_process(x->parser, data, len);
}

/* Answers a body that may never end, past the library, which would read all of
 * it first; the rest is read for as long as a request may take, since closing
 * at once would take the answer back. */
static void
cut_short(struct exchange *x)
{
	static const char text[] = "HTTP/1.1 413 Content Too Large\r\n"
				   "Content-Length: 0\r\n"
				   "Connection: close\r\n\r\n";
	int fd = MHD_get_connection_info(
	    x->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
		     ->connect_fd;

	x->cut_short = true;
	(void)send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(fd, SHUT_WR);
	tally_request(x->http->tally, x->route, 413);
}

static void
receive(struct exchange *x, const char *data, size_t len)
{
	if (x->received + len <= BODY_MAX)
		parse(x, data, len);
	x->received += len;
	if (x->received > BODY_AWAITED && !x->cut_short)
		cut_short(x);
}

/* What the headers say of the body's end. */
struct framing {
	size_t fields; /* that say something */
	bool strange;  /* one that this program does not know */
	bool large;
};

static enum MHD_Result
read_framing(
    void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct framing *f = cls;

	(void)kind;
	if (strcasecmp(name, "Content-Length") == 0) {
		f->fields++;
		f->large =
		    value != NULL && strtoull(value, NULL, 10) > BODY_AWAITED;
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		f->fields++;
		f->strange = value == NULL || strcasecmp(value, "chunked") != 0;
	}
	return MHD_YES;
}

/* Whether there is nothing to wait for: the body is too large, or nobody can
 * tell where it ends, which is how a request is smuggled past a proxy that
 * reads it otherwise (RFC 9112, 6.3 and 11.2). */
static bool
is_hopeless(const struct exchange *x, enum page *why)
{
	struct framing f = {0};

	MHD_get_connection_values(
	    x->connection, MHD_HEADER_KIND, read_framing, &f);
	*why = f.fields > 1 || f.strange ? PAGE_MALFORMED : PAGE_TOO_LARGE;
	return *why == PAGE_MALFORMED || f.large;
}

static void
refuse(struct exchange *x, enum page p)
{
	buf_free(&x->response.body);
	x->response = (struct response){0};
	page_answer(&x->request, &x->response, p);
}

/* Answers */

static void
add_headers(struct MHD_Response *m, const struct response *w)
{
	static const char *const always[][2] = {
	    {"Referrer-Policy", "no-referrer"},
	    {"X-Content-Type-Options", "nosniff"},
	    {"X-Robots-Tag", "noindex"},
	    {"Cache-Control", "no-store"},
	};
	char seconds[16], disposition[64];

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		MHD_add_response_header(m, always[i][0], always[i][1]);
	MHD_add_response_header(m, "Content-Security-Policy",
	    w->policy[0] != '\0'
		? w->policy
		: "default-src 'none'; frame-ancestors 'none'");
	if (w->type != NULL)
		MHD_add_response_header(m, "Content-Type", w->type);
	if (w->file != NULL) {
		snprintf(disposition, sizeof(disposition),
		    "attachment; filename=\"%s\"", w->file);
		MHD_add_response_header(m, "Content-Disposition", disposition);
	}
	if (w->allow[0] != '\0')
		MHD_add_response_header(m, "Allow", w->allow);
	if (w->retry_after > 0) {
		snprintf(seconds, sizeof(seconds), "%d", w->retry_after);
		MHD_add_response_header(m, "Retry-After", seconds);
	}
}

static enum MHD_Result
answer(struct exchange *x)
{
	struct response *w = &x->response;
	struct MHD_Response *m;
	enum MHD_Result rc;

	if (w->status == 0 || buf_failed(&w->body)) {
		buf_free(&w->body);
		*w = (struct response){.status = 500};
	}
	m = MHD_create_response_from_buffer(
	    w->body.len, w->body.data, MHD_RESPMEM_MUST_FREE);
	if (m == NULL)
		return MHD_NO;
	w->body = (struct buf){0}; /* the response's now */
	add_headers(m, w);
	/* What is still to arrive is no request. */
	if (x->http->stopping || x->phase == PHASE_ARRIVING)
		MHD_add_response_header(m, "Connection", "close");
	rc = MHD_queue_response(x->connection, (unsigned int)w->status, m);
	MHD_destroy_response(m);
	tally_request(x->http->tally, x->route, w->status);
	return rc;
}

static void
work(void *job)
{
	struct exchange *x = job;

	x->route->handle(&x->request, &x->response);
	x->phase = PHASE_READY;
	MHD_resume_connection(x->connection);
}

/* The connection is suspended first: a thread may be done with it before
 * work_submit() has returned here. */
static enum MHD_Result
hand_over(struct exchange *x)
{
	struct work *w = x->route->kind == ROUTE_WRITES ? x->http->writers
							: x->http->readers;

	x->phase = PHASE_WORK;
	MHD_suspend_connection(x->connection);
	if (work_submit(w, work, x))
		return MHD_YES;
	refuse(x, PAGE_BUSY);
	x->phase = PHASE_READY;
	MHD_resume_connection(x->connection);
	return MHD_YES;
}

/* The request is all there. */
static enum MHD_Result
act(struct exchange *x)
{
	x->request.arrived = clock_now();
	patience_rest(x->http->patience, patient_of(x->connection));
	end_parsing(x);
	if (x->received > BODY_MAX)
		refuse(x, PAGE_TOO_LARGE);
	else if (x->route != NULL && x->route->kind != ROUTE_STILL)
		return hand_over(x);
	else if (x->route != NULL)
		x->route->handle(&x->request, &x->response);
	x->phase = PHASE_READY;
	return answer(x);
}

/* Called when the headers are there, for each piece of the body, at its end,
 * and when a suspended connection was resumed. */
static enum MHD_Result
handle(void *cls, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *data, size_t *len, void **state)
{
	struct exchange *x = *state;
	enum page why;

	(void)version;
	if (x == NULL) {
		*state = x = begin(cls, c, url, method);
		if (x == NULL)
			return MHD_NO;
		if (!is_hopeless(x, &why))
			return MHD_YES;
		refuse(x, why);
		return answer(x);
	}
	if (*len > 0) {
		receive(x, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (x->cut_short)
		return MHD_NO;
	return x->phase == PHASE_READY ? answer(x) : act(x);
}

/* Decodes what stands in a path or behind it.  The library ends it at a NUL, by
 * which "/u/%00" would be another page: it becomes a character that nothing
 * here is named with. */
static size_t
decode(void *cls, struct MHD_Connection *c, char *text)
{
	(void)cls;
	(void)c;
	for (char *at = text; (at = strstr(at, "%00")) != NULL; at++)
		at[2] = '1';
	return MHD_http_unescape(text);
}

/* A connection opens, or is about to be closed.  One that cannot be watched is
 * not waited for. */
static void
watch(void *cls, struct MHD_Connection *c, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	struct http *h = cls;
	struct patient *one = *context;
	int fd;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		patience_forget(h->patience, &one);
	} else {
		fd = MHD_get_connection_info(
		    c, MHD_CONNECTION_INFO_CONNECTION_FD)
			 ->connect_fd;
		one = patience_watch(h->patience, fd);
		if (one == NULL)
			shutdown(fd, SHUT_RDWR);
	}
	*context = one;
}

/* Start and stop */

/* As many connections as there may be descriptors for. */
static unsigned int
connection_limit(int64_t wanted)
{
	struct rlimit files;
	rlim_t need = (rlim_t)wanted + OTHER_FILES;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= need)
		return (unsigned int)wanted;
	files.rlim_cur = files.rlim_max < need ? files.rlim_max : need;
	if (setrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur >= need)
		return (unsigned int)wanted;
	wanted = files.rlim_cur / 2 > OTHER_FILES
	    ? (int64_t)files.rlim_cur - OTHER_FILES
	    : OTHER_FILES;
	log_line(LOG_WARN,
	    "web connections=%lld limited-by=open-files files=%llu",
	    (long long)wanted, (unsigned long long)files.rlim_cur);
	return (unsigned int)wanted;
}

static struct MHD_Daemon *
start_daemon(const struct conf_web *c, int fd, struct http *h)
{
	unsigned int connections = connection_limit(c->connections);
	unsigned int threads = (unsigned int)c->threads;

	if (connections < threads)
		connections = threads;
	return MHD_start_daemon(
	    MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL,
	    NULL, handle, h, MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_THREAD_POOL_SIZE, threads > 1 ? threads : 0,
	    MHD_OPTION_CONNECTION_LIMIT, connections,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)SILENCE_SECONDS,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK,
	    decode, NULL, MHD_OPTION_NOTIFY_COMPLETED, end, h,
	    MHD_OPTION_NOTIFY_CONNECTION, watch, h, MHD_OPTION_END);
}

struct http *
http_start(const struct conf_web *c, int fd, struct sites *all, struct tally *t,
    struct err *e)
{
	struct http *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		err_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	h->sites = all;
	h->tally = t;
	h->readers = work_start(READERS, READERS_QUEUE);
	h->writers = work_start(WRITERS, WRITERS_QUEUE);
	h->patience = patience_start(REQUEST_TIME);
	if (h->readers != NULL && h->writers != NULL && h->patience != NULL)
		h->daemon = start_daemon(c, fd, h);
	if (h->daemon == NULL) {
		err_set(e, ERR_FATAL,
		    "web: the system does not give %d threads",
		    (int)c->threads + READERS + WRITERS + 1);
		http_stop(&h);
	}
	return h;
}

static void
wait_idle(struct http *h, int64_t most)
{
	int64_t deadline = clock_now() + most;

	while (h->running > 0 && clock_now() < deadline)
		clock_sleep_until(clock_now() + 5 * CLOCK_MS);
}

void
http_stop(struct http **hp)
{
	struct http *h = *hp;

	if (h == NULL)
		return;
	h->stopping = true;
	if (h->daemon != NULL) {
		int fd = MHD_quiesce_daemon(h->daemon);

		/* Who comes now shall be refused, not left to wait. */
		shutdown(fd, SHUT_RDWR);
		wait_idle(h, STOP_ARRIVING);
		work_stop(h->writers);
		work_stop(h->readers);
		wait_idle(h, STOP_SENDING);
		MHD_stop_daemon(h->daemon);
	}
	patience_stop(&h->patience);
	work_free(&h->writers);
	work_free(&h->readers);
	free(h);
	*hp = NULL;
}
