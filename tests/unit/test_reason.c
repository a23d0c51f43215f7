/* SPDX-License-Identifier: ISC */
/*
 * test_reason - the table of answers agrees with itself and with SMTP
 */
#include "unit.h"

#include <ctype.h>

#include "policy/reason.h"

static bool
is_ascii_text(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

static void
each_has_everything(void **state)
{
	(void)state;
	for (int r = 0; r < REASON_COUNT; r++) {
		const struct reason_info *i = reason_info((enum reason)r);

		want(i->word[0] != '\0' && i->text[0] != '\0', "%d", r);
		want(is_ascii_text(i->word) && is_ascii_text(i->text), "%d", r);
		want(strspn(i->word, "abcdefghijklmnopqrstuvwxyz-") ==
			strlen(i->word),
		    "%s", i->word);
	}
}

/* With the codes, the purpose's name (63 at most) and a reference around it. */
static void
each_reply_fits(void **state)
{
	enum { AROUND = sizeof("550 5.7.1 :  (, ref 01234567)\r\n") + 63 };

	(void)state;
	for (int r = 0; r < REASON_COUNT; r++) {
		const struct reason_info *i = reason_info((enum reason)r);

		want(strlen(i->word) + strlen(i->text) + AROUND <= 512, "%s",
		    i->word);
	}
}

static void
words_are_unmistakable(void **state)
{
	(void)state;
	for (int r = 0; r < REASON_COUNT; r++)
		for (int o = 0; o < REASON_COUNT; o++) {
			const char *word = reason_info((enum reason)r)->word;
			const struct reason_info *other =
			    reason_info((enum reason)o);

			if (r == o)
				continue;
			want(!has(other->word, word), "%s in %s", word,
			    other->word);
			want(strcasestr(other->text, word) == NULL,
			    "%s in \"%s\"", word, other->text);
		}
}

static void
codes_follow_the_verdict(void **state)
{
	static const char class[] = {
	    [VERDICT_DEFER] = '4',
	    [VERDICT_REFUSE] = '5',
	    [VERDICT_ACCEPT] = '2',
	};

	(void)state;
	for (int r = 0; r < REASON_COUNT; r++) {
		const struct reason_info *i = reason_info((enum reason)r);

		want(strlen(i->code) == 3 && i->code[0] == class[i->verdict] &&
			isdigit((unsigned char)i->code[1]) &&
			isdigit((unsigned char)i->code[2]),
		    "%s: %s", i->word, i->code);
		want(strlen(i->enhanced) == 5 &&
			i->enhanced[0] == class[i->verdict] &&
			i->enhanced[1] == '.' && i->enhanced[3] == '.',
		    "%s: %s", i->word, i->enhanced);
	}
}

/* What senders and tools rely on. */
static void
the_promised_replies(void **state)
{
	static const struct {
		enum reason reason;
		enum verdict verdict;
		const char *word, *code, *enhanced;
	} rows[] = {
	    {REASON_UNREACHABLE, VERDICT_DEFER, "unreachable", "451", "4.3.0"},
	    {REASON_OVERLOAD, VERDICT_DEFER, "overload", "451", "4.3.2"},
	    {REASON_ONE, VERDICT_DEFER, "one-recipient", "452", "4.5.3"},
	    {REASON_GRANTED, VERDICT_ACCEPT, "granted", "250", "2.1.5"},
	    {REASON_UNKNOWN, VERDICT_REFUSE, "unknown", "550", "5.7.1"},
	    {REASON_NO_CONSENT, VERDICT_REFUSE, "no-consent", "550", "5.7.1"},
	    {REASON_PENDING, VERDICT_REFUSE, "pending", "550", "5.7.1"},
	    {REASON_EXPIRED, VERDICT_REFUSE, "expired", "550", "5.7.1"},
	    {REASON_WITHDRAWN, VERDICT_REFUSE, "withdrawn", "550", "5.7.1"},
	    {REASON_OBJECTED, VERDICT_REFUSE, "objected", "550", "5.7.1"},
	    {REASON_RESTRICTED, VERDICT_REFUSE, "restricted", "550", "5.7.1"},
	    {REASON_SUSPENDED, VERDICT_REFUSE, "suspended", "550", "5.7.1"},
	    {REASON_PAUSED, VERDICT_REFUSE, "paused", "550", "5.7.1"},
	    {REASON_ERASED, VERDICT_REFUSE, "erased", "550", "5.7.1"},
	    {REASON_MALFORMED, VERDICT_REFUSE, "malformed", "550", "5.6.0"},
	};

	(void)state;
	for (size_t n = 0; n < COUNT(rows); n++) {
		const struct reason_info *i = reason_info(rows[n].reason);

		want(i->verdict == rows[n].verdict, "%s", rows[n].word);
		want(strcmp(i->word, rows[n].word) == 0, "%s", i->word);
		want(strcmp(i->code, rows[n].code) == 0, "%s", rows[n].word);
		want(strcmp(i->enhanced, rows[n].enhanced) == 0, "%s",
		    rows[n].word);
	}
}

static void
one_reason_accepts_and_zero_defers(void **state)
{
	(void)state;
	for (int r = 0; r < REASON_COUNT; r++)
		want((reason_info((enum reason)r)->verdict == VERDICT_ACCEPT) ==
			(r == REASON_GRANTED),
		    "%d", r);
	assert_int_equal(reason_info((enum reason)0)->verdict, VERDICT_DEFER);
	assert_int_equal(VERDICT_DEFER, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_has_everything),
	    cmocka_unit_test(each_reply_fits),
	    cmocka_unit_test(words_are_unmistakable),
	    cmocka_unit_test(codes_follow_the_verdict),
	    cmocka_unit_test(the_promised_replies),
	    cmocka_unit_test(one_reason_accepts_and_zero_defers),
	};

	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
