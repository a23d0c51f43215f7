/* SPDX-License-Identifier: ISC */
/*
 * arena - memory with one lifetime
 *
 * A process, a connection, a message, a request each owns one; everything
 * allocated from it goes when it is reset or freed, never piece by piece.
 * An arena has a cap: past it allocations fail, which is an ordinary error of
 * the message that wanted too much, not of the process.
 */
#ifndef POLICY_ARENA_H
#define POLICY_ARENA_H

#include <stddef.h>

struct arena;

/* A new arena that hands out at most `cap` octets in all, or NULL. */
struct arena *arena_new(size_t cap) __attribute__((warn_unused_result));

/* Releases everything; accepts NULL and nulls the caller's pointer. */
void arena_free(struct arena **a);

/* Forgets all allocations; the first block stays for reuse. */
void arena_reset(struct arena *a) __attribute__((nonnull));

/* `n` zeroed octets aligned for any type, or NULL past the cap. */
void *arena_alloc(struct arena *a, size_t n)
    __attribute__((nonnull, warn_unused_result));

/* A NUL-terminated copy of `n` octets, or NULL past the cap. */
char *arena_strndup(struct arena *a, const char *s, size_t n)
    __attribute__((nonnull, warn_unused_result));
char *arena_strdup(struct arena *a, const char *s)
    __attribute__((nonnull, warn_unused_result));

/* A formatted string, or NULL past the cap. */
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull, warn_unused_result));

#endif
