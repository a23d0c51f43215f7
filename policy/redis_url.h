/* SPDX-License-Identifier: ISC */
/*
 * redis_url - where Redis is, as cache.url in assent.conf says it
 *
 *	unix:PATH
 *	redis://[LOGIN@]HOST[:PORT][/DATABASE]
 *	sentinel://[LOGIN@]HOST[:PORT][,HOST[:PORT]...]/MASTER[/DATABASE]
 *	cluster://[LOGIN@]HOST[:PORT][,HOST[:PORT]...]
 *
 * LOGIN is [USER:]PASSWORD, up to the last "@"; an IPv6 address stands in
 * brackets.
 */
#ifndef POLICY_REDIS_URL_H
#define POLICY_REDIS_URL_H

#include "redis.h"

enum { REDIS_SERVERS = 32 };

enum redis_mode { REDIS_ONE, REDIS_SENTINEL, REDIS_CLUSTER };

struct redis_url {
	enum redis_mode mode;
	struct redis_login login;
	char *master; /* what the sentinels call it */
	size_t n;
	struct redis_server servers[REDIS_SERVERS];
};

/* Reads `text`; to be freed in either case.  -1 and what is wrong. */
int redis_url_parse(struct redis_url *u, const char *text, struct err *e)
    __attribute__((nonnull, warn_unused_result));
void redis_url_free(struct redis_url *u) __attribute__((nonnull));

/* "HOST:PORT" of `len` octets; a missing port is `port`.  The host is
 * allocated. */
int redis_server_parse(struct redis_server *s, const char *text, size_t len,
    int port, struct err *e) __attribute__((nonnull, warn_unused_result));

#endif
