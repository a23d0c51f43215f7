/* SPDX-License-Identifier: ISC */
/*
 * request - what a handler is given, and what it answers
 *
 * No HTTP library's types: http.c fills the one and sends the other.
 */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include <stdint.h>

#include "page/look.h"
#include "policy/buf.h"
#include "web/client.h"
#include "web/form.h"

struct locale;
struct site;

/* Zero, the safe one, is allowed nowhere. */
enum method {
	METHOD_OTHER = 0,
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_OPTIONS
};

/* Everything lives as long as the request. */
struct request {
	enum method method;
	const char *path;	/* percent-decoded, without the query */
	const char *argument;	/* the segment that the route's "*" stood for */
	const char *user_agent; /* as sent, or NULL */
	const char *accept_language, *language; /* likewise; and "?lang=" */
	const char *origin, *fetch_site; /* where it came from, likewise */
	const struct locale *locale;	 /* of the page, once it is shown */
	struct look_place place;	 /* where it belongs, and "?page=" */
	char client[CLIENT_TEXT];	 /* IP address, or "" */
	struct form form;
	int64_t arrived; /* when its last octet had, on the monotonic clock */
	struct site *site;
};

/* Zeroed, it is an empty answer without a status, which is sent as 500. */
struct response {
	int status;
	const char *type; /* Content-Type */
	char policy[256]; /* Content-Security-Policy; "": nothing at all */
	struct buf body;
	const char *file; /* to be saved under that name, not shown; or NULL */
	char allow[64];	  /* methods, for 405 and OPTIONS; or "" */
	int retry_after;  /* seconds; 0 none */
};

typedef void request_handler(struct request *r, struct response *w);

#endif
