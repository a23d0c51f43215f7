/* SPDX-License-Identifier: ISC */
/*
 * patience - how long a client may take to ask
 *
 * The HTTP library ends a connection that is silent; one that sends an octet
 * now and then never is.  So each connection is watched from its opening, or
 * from its previous answer, until its request is there.
 */
#ifndef WEB_PATIENCE_H
#define WEB_PATIENCE_H

#include <stdint.h>

struct patience;
struct patient;

/* Starts a thread that shuts down whatever has been awaited for `limit`
 * nanoseconds.  NULL without memory or thread. */
struct patience *patience_start(int64_t limit)
    __attribute__((warn_unused_result));

/* After the last patience_forget(); accepts NULL and nulls the caller's
 * pointer. */
void patience_stop(struct patience **p) __attribute__((nonnull));

/* A connection has opened: its first request is awaited.  The caller keeps `fd`
 * open until patience_forget().  NULL without memory. */
struct patient *patience_watch(struct patience *p, int fd)
    __attribute__((nonnull, warn_unused_result));

/* Its request is there; or the next one is awaited from now on.  They accept
 * NULL for a connection that could not be watched. */
void patience_rest(struct patience *p, struct patient *one)
    __attribute__((nonnull(1)));
void patience_await(struct patience *p, struct patient *one)
    __attribute__((nonnull(1)));

/* It is about to be closed. */
void patience_forget(struct patience *p, struct patient **one)
    __attribute__((nonnull));

#endif
