/* SPDX-License-Identifier: ISC */
/*
 * tally - what assent-web counts
 */
#ifndef WEB_TALLY_H
#define WEB_TALLY_H

#include <stdint.h>

struct buf;
struct metrics;
struct route;
struct tally;

/* What became of a click; zero, the safe one, did nothing. */
#define TALLY_OPT_OUTS(X)                                                      \
	X(TALLY_FAILED, "failed")                                              \
	X(TALLY_BAD_TOKEN, "bad-token")                                        \
	X(TALLY_ALREADY, "already")                                            \
	X(TALLY_ASKED, "asked")                                                \
	X(TALLY_CHANGED, "changed")

enum tally_opt_out {
#define X(id, word) id,
	TALLY_OPT_OUTS(X)
#undef X
	    TALLY_OPT_OUT_COUNT
};

/* All counters at zero, for the life of the process; NULL without memory. */
struct tally *tally_new(void) __attribute__((warn_unused_result));
void tally_free(struct tally **t);

/* The word for logs and metrics. */
const char *tally_opt_out_word(enum tally_opt_out result);

/* Counts an answered request; `route` is NULL where the path has none. */
void tally_request(struct tally *t, const struct route *route, int status)
    __attribute__((nonnull(1)));

/* Counts a click, and how long it took from its last octet to its answer. */
void tally_opt_out(struct tally *t, enum tally_opt_out result, int64_t ns)
    __attribute__((nonnull));

/* Where others of the process count. */
struct metrics *tally_registry(const struct tally *t) __attribute__((nonnull));

/* Appends everything in Prometheus' text format. */
void tally_write(struct tally *t, struct buf *out) __attribute__((nonnull));

#endif
