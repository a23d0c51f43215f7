/* SPDX-License-Identifier: ISC */
/*
 * engine - what all sessions of the process share
 *
 * A snapshot is one configuration with everything made from it: keys, pools,
 * lease.  A message takes a reference when it begins and works with that
 * snapshot to its end, whatever is reloaded meanwhile.
 */
#ifndef MILTER_ENGINE_H
#define MILTER_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "optout.h"
#include "policy/change.h"
#include "policy/err.h"
#include "policy/lookup.h"
#include "policy/metric.h"
#include "policy/reason.h"

struct conf;
struct engine;
struct footers;
struct keys;

/* Counters of one stream, by what became of recipients. */
struct stream_metrics {
	metric_counter *verdict[REASON_COUNT];
};

struct snapshot {
	struct conf *conf;
	struct keys *keys;
	struct lookup lookup;
	struct changer changer; /* for opt-outs by mail */
	struct footers *footers;
	unsigned int references; /* under the engine's lock */
};

/* What is counted of the process as a whole. */
struct engine_metrics {
	metric_counter *lookup[LOOKUP_SOURCES], *lookup_failed, *reloads,
	    *reloads_failed, *notified, *notify_failed, *copied, *copy_skipped,
	    *copy_refused, *copy_failed, *opt_outs[OPTOUT_RESULTS],
	    *placeholders, *footers, *pixels, *links, *unedited;
	struct metric_histogram *lookup_time, *rcpt_time, *eom_time;
};

/* Loads `path` and connects once. NULL and an error that says what to do. */
struct engine *engine_new(const char *path, struct err *e)
    __attribute__((nonnull, warn_unused_result));
void engine_free(struct engine **en);

/* Loads the configuration anew; on an error the old one stays in force. */
int engine_reload(struct engine *en, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* The snapshot in force, for one message, and its return. NULL while the
 * engine stops: no new message is begun then. */
struct snapshot *engine_begin(struct engine *en) __attribute__((nonnull));
void engine_end(struct engine *en, struct snapshot **s)
    __attribute__((nonnull));

/* Whether the engine is about to end: what takes long should not begin. */
bool engine_stopping(struct engine *en) __attribute__((nonnull));

/* Begins no more messages and waits until `deadline` for those under way;
 * how many are left. */
unsigned int engine_drain(struct engine *en, int64_t deadline)
    __attribute__((nonnull));

const struct engine_metrics *engine_metrics(const struct engine *en)
    __attribute__((nonnull, returns_nonnull));
struct metrics *engine_registry(const struct engine *en)
    __attribute__((nonnull));

/* A reference that a reply and the log line of the same event share: short,
 * and not used again within four thousand million events. */
uint32_t engine_reference(struct engine *en) __attribute__((nonnull));

#endif
