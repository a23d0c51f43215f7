/* SPDX-License-Identifier: ISC */
/*
 * conf_stream - the stream sections of the configuration
 *
 * Private to conf*.c.
 */
#ifndef POLICY_CONF_STREAM_H
#define POLICY_CONF_STREAM_H

#include <confuse.h>

#include "err.h"

struct conf;

/* The keys of a stream section, for libConfuse. */
extern cfg_opt_t conf_stream_opts[];

/* Has their values checked while the parser still knows the line. */
void conf_stream_watch(cfg_t *cfg) __attribute__((nonnull));

/* Makes c->streams of the parsed sections. -1 and an error that names file,
 * line and stream. */
int conf_stream_take(struct conf *c, cfg_t *cfg, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
