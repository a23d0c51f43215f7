/* SPDX-License-Identifier: ISC */
/*
 * test_metric - counts that add up, in a format that Prometheus reads
 */
#include "unit.h"

#include <pthread.h>
#include <regex.h>

#include "policy/buf.h"
#include "policy/metric.h"

#define MS INT64_C(1000000)

static char *
page(struct metrics *m)
{
	struct buf b = {0};

	metrics_write(m, &b);
	assert_false(buf_failed(&b));
	return b.data;
}

/* The value of the sample that starts with `name`, as text to its line end. */
static double
sample(const char *text, const char *name)
{
	char line[256];
	const char *at;

	snprintf(line, sizeof(line), "\n%s ", name);
	at = strstr(text, line);
	want(at != NULL, "no %s in\n%s", name, text);
	return strtod(at + strlen(line), NULL);
}

static void
the_same_series_on_second_ask(void **state)
{
	struct metrics *m = metrics_new();
	metric_counter *a = metrics_counter(m, "a_total", "A", "x=\"1\"");
	metric_counter *g = metrics_gauge(m, "g", "G", "");
	struct metric_histogram *h = metrics_histogram(m, "h", "H", "");
	char labels[] = "x=\"1\"";

	(void)state;
	/* By what the text says, not where it lies. */
	assert_ptr_equal(metrics_counter(m, "a_total", "other", labels), a);
	labels[3] = '2';
	assert_ptr_not_equal(metrics_counter(m, "a_total", "A", labels), a);
	assert_ptr_not_equal(metrics_counter(m, "b_total", "A", "x=\"1\""), a);
	assert_ptr_equal(metrics_gauge(m, "g", "G", ""), g);
	assert_ptr_equal(metrics_histogram(m, "h", "H", ""), h);
	metrics_free(&m);
	assert_null(m);
	metrics_free(&m);
}

static void
nothing_counts_nothing(void **state)
{
	(void)state;
	metric_inc(NULL);
	metric_observe(NULL, 5);
}

static void
a_page_reads_as_written(void **state)
{
	struct metrics *m = metrics_new();
	metric_counter *c = metrics_counter(m, "c_total", "Counts", "r=\"x\"");
	metric_counter *g = metrics_gauge(m, "g", "Gauges", "");
	char *text;

	(void)state;
	for (int i = 0; i < 3; i++)
		metric_inc(c);
	*g = 7;
	assert_non_null(metrics_counter(m, "c_total", "Counts", "r=\"y\""));
	text = page(m);
	assert_string_equal(text,
	    "# HELP c_total Counts\n"
	    "# TYPE c_total counter\n"
	    "c_total{r=\"x\"} 3\n"
	    "c_total{r=\"y\"} 0\n"
	    "# HELP g Gauges\n"
	    "# TYPE g gauge\n"
	    "g{} 7\n");
	free(text);
	metrics_free(&m);
}

/* Every line is a comment or a sample, as the exposition format has them. */
static void
every_line_has_the_format(void **state)
{
	static const char name[] = "[a-zA-Z_:][a-zA-Z0-9_:]*";
	static const char label[] = "[a-zA-Z_][a-zA-Z0-9_]*=\"[^\"\\\n]*\"";
	struct metrics *m = metrics_new();
	char pattern[600], *text;
	regex_t re;

	(void)state;
	metric_observe(metrics_histogram(m, "h_seconds", "H", "s=\"n\""), 1);
	metric_observe(metrics_histogram(m, "i_seconds", "I", ""), 1);
	metric_inc(metrics_counter(m, "c_total", "C", "a=\"b\",c=\"d\""));
	text = page(m);
	snprintf(pattern, sizeof(pattern),
	    "^(# HELP %s [^\n]+|# TYPE %s (counter|gauge|histogram)|"
	    "%s(\\{(%s(,%s)*)?\\})? [0-9.e+-]+)$",
	    name, name, name, label, label);
	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	for (char *line = text, *next; *line != '\0'; line = next + 1) {
		next = strchr(line, '\n');
		want(next != NULL, "the last line has no end: %s", line);
		*next = '\0';
		want(regexec(&re, line, 0, NULL, 0) == 0, "%s", line);
	}
	regfree(&re);
	free(text);
	metrics_free(&m);
}

static void
a_histogram_adds_up(void **state)
{
	static const int64_t seen[] = {0, 1, 50000, 50001, 100000, MS, MS + 1,
	    200 * MS, 9999 * MS, 10000 * MS, 10001 * MS, 3600000 * MS};
	static const struct {
		const char *name;
		double value;
	} rows[] = {
	    {"h_bucket{s=\"n\",le=\"5e-05\"}", 3},
	    {"h_bucket{s=\"n\",le=\"0.0001\"}", 5},
	    {"h_bucket{s=\"n\",le=\"0.0005\"}", 5},
	    {"h_bucket{s=\"n\",le=\"0.001\"}", 6},
	    {"h_bucket{s=\"n\",le=\"0.002\"}", 7},
	    {"h_bucket{s=\"n\",le=\"0.1\"}", 7},
	    {"h_bucket{s=\"n\",le=\"0.2\"}", 8},
	    {"h_bucket{s=\"n\",le=\"5\"}", 8},
	    {"h_bucket{s=\"n\",le=\"10\"}", 10},
	    {"h_bucket{s=\"n\",le=\"+Inf\"}", 12},
	    {"h_count{s=\"n\"}", 12},
	};
	struct metrics *m = metrics_new();
	struct metric_histogram *h = metrics_histogram(m, "h", "H", "s=\"n\"");
	double sum = 0;
	char *text;

	(void)state;
	for (size_t i = 0; i < COUNT(seen); i++) {
		metric_observe(h, seen[i]);
		sum += (double)seen[i] / 1e9;
	}
	text = page(m);
	for (size_t i = 0; i < COUNT(rows); i++)
		want(sample(text, rows[i].name) == rows[i].value, "%s in\n%s",
		    rows[i].name, text);
	sum -= sample(text, "h_sum{s=\"n\"}");
	want(sum < 1e-8 && sum > -1e-8, "off by %g", sum);
	free(text);
	metrics_free(&m);
}

/* Each bucket holds the ones before it, and its bound is higher. */
static void
buckets_rise(void **state)
{
	struct metrics *m = metrics_new();
	struct metric_histogram *h = metrics_histogram(m, "h", "H", "");
	double count = 0, bound = 0;
	char *text, *at;
	int n = 0;

	(void)state;
	for (int64_t ns = 1000; ns < 100000 * MS; ns = ns * 3 / 2)
		metric_observe(h, ns);
	text = page(m);
	for (at = text; (at = strstr(at, "le=\"")) != NULL; n++) {
		double b = strtod(at + 4, &at), c = strtod(at + 3, NULL);

		want(b > bound && c >= count, "%g: %g", b, c);
		bound = b;
		count = c;
	}
	assert_true(n > 10);
	assert_true(sample(text, "h_count{}") == count);
	free(text);
	metrics_free(&m);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *
hammer(void *arg)
{
	struct metrics *m = arg;
	metric_counter *c = metrics_counter(m, "c", "C", "");
	struct metric_histogram *h = metrics_histogram(m, "h", "H", "");
	char labels[32];

	for (int i = 0; i < ROUNDS; i++) {
		metric_inc(c);
		metric_observe(h, i * INT64_C(1000));
		if (i % 1000 == 0) {
			snprintf(labels, sizeof(labels), "n=\"%d\"", i);
			metric_inc(metrics_counter(m, "d", "D", labels));
			free(page(m));
		}
	}
	return NULL;
}

static void
nothing_is_lost_between_threads(void **state)
{
	struct metrics *m = metrics_new();
	pthread_t thread[THREADS];
	char *text;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&thread[i], NULL, hammer, m), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	text = page(m);
	assert_true(sample(text, "c{}") == THREADS * ROUNDS);
	assert_true(sample(text, "h_count{}") == THREADS * ROUNDS);
	assert_true(sample(text, "d{n=\"0\"}") == THREADS);
	assert_true(sample(text, "d{n=\"19000\"}") == THREADS);
	free(text);
	metrics_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_same_series_on_second_ask),
	    cmocka_unit_test(nothing_counts_nothing),
	    cmocka_unit_test(a_page_reads_as_written),
	    cmocka_unit_test(every_line_has_the_format),
	    cmocka_unit_test(a_histogram_adds_up),
	    cmocka_unit_test(buckets_rise),
	    cmocka_unit_test(nothing_is_lost_between_threads),
	};

	return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
