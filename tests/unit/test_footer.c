/* SPDX-License-Identifier: ISC */
/*
 * test_footer - placeholders are filled in once, and escaped in HTML
 */
#include "unit.h"

#include "policy/arena.h"
#include "policy/footer.h"

static const struct footer_values values = {
    .unsubscribe_url = "https://o.example/u/T?a&b",
    .preferences_url = "https://o.example/m/T",
    .why_url = "https://o.example/w/T",
    .brand = "A <b> & \"c\" {{why_url}}",
    .purpose = "News",
};

static void
fills(void **state)
{
	static const struct {
		const char *template;
		bool html;
		const char *filled;
	} rows[] = {
	    {"", false, ""},
	    {"plain", false, "plain"},
	    {"{{unsubscribe_url}}", false, "https://o.example/u/T?a&b"},
	    {"<a href=\"{{unsubscribe_url}}\">", true,
		"<a href=\"https://o.example/u/T?a&amp;b\">"},
	    {"{{preferences_url}}{{why_url}}", false,
		"https://o.example/m/Thttps://o.example/w/T"},
	    {"{{purpose}} by {{brand}}.", false,
		"News by A <b> & \"c\" {{why_url}}."},
	    {"{{purpose}} by {{brand}}.", true,
		"News by A &lt;b&gt; &amp; &quot;c&quot; {{why_url}}."},
	    {"{{unknown}} { {{ {{{purpose}}} {{purpose", false,
		"{{unknown}} { {{ {News} {{purpose"},
	    {"zażółć {{purpose}}", true, "zażółć News"},
	};
	struct arena *a = arena_new(1 << 16);

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *filled =
		    footer_fill(a, rows[i].template, rows[i].html, &values);

		want(filled != NULL && strcmp(filled, rows[i].filled) == 0,
		    "row %zu: %s", i, filled);
	}
	arena_free(&a);
}

static void
a_full_arena_is_told(void **state)
{
	struct arena *a = arena_new(16);

	(void)state;
	assert_non_null(a);
	assert_null(footer_fill(
	    a, "{{unsubscribe_url}}{{unsubscribe_url}}", false, &values));
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fills),
	    cmocka_unit_test(a_full_arena_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
