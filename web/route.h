/* SPDX-License-Identifier: ISC */
/*
 * route - which handler answers which path
 */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include <stddef.h>

#include "web/request.h"

/* What a handler may do; http.c runs it where that harms nobody. */
enum route_kind {
	ROUTE_STILL, /* asks no server: answered where it came in */
	ROUTE_READS, /* asks servers, as the role that can only read */
	ROUTE_WRITES /* changes consent, may block for seconds */
};

struct route {
	const char *name; /* for metrics */
	const char *pattern;
	enum method method;
	enum route_kind kind;
	request_handler *handle;
};

/* The route of `r`, whose `argument` is then set.  NULL when there is none:
 * `w` is the answer then, also to OPTIONS. */
const struct route *route_find(struct request *r, struct response *w)
    __attribute__((nonnull, warn_unused_result));

/* The table, for metrics. */
size_t route_count(void);
const struct route *route_at(size_t i) __attribute__((returns_nonnull));
size_t route_number(const struct route *route) __attribute__((nonnull));

#endif
