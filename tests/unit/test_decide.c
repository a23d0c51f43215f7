/* SPDX-License-Identifier: ISC */
/*
 * test_decide - one way to yes, and every way to no
 */
#include "unit.h"

#include "policy/decide.h"
#include "policy/permit.h"

enum { PURPOSE = 300, NOW = 1700000000 };

/* When a permission ends, seen from NOW. */
static const struct {
	uint32_t expires;
	bool over;
} ends[] = {{0, false}, {1, true}, {NOW - 1, true}, {NOW, true},
    {NOW + 1, false}, {UINT32_MAX, false}};

/* What a standing comes to, while it lasts. */
static const enum reason reasons[STANDING_COUNT] = {
    [STANDING_NONE] = REASON_NO_CONSENT,
    [STANDING_PENDING] = REASON_PENDING,
    [STANDING_GRANTED] = REASON_GRANTED,
    [STANDING_WITHDRAWN] = REASON_WITHDRAWN,
    [STANDING_OBJECTED] = REASON_OBJECTED,
    [STANDING_RESTRICTED] = REASON_RESTRICTED,
    [STANDING_SUSPENDED] = REASON_SUSPENDED,
};

/* A permit with one pair, and the octets it points into. */
struct subject {
	struct permit permit;
	uint8_t expiry[4], pair[4];
	enum reason reason; /* what it must come to by itself */
};

enum { SUBJECTS = 2 * 2 * STANDING_COUNT * COUNT(ends) };

/* The `n`th of all combinations. */
static void
make_subject(struct subject *s, size_t n)
{
	size_t end = n % COUNT(ends), standing = n / COUNT(ends);
	bool known, erased;

	known = standing / STANDING_COUNT % 2 == 0;
	erased = standing / STANDING_COUNT / 2 == 1;
	standing %= STANDING_COUNT;
	*s = (struct subject){
	    .permit = {.known = known, .erased = erased, .n_pairs = 1},
	    .pair = {PURPOSE >> 8, PURPOSE & 0xff, (uint8_t)standing, 1},
	    .reason = reasons[standing],
	};
	for (int i = 0; i < 4; i++)
		s->expiry[i] = (uint8_t)(ends[end].expires >> (24 - 8 * i));
	if ((s->reason == REASON_GRANTED || s->reason == REASON_SUSPENDED) &&
	    ends[end].over)
		s->reason = REASON_EXPIRED;
	if (!known)
		s->reason = REASON_UNKNOWN;
	if (erased)
		s->reason = REASON_ERASED;
	s->permit.expiries = s->expiry;
	s->permit.pairs = s->pair;
}

static enum reason
ask(const struct permit *own, const struct permit *base)
{
	const struct decide_facts f = {
	    .permit = own,
	    .base = base,
	    .purpose = PURPOSE,
	    .channel = CHANNEL_EMAIL,
	    .now = NOW,
	};

	return decide(&f);
}

static void
no_facts_defer(void **state)
{
	const struct decide_facts none = {0};
	struct subject granted;

	(void)state;
	assert_int_equal(decide(&none), REASON_UNREACHABLE);
	assert_int_equal(reason_info(decide(&none))->verdict, VERDICT_DEFER);
	/* A base alone permits nothing, either. */
	make_subject(&granted, STANDING_GRANTED * COUNT(ends));
	assert_int_equal(granted.reason, REASON_GRANTED);
	assert_int_equal(ask(NULL, &granted.permit), REASON_UNREACHABLE);
	assert_int_equal(VERDICT_DEFER, 0);
}

static void
an_empty_permit_is_unknown(void **state)
{
	const struct permit nobody = {0};

	(void)state;
	assert_int_equal(ask(&nobody, NULL), REASON_UNKNOWN);
}

static void
every_permit_alone(void **state)
{
	size_t granted = 0;

	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct subject s;

		make_subject(&s, i);
		want(ask(&s.permit, NULL) == s.reason, "%zu: %d not %d", i,
		    ask(&s.permit, NULL), s.reason);
		granted += s.reason == REASON_GRANTED;
	}
	/* known, not erased, granted, and one of three ends to come */
	assert_int_equal(granted, 3);
}

static void
a_pause_holds_until_it_ends(void **state)
{
	static const struct {
		uint32_t until, expires;
		enum reason reason;
	} rows[] = {
	    {NOW + 1, 0, REASON_PAUSED},
	    {NOW, 0, REASON_GRANTED},
	    {NOW - 1, 0, REASON_GRANTED},
	    {0, 0, REASON_PAUSED}, /* for ever */
	    {NOW + 1, NOW + 2, REASON_PAUSED},
	    {NOW + 1, NOW, REASON_EXPIRED},
	    {NOW - 1, NOW, REASON_EXPIRED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const uint32_t until = rows[i].until, end = rows[i].expires;
		const uint8_t octets[] = {1, 0, 2, (uint8_t)(end >> 24),
		    (uint8_t)(end >> 16), (uint8_t)(end >> 8), (uint8_t)end,
		    (uint8_t)(until >> 24), (uint8_t)(until >> 16),
		    (uint8_t)(until >> 8), (uint8_t)until, PURPOSE >> 8,
		    PURPOSE & 0xff, 7, until == 0 ? 0 : 2, PURPOSE >> 8,
		    PURPOSE & 0xff, STANDING_GRANTED, end == 0 ? 0 : 1};
		struct permit p;
		struct err e;

		assert_int_equal(
		    permit_decode(octets, sizeof(octets), &p, &e), 0);
		want(ask(&p, NULL) == rows[i].reason, "row %zu: %d", i,
		    ask(&p, NULL));
	}
}

static bool
counts_from_the_base(enum reason r)
{
	return r == REASON_OBJECTED || r == REASON_RESTRICTED ||
	    r == REASON_ERASED;
}

static void
every_permit_with_every_base(void **state)
{
	struct subject own, base;
	enum reason expected, got;

	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++)
		for (size_t j = 0; j < SUBJECTS; j++) {
			make_subject(&own, i);
			make_subject(&base, j);
			expected = own.reason;
			if (own.reason == REASON_GRANTED &&
			    counts_from_the_base(base.reason))
				expected = base.reason;
			got = ask(&own.permit, &base.permit);
			want(got == expected, "%zu with %zu: %d not %d", i, j,
			    got, expected);
		}
}

static void
other_purposes_and_channels_do_not_count(void **state)
{
	static const struct {
		uint16_t purpose;
		enum channel channel;
		enum reason reason;
	} rows[] = {
	    {PURPOSE, CHANNEL_EMAIL, REASON_GRANTED},
	    {PURPOSE, CHANNEL_SMS, REASON_NO_CONSENT},
	    {PURPOSE, CHANNEL_IM, REASON_NO_CONSENT},
	    {PURPOSE + 1, CHANNEL_EMAIL, REASON_NO_CONSENT},
	    {PURPOSE - 1, CHANNEL_EMAIL, REASON_NO_CONSENT},
	    {PURPOSE & 0xff, CHANNEL_EMAIL, REASON_NO_CONSENT},
	    {PURPOSE & 0xff00, CHANNEL_EMAIL, REASON_NO_CONSENT},
	    {0, CHANNEL_EMAIL, REASON_NO_CONSENT},
	};
	struct subject s;

	(void)state;
	make_subject(&s, STANDING_GRANTED * COUNT(ends));
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct decide_facts f = {
		    .permit = &s.permit,
		    .purpose = rows[i].purpose,
		    .channel = rows[i].channel,
		    .now = NOW,
		};

		want(decide(&f) == rows[i].reason, "row %zu", i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_facts_defer),
	    cmocka_unit_test(an_empty_permit_is_unknown),
	    cmocka_unit_test(every_permit_alone),
	    cmocka_unit_test(a_pause_holds_until_it_ends),
	    cmocka_unit_test(every_permit_with_every_base),
	    cmocka_unit_test(other_purposes_and_channels_do_not_count),
	};

	return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
