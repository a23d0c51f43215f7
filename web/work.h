/* SPDX-License-Identifier: ISC */
/*
 * work - threads for jobs that block
 */
#ifndef WEB_WORK_H
#define WEB_WORK_H

#include <stdbool.h>
#include <stddef.h>

struct work;

/* Starts `threads` threads over a queue of `places`; NULL when the system
 * will not have it. */
struct work *work_start(size_t threads, size_t places)
    __attribute__((warn_unused_result));

/* Has a thread call run(job) soon.  False, and it never will, when the queue
 * is full or being stopped.  Never blocks. */
bool work_submit(struct work *w, void (*run)(void *job), void *job)
    __attribute__((nonnull, warn_unused_result));

/* Takes no more jobs, finishes those it took, joins the threads; later
 * submissions fail.  May be called again. */
void work_stop(struct work *w) __attribute__((nonnull));

/* Stops and releases; accepts NULL and nulls the caller's pointer. */
void work_free(struct work **w) __attribute__((nonnull));

#endif
