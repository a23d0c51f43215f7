/* SPDX-License-Identifier: ISC */
/*
 * test_pool - a few connections, many threads, a server that comes and goes
 *
 * The server is a fake: its handles are numbered, and it can be told to fail
 * or to take its time.
 */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "policy/buf.h"
#include "policy/clock.h"
#include "policy/metric.h"
#include "policy/pool.h"

/* How exact a wait must be on a loaded machine. */
#define SLACK (2 * CLOCK_S)
#define SOON (clock_now() + 10 * CLOCK_S)

struct server {
	_Atomic int opened, closed, tried, most;
	_Atomic bool down;
	_Atomic int64_t slow; /* nanoseconds that opening takes */
};

struct handle {
	struct server *server;
	int number;
	_Atomic int holders;
};

static void *
open_handle(void *arg, int64_t deadline, struct err *e)
{
	struct server *s = arg;
	struct handle *h;
	int open;

	(void)deadline;
	s->tried++;
	if (s->slow > 0)
		clock_sleep_until(clock_now() + s->slow);
	if (s->down) {
		err_set(e, ERR_UNREACHABLE, "fake: down %d", s->tried);
		return NULL;
	}
	h = calloc(1, sizeof(*h));
	h->server = s;
	h->number = ++s->opened;
	open = s->opened - s->closed;
	if (open > s->most)
		s->most = open;
	return h;
}

static void
close_handle(void *handle)
{
	struct handle *h = handle;

	h->server->closed++;
	free(h);
}

static const struct pool_ops ops = {open_handle, close_handle, "fake", 0};
static const struct pool_ops limited = {open_handle, close_handle, "fake", 2};

static struct handle *
must_borrow(struct pool *p, bool *fresh)
{
	struct err e = {.text = ""};
	struct handle *h = pool_borrow(p, SOON, fresh, &e);

	want(h != NULL, "%s", e.text);
	return h;
}

static void
handles_are_opened_as_needed_and_reused(void **state)
{
	struct server s = {0};
	struct pool *p = pool_new(&ops, &s, 3);
	struct handle *a, *b;
	bool fresh;

	(void)state;
	assert_int_equal(s.opened, 0);
	a = must_borrow(p, &fresh);
	assert_true(fresh);
	b = must_borrow(p, &fresh);
	assert_true(fresh);
	assert_ptr_not_equal(a, b);
	pool_return(p, a, true);
	pool_return(p, b, true);
	/* The warm one first. */
	assert_ptr_equal(must_borrow(p, &fresh), b);
	assert_false(fresh);
	assert_ptr_equal(must_borrow(p, NULL), a);
	assert_int_equal(s.opened, 2);
	pool_return(p, a, true);
	pool_return(p, b, true);
	pool_free(&p);
	assert_null(p);
	assert_int_equal(s.closed, 2);
	pool_free(&p);
}

static void
broken_handles_are_replaced(void **state)
{
	struct server s = {0};
	struct pool *p = pool_new(&ops, &s, 1);
	bool fresh;

	(void)state;
	for (int i = 1; i <= 5; i++) {
		struct handle *h = must_borrow(p, &fresh);

		assert_true(fresh);
		assert_int_equal(h->number, i);
		pool_return(p, h, false);
		assert_int_equal(s.closed, i);
	}
	pool_free(&p);
	assert_int_equal(s.closed, 5);
}

static void
a_broken_handle_takes_the_idle_ones_with_it(void **state)
{
	struct server s = {0};
	struct pool *p = pool_new(&ops, &s, 3);
	struct handle *a = must_borrow(p, NULL), *b = must_borrow(p, NULL),
		      *c = must_borrow(p, NULL);
	bool fresh;

	(void)state;
	pool_return(p, a, true);
	pool_return(p, b, false);
	assert_int_equal(s.closed, 2);
	/* Who is at work finds out alone. */
	pool_return(p, c, true);
	assert_ptr_equal(must_borrow(p, &fresh), c);
	assert_false(fresh);
	pool_return(p, must_borrow(p, &fresh), true);
	assert_true(fresh);
	pool_return(p, c, true);
	pool_free(&p);
	assert_int_equal(s.closed, s.opened);
}

static void
waits_are_recorded(void **state)
{
	struct metrics *m = metrics_new();
	struct server s = {0};
	struct pool *p = pool_new(&ops, &s, 1);
	struct buf out = {0};
	struct handle *h;
	struct err e;

	(void)state;
	pool_observe(p, metrics_histogram(m, "wait", "Waits.", ""));
	h = must_borrow(p, NULL);
	assert_null(pool_borrow(p, clock_now() + 60 * CLOCK_MS, NULL, &e));
	pool_return(p, h, true);
	metrics_write(m, &out);
	assert_non_null(strstr(out.data, "wait_bucket{le=\"5e-05\"} 1\n"));
	assert_non_null(strstr(out.data, "wait_bucket{le=\"0.05\"} 1\n"));
	assert_non_null(strstr(out.data, "wait_count{} 2\n"));
	buf_free(&out);
	pool_free(&p);
	metrics_free(&m);
}

static void
a_full_pool_waits_until_the_deadline(void **state)
{
	struct server s = {0};
	struct pool *p = pool_new(&ops, &s, 1);
	struct handle *h = must_borrow(p, NULL);
	struct err e = {.kind = ERR_FATAL};
	int64_t deadline = clock_now() + 80 * CLOCK_MS;

	(void)state;
	assert_null(pool_borrow(p, deadline, NULL, &e));
	assert_true(clock_now() >= deadline);
	assert_true(clock_now() < deadline + SLACK);
	assert_int_equal(e.kind, ERR_BUSY);
	want(has(e.text, "fake") && has(e.text, "busy"), "%s", e.text);
	/* Long ago: at once. */
	assert_null(pool_borrow(p, 0, NULL, &e));
	assert_int_equal(s.opened, 1);
	pool_return(p, h, true);
	/* Free again: also a deadline that has passed gets what is there. */
	h = pool_borrow(p, 0, NULL, &e);
	assert_non_null(h);
	pool_return(p, h, true);
	pool_free(&p);
}

struct borrower {
	struct pool *pool;
	struct handle *got;
	int64_t took;
	struct err e;
};

static void *
borrow(void *arg)
{
	struct borrower *b = arg;
	int64_t start = clock_now();

	b->got = pool_borrow(b->pool, SOON, NULL, &b->e);
	b->took = clock_now() - start;
	return NULL;
}

static void
who_waits_gets_what_comes_back(void **state)
{
	struct server s = {0};

	(void)state;
	for (int good = 0; good < 2; good++) {
		struct borrower b = {.pool = pool_new(&ops, &s, 1)};
		struct handle *h = must_borrow(b.pool, NULL);
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, borrow, &b), 0);
		clock_sleep_until(clock_now() + 50 * CLOCK_MS);
		pool_return(b.pool, h, good == 1);
		pthread_join(thread, NULL);
		want(b.got != NULL, "%s", b.e.text);
		assert_true(b.took < SLACK);
		if (good == 1)
			assert_ptr_equal(b.got, h);
		pool_return(b.pool, b.got, true);
		pool_free(&b.pool);
	}
	assert_int_equal(s.opened, s.closed);
}

static void *
borrow_and_return(void *arg)
{
	struct borrower *b = arg;

	borrow(b);
	if (b->got != NULL)
		pool_return(b->pool, b->got, true);
	return NULL;
}

static void
more_than_may_wait_are_told_at_once(void **state)
{
	struct server s = {0};
	struct pool *p = pool_new(&limited, &s, 1);
	struct handle *h = must_borrow(p, NULL);
	struct borrower b[2] = {{.pool = p}, {.pool = p}};
	pthread_t thread[2];
	struct err e;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL,
				     borrow_and_return, &b[i]),
		    0);
	clock_sleep_until(clock_now() + 50 * CLOCK_MS);
	assert_null(pool_borrow(p, SOON, NULL, &e));
	assert_int_equal(e.kind, ERR_BUSY);
	want(has(e.text, "too many wait"), "%s", e.text);
	pool_return(p, h, true);
	for (int i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		want(b[i].got != NULL, "%s", b[i].e.text);
	}
	/* None of them waits any more. */
	h = must_borrow(p, NULL);
	assert_null(pool_borrow(p, 0, NULL, &e));
	want(has(e.text, "stayed busy"), "%s", e.text);
	pool_return(p, h, true);
	pool_free(&p);
}

static void
a_dead_server_is_asked_once_per_pause(void **state)
{
	struct server s = {.down = true};
	struct pool *p = pool_new(&ops, &s, 4);
	struct err e;
	int64_t start = clock_now();

	(void)state;
	assert_null(pool_borrow(p, SOON, NULL, &e));
	assert_string_equal(e.text, "fake: down 1");
	for (int i = 0; i < 1000; i++) {
		e = (struct err){.kind = ERR_FATAL};
		assert_null(pool_borrow(p, SOON, NULL, &e));
		assert_int_equal(e.kind, ERR_UNREACHABLE);
		if (s.tried > 1)
			break;
		assert_string_equal(e.text, "fake: down 1");
	}
	want(s.tried == 1 || clock_now() - start > 150 * CLOCK_MS,
	    "%d attempts", s.tried);
	s.down = false;
	clock_sleep_until(clock_now() + 300 * CLOCK_MS);
	pool_return(p, must_borrow(p, NULL), true);
	pool_free(&p);
}

/* A handle that works is lent also while opening fails. */
static void
a_pause_does_not_hide_idle_handles(void **state)
{
	struct server s = {0};
	struct pool *p = pool_new(&ops, &s, 4);
	struct handle *h = must_borrow(p, NULL);
	struct err e;

	(void)state;
	s.down = true;
	assert_null(pool_borrow(p, SOON, NULL, &e));
	pool_return(p, h, true);
	assert_ptr_equal(must_borrow(p, NULL), h);
	pool_return(p, h, true);
	pool_free(&p);
}

/* One thread's failure to open frees the place another waits for. */
static void
who_waits_hears_of_a_failed_opening(void **state)
{
	struct server s = {.down = true, .slow = 60 * CLOCK_MS};
	struct pool *p = pool_new(&ops, &s, 1);
	struct borrower b[4];
	pthread_t thread[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		b[i] = (struct borrower){.pool = p};
		pthread_create(&thread[i], NULL, borrow, &b[i]);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < 4; i++) {
		want(b[i].got == NULL && b[i].took < SLACK, "%d", i);
		want(has(b[i].e.text, "fake: down"), "%s", b[i].e.text);
	}
	pool_free(&p);
}

/* Opening is slow; lending what is there must not wait for it. */
static void
opening_holds_nobody_up(void **state)
{
	struct server s = {0};
	struct pool *p = pool_new(&ops, &s, 2);
	struct handle *h = must_borrow(p, NULL);
	struct borrower b = {.pool = p};
	pthread_t thread;
	int64_t start;

	(void)state;
	s.slow = CLOCK_S;
	pthread_create(&thread, NULL, borrow, &b);
	while (s.tried < 2)
		clock_sleep_until(clock_now() + CLOCK_MS);
	start = clock_now();
	for (int i = 0; i < 100; i++) {
		pool_return(p, h, true);
		assert_ptr_equal(must_borrow(p, NULL), h);
	}
	want(clock_now() - start < CLOCK_S / 2, "waited for an opening");
	pthread_join(thread, NULL);
	pool_return(p, b.got, true);
	pool_return(p, h, true);
	pool_free(&p);
}

enum { THREADS = 8, ROUNDS = 2000, LIMIT = 3 };

static void *
hammer(void *arg)
{
	struct pool *p = arg;
	struct err e;

	for (int i = 0; i < ROUNDS; i++) {
		struct handle *h = pool_borrow(p, SOON, NULL, &e);

		if (h == NULL || h->holders++ != 0)
			return (void *)"lent twice, or not at all";
		h->holders--;
		pool_return(p, h, i % 50 != 0);
	}
	return NULL;
}

static void
many_threads_share_few_handles(void **state)
{
	struct server s = {0};
	struct pool *p = pool_new(&ops, &s, LIMIT);
	pthread_t thread[THREADS];
	void *complaint;

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&thread[i], NULL, hammer, p), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &complaint);
		want(complaint == NULL, "%s", (const char *)complaint);
	}
	pool_free(&p);
	want(s.most <= LIMIT, "%d open at once", s.most);
	assert_int_equal(s.opened, s.closed);
	assert_true(s.closed >= THREADS * ROUNDS / 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(handles_are_opened_as_needed_and_reused),
	    cmocka_unit_test(broken_handles_are_replaced),
	    cmocka_unit_test(a_broken_handle_takes_the_idle_ones_with_it),
	    cmocka_unit_test(waits_are_recorded),
	    cmocka_unit_test(a_full_pool_waits_until_the_deadline),
	    cmocka_unit_test(who_waits_gets_what_comes_back),
	    cmocka_unit_test(more_than_may_wait_are_told_at_once),
	    cmocka_unit_test(a_dead_server_is_asked_once_per_pause),
	    cmocka_unit_test(a_pause_does_not_hide_idle_handles),
	    cmocka_unit_test(who_waits_hears_of_a_failed_opening),
	    cmocka_unit_test(opening_holds_nobody_up),
	    cmocka_unit_test(many_threads_share_few_handles),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
