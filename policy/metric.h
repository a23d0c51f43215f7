/* SPDX-License-Identifier: ISC */
/*
 * metric - counters and histograms in Prometheus' text format
 *
 * Made once, when a configuration is loaded, then touched without a lock.
 * Asking for one with the same name and labels again gives the same one, so
 * that counts survive a reload.
 */
#ifndef POLICY_METRIC_H
#define POLICY_METRIC_H

#include <stdatomic.h>
#include <stdint.h>

struct buf;
struct metrics;

typedef _Atomic uint64_t metric_counter;
struct metric_histogram;

struct metrics *metrics_new(void) __attribute__((warn_unused_result));
void metrics_free(struct metrics **m);

/* A counter or gauge of `name`, with `labels` as written between the braces
 * (`stream="news",reason="granted"`, or ""); `help` describes the family.
 * Lives as long as `m`. NULL without memory. */
metric_counter *metrics_counter(struct metrics *m, const char *name,
    const char *help, const char *labels) __attribute__((nonnull));
metric_counter *metrics_gauge(struct metrics *m, const char *name,
    const char *help, const char *labels) __attribute__((nonnull));

/* A histogram of seconds, from 50 microseconds to 10 seconds. */
struct metric_histogram *metrics_histogram(struct metrics *m, const char *name,
    const char *help, const char *labels) __attribute__((nonnull));

/* Adds one, or `n`; accepts NULL, which counts nothing. */
void metric_inc(metric_counter *c);
void metric_add(metric_counter *c, unsigned int n);

/* Sets a gauge; accepts NULL. */
void metric_set(metric_counter *g, uint64_t value);

/* Records a duration in nanoseconds; accepts NULL. */
void metric_observe(struct metric_histogram *h, int64_t ns);

/* Appends everything in the text exposition format, version 0.0.4. */
void metrics_write(struct metrics *m, struct buf *out) __attribute__((nonnull));

#endif
