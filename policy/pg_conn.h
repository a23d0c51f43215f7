/* SPDX-License-Identifier: ISC */
/*
 * pg_conn - what a connection is
 *
 * Private to pg*.c.
 */
#ifndef POLICY_PG_CONN_H
#define POLICY_PG_CONN_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { PREPARED_MAX = 32 };

struct pg {
	PGconn *conn;
	bool in_doubt;	  /* its next answer may be to an older question */
	bool unconfirmed; /* a commit did not wait for the standbys */
	int timeline;
	size_t n_prepared;
	const char *prepared[PREPARED_MAX]; /* statement names */
};

/* Fills `e` with a text of libpq's, which may span lines. -1. */
int pg_say(struct err *e, enum err_kind kind, const char *text)
    __attribute__((nonnull));

#endif
