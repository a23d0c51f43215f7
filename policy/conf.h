/* SPDX-License-Identifier: ISC */
/*
 * conf - the configuration file as an immutable snapshot
 *
 * One table (key, type, default, bounds, help) drives the parser, the check,
 * the dump and the manual page.  A reload builds a new snapshot; a message
 * keeps the one it began with.
 */
#ifndef POLICY_CONF_H
#define POLICY_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"
#include "log.h"
#include "stream.h"

struct arena;

enum conf_bulk { BULK_PASS, BULK_REFUSE };

struct conf_database {
	const char *url, *milter_role, *web_role, *reader_role, *operator_role,
	    *checkpointer_role, *auditor_role, *dpo_role;
	int64_t pool, timeout; /* connections; nanoseconds */
};

struct conf_cache {
	const char *url;
	int64_t pool, timeout, ttl, lease; /* connections; nanoseconds */
};

struct conf_milter {
	const char *socket, *metrics, *inject;
	int64_t timeout, copies_timeout; /* nanoseconds */
	int64_t recipients, max_message; /* a message's most */
	int unclassified_bulk;		 /* enum conf_bulk */
};

struct conf_web {
	const char *listen, *proxy, *base_url, *mail_domain, *share, *submit;
	int64_t threads, connections;
	int64_t profile_life; /* nanoseconds */
};

struct conf {
	const char *path;
	struct conf_database database;
	struct conf_cache cache;
	struct {
		const char *file;
	} keys;
	struct {
		int to, level, addresses; /* enums of log.h */
	} log;
	struct conf_milter milter;
	struct conf_web web;
	size_t n_streams;
	struct stream *streams;
	struct arena *arena; /* owns every string above */
};

/* Reads and checks `path`.  NULL and an error that names file, line, section
 * and key, and says what would be right.  Purposes are not yet looked up. */
struct conf *conf_load(const char *path, struct err *e)
    __attribute__((nonnull, warn_unused_result));
void conf_free(struct conf **c);

/* Prints the effective configuration in its own syntax, defaults included,
 * with passwords in URLs masked. */
void conf_dump(const struct conf *c, FILE *out) __attribute__((nonnull));

/* Prints one line of help a key, as the manual has it. */
void conf_help(FILE *out) __attribute__((nonnull));

#endif
