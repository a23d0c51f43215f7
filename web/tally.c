/* SPDX-License-Identifier: ISC */
/*
 * tally - what assent-web counts
 *
 * Every series is made at start, so that a scrape shows the zeros too: an
 * alert on a series that does not exist yet never fires.
 */
#include "web/tally.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/metric.h"
#include "web/route.h"

static const int statuses[] = {200, 204, 404, 405, 413, 500, 503};

enum { STATUSES = sizeof(statuses) / sizeof(statuses[0]) };

struct tally {
	struct metrics *metrics;
	metric_counter *opt_outs[TALLY_OPT_OUT_COUNT];
	struct metric_histogram *latency;
	/* One row a route, and one for paths without. */
	metric_counter *(*requests)[STATUSES];
};

const char *
tally_opt_out_word(enum tally_opt_out result)
{
	static const char *const words[] = {
#define X(id, word) [id] = (word),
	    TALLY_OPT_OUTS(X)
#undef X
	};

	return words[result];
}

static void
make_requests(struct tally *t, size_t row, const char *name)
{
	char labels[64];

	for (size_t i = 0; i < STATUSES; i++) {
		snprintf(labels, sizeof(labels), "route=\"%s\",status=\"%d\"",
		    name, statuses[i]);
		t->requests[row][i] = metrics_counter(t->metrics,
		    "assent_web_requests_total", "Requests answered.", labels);
	}
}

static void
make_opt_outs(struct tally *t)
{
	char labels[32];

	for (size_t i = 0; i < TALLY_OPT_OUT_COUNT; i++) {
		snprintf(labels, sizeof(labels), "result=\"%s\"",
		    tally_opt_out_word((enum tally_opt_out)i));
		t->opt_outs[i] =
		    metrics_counter(t->metrics, "assent_web_opt_outs_total",
			"Opt-outs by what became of them.", labels);
	}
	t->latency = metrics_histogram(t->metrics, "assent_web_opt_out_seconds",
	    "From a click's last octet to its answer.", "");
}

struct tally *
tally_new(void)
{
	struct tally *t = calloc(1, sizeof(*t));
	size_t n = route_count();

	if (t == NULL)
		return NULL;
	t->metrics = metrics_new();
	t->requests = calloc(n + 1, sizeof(*t->requests));
	if (t->metrics == NULL || t->requests == NULL) {
		tally_free(&t);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		make_requests(t, i, route_at(i)->name);
	make_requests(t, n, "none");
	make_opt_outs(t);
	return t;
}

void
tally_free(struct tally **t)
{
	if (*t == NULL)
		return;
	metrics_free(&(*t)->metrics);
	free((*t)->requests);
	free(*t);
	*t = NULL;
}

void
tally_request(struct tally *t, const struct route *route, int status)
{
	size_t row = route == NULL ? route_count() : route_number(route);

	for (size_t i = 0; i < STATUSES; i++)
		if (statuses[i] == status)
			metric_inc(t->requests[row][i]);
}

void
tally_opt_out(struct tally *t, enum tally_opt_out result, int64_t ns)
{
	metric_inc(t->opt_outs[result]);
	/* A token that opens nothing waits for nothing either. */
	if (result != TALLY_BAD_TOKEN)
		metric_observe(t->latency, ns);
}

struct metrics *
tally_registry(const struct tally *t)
{
	return t->metrics;
}

void
tally_write(struct tally *t, struct buf *out)
{
	metrics_write(t->metrics, out);
}
