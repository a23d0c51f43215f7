/* SPDX-License-Identifier: ISC */
/*
 * metric - counters and histograms in Prometheus' text format
 *
 * Series are made under a lock and never go away; a counter is one atomic, a
 * histogram an array of them.  A scrape reads each once, without stopping
 * anybody.
 */
#include "metric.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

enum kind { KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM };

/* Upper bounds of a histogram's buckets, in microseconds. */
static const int64_t bounds[] = {50, 100, 200, 500, 1000, 2000, 5000, 10000,
    20000, 50000, 100000, 200000, 500000, 1000000, 2000000, 5000000, 10000000};

enum { BOUNDS = sizeof(bounds) / sizeof(bounds[0]) };

struct metric_histogram {
	metric_counter bucket[BOUNDS + 1], sum; /* sum: nanoseconds */
};

struct series {
	struct series *next;
	metric_counter value;
	struct metric_histogram histogram;
	char labels[];
};

struct family {
	struct family *next;
	enum kind kind;
	const char *name, *help;
	struct series *series;
};

struct metrics {
	pthread_mutex_t lock;
	struct family *families;
};

struct metrics *
metrics_new(void)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (m != NULL)
		pthread_mutex_init(&m->lock, NULL);
	return m;
}

void
metrics_free(struct metrics **mp)
{
	struct metrics *m = *mp;

	if (m == NULL)
		return;
	for (struct family *f = m->families, *f_next; f != NULL; f = f_next) {
		f_next = f->next;
		for (struct series *s = f->series, *next; s; s = next) {
			next = s->next;
			free(s);
		}
		free(f);
	}
	pthread_mutex_destroy(&m->lock);
	free(m);
	*mp = NULL;
}

/* Both finders add at the end, so that a page keeps its order. */
static struct family *
find_family(
    struct metrics *m, enum kind kind, const char *name, const char *help)
{
	struct family **f = &m->families;

	for (; *f != NULL; f = &(*f)->next)
		if (strcmp((*f)->name, name) == 0)
			return *f;
	*f = calloc(1, sizeof(**f));
	if (*f != NULL)
		**f = (struct family){.kind = kind, .name = name, .help = help};
	return *f;
}

static struct series *
find_series(struct metrics *m, enum kind kind, const char *name,
    const char *help, const char *labels)
{
	struct series **s = NULL;
	struct family *f;

	pthread_mutex_lock(&m->lock);
	f = find_family(m, kind, name, help);
	if (f != NULL) {
		for (s = &f->series; *s != NULL; s = &(*s)->next)
			if (strcmp((*s)->labels, labels) == 0)
				break;
		if (*s == NULL) {
			size_t size = strlen(labels) + 1;

			*s = calloc(1, sizeof(**s) + size);
			if (*s != NULL)
				memcpy((*s)->labels, labels, size);
		}
	}
	pthread_mutex_unlock(&m->lock);
	return s == NULL ? NULL : *s;
}

metric_counter *
metrics_counter(
    struct metrics *m, const char *name, const char *help, const char *labels)
{
	struct series *s = find_series(m, KIND_COUNTER, name, help, labels);

	return s == NULL ? NULL : &s->value;
}

metric_counter *
metrics_gauge(
    struct metrics *m, const char *name, const char *help, const char *labels)
{
	struct series *s = find_series(m, KIND_GAUGE, name, help, labels);

	return s == NULL ? NULL : &s->value;
}

struct metric_histogram *
metrics_histogram(
    struct metrics *m, const char *name, const char *help, const char *labels)
{
	struct series *s = find_series(m, KIND_HISTOGRAM, name, help, labels);

	return s == NULL ? NULL : &s->histogram;
}

void
metric_inc(metric_counter *c)
{
	if (c != NULL)
		atomic_fetch_add_explicit(c, 1, memory_order_relaxed);
}

void
metric_add(metric_counter *c, unsigned int n)
{
	if (c != NULL && n > 0)
		atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

void
metric_set(metric_counter *g, uint64_t value)
{
	if (g != NULL)
		atomic_store_explicit(g, value, memory_order_relaxed);
}

void
metric_observe(struct metric_histogram *h, int64_t ns)
{
	size_t i = 0;

	if (h == NULL)
		return;
	while (i < BOUNDS && ns > bounds[i] * 1000)
		i++;
	atomic_fetch_add_explicit(&h->bucket[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum, (uint64_t)ns, memory_order_relaxed);
}

static void
write_histogram(struct buf *out, const char *name, struct series *s)
{
	const char *comma = s->labels[0] == '\0' ? "" : ",";
	uint64_t total = 0;

	for (size_t i = 0; i < BOUNDS; i++) {
		total += s->histogram.bucket[i];
		buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %llu\n", name,
		    s->labels, comma, (double)bounds[i] / 1e6,
		    (unsigned long long)total);
	}
	total += s->histogram.bucket[BOUNDS];
	buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, s->labels,
	    comma, (unsigned long long)total);
	buf_printf(out, "%s_sum{%s} %.9f\n%s_count{%s} %llu\n", name, s->labels,
	    (double)s->histogram.sum / 1e9, name, s->labels,
	    (unsigned long long)total);
}

void
metrics_write(struct metrics *m, struct buf *out)
{
	static const char *const words[] = {
	    [KIND_COUNTER] = "counter",
	    [KIND_GAUGE] = "gauge",
	    [KIND_HISTOGRAM] = "histogram",
	};

	pthread_mutex_lock(&m->lock);
	for (struct family *f = m->families; f != NULL; f = f->next) {
		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name,
		    f->help, f->name, words[f->kind]);
		for (struct series *s = f->series; s != NULL; s = s->next) {
			if (f->kind == KIND_HISTOGRAM)
				write_histogram(out, f->name, s);
			else
				buf_printf(out, "%s{%s} %llu\n", f->name,
				    s->labels, (unsigned long long)s->value);
		}
	}
	pthread_mutex_unlock(&m->lock);
}
