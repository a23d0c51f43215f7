/* SPDX-License-Identifier: ISC */
/*
 * test_breaker - a server that does not answer is asked seldom
 */
#include "unit.h"

#include "policy/breaker.h"

#define START (100 * CLOCK_S)

static bool
ask(struct breaker *b, bool answered, int64_t now)
{
	assert_true(breaker_admits(b, now));
	return breaker_report(b, answered, now, now);
}

static struct breaker
opened(void)
{
	struct breaker b = {.lock = PTHREAD_MUTEX_INITIALIZER};

	for (int i = 1; i <= BREAKER_FAILURES; i++)
		assert_int_equal(
		    ask(&b, false, START), i == BREAKER_FAILURES);
	return b;
}

static void
failures_in_a_row_open_it(void **state)
{
	struct breaker b = {.lock = PTHREAD_MUTEX_INITIALIZER};

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_false(ask(&b, i % BREAKER_FAILURES == 0, START + i));
	b = opened();
	assert_false(breaker_admits(&b, START));
	assert_false(breaker_admits(&b, START + BREAKER_PAUSE / 2 - 1));
	assert_true(breaker_admits(&b, START + BREAKER_PAUSE));
}

static void
one_probe_at_a_time(void **state)
{
	int64_t now = START, end = START + 100 * BREAKER_PAUSE;
	struct breaker b = opened();
	int probes = 0;

	(void)state;
	for (; now < end; now += CLOCK_MS) {
		if (!breaker_admits(&b, now))
			continue;
		probes++;
		/* While it is out, nobody else; and late ones say nothing. */
		breaker_report(&b, false, START - 1, now);
		assert_false(breaker_admits(&b, now + 9 * BREAKER_PAUSE));
		assert_true(breaker_report(&b, false, now, now));
	}
	want(probes >= 100 && probes <= 200, "%d probes", probes);
}

static void
an_answer_closes_it(void **state)
{
	struct breaker b = opened();

	(void)state;
	assert_false(ask(&b, true, START + BREAKER_PAUSE));
	for (int i = 0; i < BREAKER_FAILURES; i++)
		assert_true(breaker_admits(&b, START + BREAKER_PAUSE));
	/* It takes as many failures as at first to open it again. */
	assert_false(breaker_report(&b, false, START, START));
	assert_true(breaker_admits(&b, START));
}

static void
pauses_differ(void **state)
{
	int64_t first = clock_jitter(BREAKER_PAUSE);
	bool differ = false;

	(void)state;
	for (int i = 0; i < 100; i++) {
		int64_t pause = clock_jitter(BREAKER_PAUSE);

		want(pause >= BREAKER_PAUSE / 2 && pause <= BREAKER_PAUSE,
		    "%lld", (long long)pause);
		differ |= pause != first;
	}
	assert_true(differ);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(failures_in_a_row_open_it),
	    cmocka_unit_test(one_probe_at_a_time),
	    cmocka_unit_test(an_answer_closes_it),
	    cmocka_unit_test(pauses_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
