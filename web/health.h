/* SPDX-License-Identifier: ISC */
/*
 * health - whether this server can do its work, for machines to ask
 */
#ifndef WEB_HEALTH_H
#define WEB_HEALTH_H

#include "web/request.h"

/* GET /healthz: 200 "ok" when PostgreSQL answers, else 503; then a line for
 * each server that does not answer.  Without Redis clicks still count, only
 * slower. */
request_handler health_check;

/* GET /metrics: the counters, for Prometheus. */
request_handler health_metrics;

#endif
