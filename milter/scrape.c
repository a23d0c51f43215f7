/* SPDX-License-Identifier: ISC */
/*
 * scrape - /metrics and /healthz of assent-milter
 *
 * The only file of the milter that knows libmicrohttpd: two pages, one thread,
 * loopback by default, nothing that changes anything.
 */
#include "scrape.h"

#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "engine.h"
#include "policy/buf.h"
#include "policy/lease.h"

enum { CONNECTIONS = 32, TIMEOUT_S = 10 };

struct scrape {
	struct MHD_Daemon *daemon;
	struct engine *engine;
};

/* Facts that are read, not counted. */
static void
write_state(struct engine *en, struct buf *out)
{
	struct snapshot *s = engine_begin(en);
	struct lease_term term;
	bool held;

	if (s == NULL)
		return;
	held = lease_holds(s->lookup.lease, 0, &term);
	engine_end(en, &s);
	buf_printf(out,
	    "# HELP assent_lease_held Whether the primary has proved itself.\n"
	    "# TYPE assent_lease_held gauge\nassent_lease_held %d\n"
	    "# HELP assent_cache_epoch The epoch of the cache.\n"
	    "# TYPE assent_cache_epoch gauge\nassent_cache_epoch %lld\n"
	    "# HELP assent_timeline The timeline that the primary writes.\n"
	    "# TYPE assent_timeline gauge\nassent_timeline %d\n",
	    held, (long long)term.epoch, term.timeline);
}

static enum MHD_Result
respond(struct MHD_Connection *c, unsigned int status, const char *type,
    char *text, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r =
	    MHD_create_response_from_buffer(strlen(text), text, mode);
	enum MHD_Result rc;

	if (r == NULL)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result
answer(void *arg, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *data, size_t *size, void **request)
{
	static const char plain[] = "text/plain; charset=utf-8";
	struct scrape *s = arg;
	struct buf out = {0};

	(void)version, (void)data, (void)request;
	if (*size > 0)
		return MHD_NO;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return respond(c, MHD_HTTP_METHOD_NOT_ALLOWED, plain,
		    (char *)"only GET\n", MHD_RESPMEM_PERSISTENT);
	if (strcmp(url, "/healthz") == 0)
		return respond(c, MHD_HTTP_OK, plain, (char *)"ok\n",
		    MHD_RESPMEM_PERSISTENT);
	if (strcmp(url, "/metrics") != 0)
		return respond(c, MHD_HTTP_NOT_FOUND, plain,
		    (char *)"here are /metrics and /healthz\n",
		    MHD_RESPMEM_PERSISTENT);
	metrics_write(engine_registry(s->engine), &out);
	write_state(s->engine, &out);
	if (buf_failed(&out)) {
		buf_free(&out);
		return MHD_NO;
	}
	/* libmicrohttpd frees the text. */
	return respond(c, MHD_HTTP_OK,
	    "text/plain; version=0.0.4; charset=utf-8", out.data,
	    MHD_RESPMEM_MUST_FREE);
}

static int
resolve(const char *listen, struct addrinfo **ai, struct err *e)
{
	const struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	const char *colon = strrchr(listen, ':');
	char host[256];
	int rc;

	snprintf(host, sizeof(host), "%.*s", (int)(colon - listen), listen);
	rc = getaddrinfo(host, colon + 1, &hints, ai);
	if (rc != 0)
		return err_set(e, ERR_FATAL, "milter.metrics: %s: %s", listen,
		    gai_strerror(rc));
	return 0;
}

struct scrape *
scrape_start(const char *listen, struct engine *en, struct err *e)
{
	struct scrape *s = calloc(1, sizeof(*s));
	struct addrinfo *ai = NULL;

	if (s == NULL || resolve(listen, &ai, e) != 0) {
		free(s);
		return NULL;
	}
	s->engine = en;
	s->daemon = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD |
		(ai->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0),
	    0, NULL, NULL, answer, s, MHD_OPTION_SOCK_ADDR, ai->ai_addr,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)TIMEOUT_S,
	    MHD_OPTION_END);
	freeaddrinfo(ai);
	if (s->daemon == NULL) {
		err_set(e, ERR_FATAL,
		    "milter.metrics: cannot listen on %s: is it taken?",
		    listen);
		scrape_stop(&s);
	}
	return s;
}

void
scrape_stop(struct scrape **s)
{
	if (*s == NULL)
		return;
	if ((*s)->daemon != NULL)
		MHD_stop_daemon((*s)->daemon);
	free(*s);
	*s = NULL;
}
