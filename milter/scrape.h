/* SPDX-License-Identifier: ISC */
/*
 * scrape - /metrics and /healthz of assent-milter
 */
#ifndef MILTER_SCRAPE_H
#define MILTER_SCRAPE_H

#include "policy/err.h"

struct engine;
struct scrape;

/* Starts answering on `listen` (HOST:PORT) in a thread of its own. */
struct scrape *scrape_start(const char *listen, struct engine *en,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* Accepts NULL and nulls the caller's pointer. */
void scrape_stop(struct scrape **s);

#endif
