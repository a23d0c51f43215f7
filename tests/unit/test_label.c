/* SPDX-License-Identifier: ISC */
/*
 * test_label - the Consent-Purpose header is read strictly
 */
#include "unit.h"

#include "milter/label.h"

static bool
is(const struct label_part *part, const char *text)
{
	if (text == NULL)
		return part->text == NULL;
	return part->text != NULL && part->len == strlen(text) &&
	    memcmp(part->text, text, part->len) == 0;
}

static void
good(void **state)
{
	static const struct {
		const char *value, *purpose, *campaign, *lang;
	} rows[] = {
	    {"newsletter", "newsletter", NULL, NULL},
	    {" newsletter ", "newsletter", NULL, NULL},
	    {"newsletter; campaign=2026-11; lang=pl", "newsletter", "2026-11",
		"pl"},
	    {"newsletter;campaign=2026-11;lang=pl", "newsletter", "2026-11",
		"pl"},
	    {"newsletter ; campaign = x ; lang = pl ", "newsletter", "x", "pl"},
	    {"newsletter;\n\tcampaign=x;\r\n lang=pl", "newsletter", "x", "pl"},
	    {"n; CAMPAIGN=X; Lang=PL", "n", "X", "PL"},
	    {"n; campaign=\"a b; c\"", "n", "\"a b; c\"", NULL},
	    {"n; campaign=\"a\\\"b\"; lang=de", "n", "\"a\\\"b\"", "de"},
	    {"n; campaign=\"\"", "n", "\"\"", NULL},
	    {"n; x=1; y=2; lang=de", "n", NULL, "de"},
	    {"a.b_c-d!#$%&'*+^`{|}~", "a.b_c-d!#$%&'*+^`{|}~", NULL, NULL},
	    {"n; a=1;b=1;c=1;d=1;e=1;f=1;g=1;h=1;i=1;j=1;k=1;l=1;m=1;n=1;o=1;"
	     "lang=x",
		"n", NULL, "x"},
	};
	struct label out;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		want(label_parse(rows[i].value, &out), "\"%s\"", rows[i].value);
		want(is(&out.purpose, rows[i].purpose) &&
			is(&out.campaign, rows[i].campaign) &&
			is(&out.lang, rows[i].lang),
		    "\"%s\"", rows[i].value);
	}
}

static void
malformed(void **state)
{
	static const char *const rows[] = {"", " ", "\t", ";", "; lang=pl", "=",
	    "=x", "\"newsletter\"", "news letter", "a, b", "a/b", "a@b", "a:b",
	    "a<b>", "a (comment)", "(comment) a", "n;", "n; ", "n;;", "n; lang",
	    "n; lang=", "n; lang= ", "n; =pl", "n; lang=pl;", "n; lang=pl; ",
	    "n; lang=pl x", "n; lang=p,l", "n lang=pl", "n; lang==pl",
	    "n; la ng=pl", "n; lang=pl; lang=de", "n; lang=pl; LANG=pl",
	    "n; x=1; X=1", "n; campaign=\"", "n; campaign=\"a",
	    "n; campaign=\"a\\\"", "n; campaign=\"a\\", "n; campaign=\"a\" b",
	    "n; campaign=\"a\"\"b\"", "n; campaign=\"a\nb\"",
	    "n; campaign=\"a\rb\"", "n; campaign=\"a\\\nb\"", "n; \"lang\"=pl",
	    "n\x01", "n\x7f", "n\x80", "\xc5\xbc", "n; lang=\xc5\xbc",
	    "n; \xc5\xbc=1",
	    "n; a=1;b=1;c=1;d=1;e=1;f=1;g=1;h=1;i=1;j=1;k=1;l=1;m=1;n=1;o=1;"
	    "p=1;q=1"};
	struct label out;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		want(!label_parse(rows[i], &out), "\"%s\"", rows[i]);
}

/* Reading stops at the end of the value, wherever that is. */
static void
every_beginning(void **state)
{
	static const char value[] = "news; campaign=\"a\\\"b c\" ; lang=pl";
	struct label out;

	(void)state;
	for (size_t n = 0; n < sizeof(value); n++) {
		char *copy = strndup(value, n);
		bool ok = label_parse(copy, &out);
		bool whole = (n >= 1 && n <= 4) || n == 23 || n == 24 ||
		    n >= sizeof(value) - 2;

		want(ok == whole, "\"%s\"", copy);
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good),
	    cmocka_unit_test(malformed),
	    cmocka_unit_test(every_beginning),
	};

	return cmocka_run_group_tests_name("label", tests, NULL, NULL);
}
