/* SPDX-License-Identifier: ISC */
/*
 * health - whether this server can do its work, for machines to ask
 *
 * The answer may be seen by anybody, so it names no host; the log does.
 */
#include "web/health.h"

#include <stddef.h>

#include "policy/cache.h"
#include "policy/log.h"
#include "policy/store.h"
#include "web/site.h"
#include "web/tally.h"

void
health_check(struct request *r, struct response *w)
{
	struct store_epoch epoch;
	struct err e;

	w->status = 200;
	w->type = "text/plain; charset=utf-8";
	if (store_epoch(r->site->reader, &epoch, &e) == 0) {
		buf_puts(&w->body, "ok\n");
	} else {
		w->status = 503;
		w->retry_after = 1;
		buf_puts(&w->body, "PostgreSQL does not answer\n");
		log_line(LOG_WARN, "health error=\"%s\"", e.text);
	}
	if (cache_ping(r->site->cache, &e) != 0) {
		buf_puts(&w->body,
		    "Redis does not answer: opt-outs take a few seconds\n");
		log_line(LOG_WARN, "health error=\"%s\"", e.text);
	}
}

void
health_metrics(struct request *r, struct response *w)
{
	w->status = 200;
	w->type = "text/plain; version=0.0.4; charset=utf-8";
	tally_write(r->site->tally, &w->body);
}
