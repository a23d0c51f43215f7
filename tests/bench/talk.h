/* SPDX-License-Identifier: ISC */
#ifndef BENCH_TALK_H
#define BENCH_TALK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "letter.h"
#include "wire.h"

enum {
	TALK_RCPTS = 64,
	TALK_COMPLAINTS = 10, /* told in full; the rest only counted */
};

/* What is said and which answers are right; fixed before the first thread. */
struct plan {
	const char *socket;
	const char *sender;
	const char *daemon_name;
	const char *login; /* NULL: nobody logged in */
	struct letter letter;
	struct want {
		const char *address; /* "%d" is replaced by a number */
		int code;
		const char *text; /* must occur in the reply; may be "" */
	} rcpt[TALK_RCPTS];
	size_t rcpts;
	size_t rcpts_each;  /* recipients of one message */
	size_t first, last; /* the numbers for "%d" */
	int eom_code;	    /* the answer that each message must get */
	long edits;	    /* modifications of each message; -1: any */
	bool pass;	    /* accepted before the headers, untouched */
	int timeout;	    /* of one wait, in seconds */
	pthread_barrier_t *hold; /* NULL, or passed twice before each end */
};

struct tally {
	size_t accepted, refused, deferred; /* recipients */
	size_t edits;
	size_t errors;
	atomic_size_t *complaints; /* how many were told, by all threads */
};

/* One connection, and what the macros of its current message stand for. */
struct talk {
	struct wire wire;
	const struct plan *plan;
	struct tally *tally;
	bool passed; /* the filter accepted the whole connection */
	struct talk_macros {
		const char *daemon_name, *login, *mail_addr, *rcpt_addr;
		const char *queue_id; /* from the first accepted RCPT on */
	} macro;
};

/*
 * Connects and says where the client comes from. 0, or -1 with
 * t->wire.why set. talk_close() is due in both cases.
 */
int talk_open(struct talk *t, const struct plan *plan, struct tally *tally)
    __attribute__((warn_unused_result, nonnull));

/*
 * Sends message number n and checks every answer; a wrong one counts as an
 * error in the tally. 0, or -1 with t->wire.why set if the connection cannot
 * go on.
 */
int talk_message(struct talk *t, size_t n)
    __attribute__((warn_unused_result, nonnull));

/* Says goodbye if the connection still stands, and releases it. */
void talk_close(struct talk *t) __attribute__((nonnull));

/* Counts an error, and tells standard error while there are only a few. */
void talk_complain(struct tally *tally, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
