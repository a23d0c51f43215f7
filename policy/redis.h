/* SPDX-License-Identifier: ISC */
/*
 * redis - a connection to one Redis server
 *
 * Who a server is, its identity, stands for its process and for the time in
 * which it has been a master: another process has another run id, and being
 * promoted gives another replication id.  A cluster adds the node's
 * configuration epoch, which grows when a slot comes back to it.  The identity
 * is learnt when a connection opens and again, along with a command and at no
 * extra round trip, when REDIS_CONFIRM has gone by.
 */
#ifndef POLICY_REDIS_H
#define POLICY_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"

enum { REDIS_IDENTITY = 16, REDIS_WORDS = 9 };
#define REDIS_CONFIRM (500 * CLOCK_MS)

struct redis;

/* `host` is a name, an address, or the path of a unix socket. */
struct redis_server {
	char *host;
	int port;
};

/* NULL and 0 for what is not to be sent. */
struct redis_login {
	char *user, *password;
	int database;
};

/* Words up to the first NULL; a length of 0 is a C string's. */
struct redis_command {
	const char *word[REDIS_WORDS];
	size_t len[REDIS_WORDS];
};

enum redis_type {
	REDIS_OTHER = 0,
	REDIS_ERROR,
	REDIS_NIL,
	REDIS_TEXT,
	REDIS_LIST
};

/* `text` is that of an error or a text, and ends in a NUL, too. */
struct redis_reply {
	enum redis_type type;
	const char *text;
	size_t len;
	void *handle;
};

/* Connects and logs in within `timeout`, which every later answer has, too.
 * A master is refused when it is a replica, and has its identity learnt; a
 * sentinel need not want a password. NULL and `e`. */
struct redis *redis_open_master(const struct redis_server *s,
    const struct redis_login *l, int64_t timeout, struct err *e)
    __attribute__((nonnull, warn_unused_result));
struct redis *redis_open_sentinel(const struct redis_server *s,
    const struct redis_login *l, int64_t timeout, struct err *e)
    __attribute__((nonnull, warn_unused_result));
/* Any node of a cluster, to be asked about the others. */
struct redis *redis_open_node(const struct redis_server *s,
    const struct redis_login *l, int64_t timeout, struct err *e)
    __attribute__((nonnull, warn_unused_result));
void redis_close(struct redis *r);

/* Who answered the last command, REDIS_IDENTITY octets; good until the next. */
const uint8_t *redis_identity(const struct redis *r)
    __attribute__((nonnull, warn_unused_result));

/* Sends a command. 0 and `*out`, to be freed; an error is a reply and also
 * fills `e`.  -1: no answer, or no longer from a master; close it. */
int redis_ask(struct redis *r, const struct redis_command *cmd,
    struct redis_reply *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));
void redis_reply_free(struct redis_reply *reply) __attribute__((nonnull));

/* The text at a place of a list, or NULL. */
const char *redis_item(const struct redis_reply *reply, size_t i)
    __attribute__((nonnull, warn_unused_result));

#endif
