/* SPDX-License-Identifier: ISC */
/*
 * listen - the socket that requests come in by
 */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include "policy/err.h"

/* Listens on "HOST:PORT", "[IPV6]:PORT" or "unix:PATH", where a socket that
 * nobody listens on any more is replaced.  A descriptor that is the caller's,
 * or -1 and an error that names the address. */
int listen_open(const char *where, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Closes it, and takes a unix socket's name away. */
void listen_close(int fd, const char *where) __attribute__((nonnull));

#endif
