/* SPDX-License-Identifier: ISC */
/*
 * http - requests in, responses out
 */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include "policy/err.h"

struct conf_web;
struct http;
struct sites;
struct tally;

/* Serves what comes in by `fd`, which stays the caller's and must stay open
 * until http_stop().  `c` is read here only; `all` and `t` must outlive it. */
struct http *http_start(const struct conf_web *c, int fd, struct sites *all,
    struct tally *t, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Takes no new connections, answers the requests that have arrived, waits a
 * few seconds for those that are arriving, and stops; accepts NULL. */
void http_stop(struct http **h) __attribute__((nonnull));

#endif
