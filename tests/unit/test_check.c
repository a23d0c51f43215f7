/* SPDX-License-Identifier: ISC */
/*
 * test_check - what a page of one's own template may be
 */
#include "unit.h"

#include "page/check.h"
#include "policy/buf.h"

#define FORM                                                                   \
	"<form method=\"post\"><input type=\"hidden\" name=\"via\" "           \
	"value=\"page\"><button type=\"submit\">Stop</button></form>"
#define BOX "<form method=post><input type=checkbox name=on value=1"
#define ADDRESS "<address>a@example.com</address>"
#define TRAP "<p class=trap><input name=website tabindex=-1></p>"

static int
check(const char *own, const char *ours, struct err *e)
{
	struct buf a = {0}, b = {0};
	int rc;

	*e = (struct err){.text = ""};
	buf_puts(&a, own);
	buf_puts(&b, ours);
	rc = check_page(&a, own, &b, e);
	buf_free(&a);
	buf_free(&b);
	return rc;
}

static void
lets_pages_be(void **state)
{
	static const char *const rows[] = {
	    FORM,
	    "<!DOCTYPE html><html lang=en><head><meta charset=utf-8>"
	    "<meta name=viewport content=\"Width=device-width,"
	    "initial-scale=1\"><meta charset=UTF-8><title>x</title><style>x</style>"
	    "</head><body><header>x</header><main><h1>x</h1>" FORM
	    "</main></body></html>",
	    "<p class=\"a traps\" aria-hidden=false>" FORM,
	    "<FORM METHOD=POST><div><INPUT VALUE=page NAME=via TYPE=hidden>"
	    "<p><button type=submit>Stop</button></div></FORM>",
	    "<!-- <script> -->" FORM,
	    FORM "<a href=\"https://example.com/\"></a><a href=x></a>"
		 "<a href=\"#x\"></a><a href=\"mailto:a@b.test\"></a>"
		 "<a href=\"?a:b\"></a><a href=\"\"></a>",
	    FORM "<img src=\"data:image/png;base64,AA==\" alt=x>",
	    FORM "<table><tr><td colspan=2>x</table>",
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		want(check(rows[i], FORM, &e) == 0, "row %zu: %s", i, e.text);
}

static void
refuses_pages(void **state)
{
	static const struct {
		const char *own, *why;
	} rows[] = {
	    {"", "lacks what"},
	    {"x", "lacks what ours has in form 1: <button> submit "},
	    {"<!-- " FORM " -->", "lacks what"},
	    {"<div class=\"x trap\">" FORM "</div>", "lacks what"},
	    {"<div class=\"x\tTRAP\">" FORM "</div>", "lacks what"},
	    {"<div aria-hidden=true>" FORM "</div>", "lacks what"},
	    {"<form method=post></form>" FORM, "lacks what"},
	    {"<form method=post><input type=hidden name=via value=page></form>"
	     "<button type=submit>Stop</button>",
		"lacks what"},
	    {"<form method=post><input type=hidden name=via value=page>"
	     "<button type=submit disabled>Stop</button></form>",
		"lacks what"},
	    {"<form method=post><input type=hidden name=via value=page>"
	     "<button type=submit tabindex=-1>Stop</button></form>",
		"lacks what"},
	    {"<form method=post><input type=hidden name=via value=x>"
	     "<button type=submit>Stop</button></form>",
		"lacks what"},
	    {"<form method=post><input type=hidden name=via value=page>"
	     "<button type=submit>Stay</button></form>",
		"lacks what"},
	    {"<form method=post><input type=hidden name=via value=page>"
	     "<button type=submit><b></b>Stop</button></form>",
		"lacks what"},
	    {FORM "<address>x@example.com</address>",
		"has more than ours has in its text: <address>"},
	    {FORM FORM, "more than ours has in form 2: <button>"},
	    {FORM "<form method=post><textarea name=q></textarea></form>",
		"more than ours has in form 2: <textarea>"},
	    {FORM "\n<script>x</script>", "line 2 of the page: <script> is not"},
	    {"<script>" FORM "</script>", "<script> is not"},
	    {"<noscript>" FORM "</noscript>", "<noscript> is not"},
	    {"<svg>" FORM "</svg>", "is not allowed"},
	    {"<math><mi>" FORM, "<math> is not"},
	    {"<template>" FORM "</template>", "<template> is not"},
	    {"<details>" FORM "</details>", "<details> is not"},
	    {"<dialog>" FORM "</dialog>", "is not allowed"},
	    {FORM "<iframe>", "<iframe> is not"},
	    {FORM "<link rel=stylesheet href=x>", "<link> is not"},
	    {FORM "<x-y>", "is not allowed"},
	    {"<base href=\"https://x.example\">" FORM, "<base> is not"},
	    {"<meta http-equiv=refresh content=0>" FORM, "charset=utf-8 and view"},
	    {"<meta charset=latin1>" FORM, "may say charset=utf-8"},
	    {"<meta charset=utf-8 name=referrer content=unsafe-url>" FORM,
		"zooming"},
	    {"<meta name=viewport content=user-scalable=no>" FORM,
		"zooming: write content="},
	    {"<meta name=viewport content=\"width=device-width, "
	     "maximum-scale=1\">" FORM,
		"zooming"},
	    {"\n<meta name=viewport content=initial-scale=2>" FORM,
		"line 2 of the page: <meta> keeps"},
	    {FORM "<style>a</style><style>form{}</style>", "the program's"},
	    {FORM "<p style=\"display:none\">", "may not have style"},
	    {FORM "<p hidden>", "may not have hidden"},
	    {FORM "<p OnClick=x>", "may not have onclick"},
	    {FORM "<img src=https://x.example>", "loads something"},
	    {FORM "<img srcset=x>", "may not have srcset"},
	    {FORM "<img src=\"data:image/svg+xml;base64,AA\">", "loads something"},
	    {FORM "<form method=post action=x></form>", "may not have action"},
	    {FORM "<form></form>", "needs method=post"},
	    {FORM "<form method=get></form>", "needs method=post"},
	    {"<form method=post><input type=hidden name=via value=page>"
	     "<button type=submit formaction=x></button></form>",
		"may not have formaction"},
	    {FORM "<a href=\"javascript:x\"></a>", "leads to no page"},
	    {FORM "<a href=\"JAVASCRIPT:x\"></a>", "leads to no page"},
	    {FORM "<a href=\"java&#10;script:x\"></a>", "leads to no page"},
	    {FORM "<a href=\" javascript:x\"></a>", "leads to no page"},
	    {FORM "<a href=\"data:text/html,x\"></a>", "leads to no page"},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		want(check(rows[i].own, FORM, &e) != 0, "row %zu is let be", i);
		want(strstr(e.text, rows[i].why) != NULL, "row %zu: %s", i,
		    e.text);
	}
}

/* No box is ticked that ours leaves empty, and what stands in a field is
 * nobody's to read. */
static void
holds_fields_against_ours(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(check(BOX "></form>", BOX "></form>", &e), 0);
	assert_int_equal(
	    check(BOX " checked></form>", BOX " checked></form>", &e), 0);
	assert_int_equal(check(BOX " checked></form>", BOX "></form>", &e), -1);
	assert_int_equal(check(BOX "></form>", BOX " checked></form>", &e), -1);
	assert_int_equal(check(TRAP, TRAP, &e), 0);
	assert_int_equal(check("<p>" TRAP, TRAP, &e), 0);
	assert_int_equal(check("<input name=website tabindex=-1>", TRAP, &e),
	    -1);
	assert_int_equal(check("<p>" ADDRESS "</p>", ADDRESS, &e), 0);
	assert_int_equal(check("<div class=trap>" ADDRESS, ADDRESS, &e), -1);
	assert_int_equal(check("<address>b@example.com</address>", ADDRESS, &e),
	    -1);
	assert_int_equal(check("<address></address>", "", &e), 0);
	assert_int_equal(check("", ADDRESS, &e), -1);
	want(strstr(e.text, "lacks what ours has in its text: <address>") !=
		NULL,
	    "%s", e.text);
	assert_int_equal(check(FORM,
			     "<form method=post><input type=email name=address "
			     "value=\"ann@example.com\"></form>",
			     &e),
	    -1);
	want(strstr(e.text, "ann") == NULL, "%s", e.text);
}

/* What is the program's own may be in a link, and what is written out. */
static void
lets_nothing_into_links(void **state)
{
	static const struct {
		const char *template, *own, *ours;
		bool good;
	} rows[] = {
	    {"<a href=\"https://x.example/?a=1&amp;b\">",
		"<a href=\"https://x.example/?a=1&amp;b\">", "", true},
	    {"<a href=\"{{preferences}}\">", "<a href=\"../m/x\">",
		"<a href=\"../m/x\">", true},
	    {"<a href=\"{{preferences}}\">", "<a href=\"../m/x\">", "", false},
	    {"<a href=\"?{{address}}\">", "<a href=\"?a@b.test\">", "", false},
	    {"{{=<% %>=}}<a href=\"?<%address%>\">", "<a href=\"?a@b.test\">",
		"", false},
	    {"<a {{#known}}href=\"?{{address}}\"{{/known}}>",
		"<a href=\"?a@b.test\">", "", false},
	};
	struct buf own, ours;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		own = ours = (struct buf){0};
		buf_puts(&own, rows[i].own);
		buf_puts(&ours, rows[i].ours);
		want((check_page(&own, rows[i].template, &ours, &e) == 0) ==
			rows[i].good,
		    "row %zu: %s", i, e.text);
		want(rows[i].good || strstr(e.text, "a@b") == NULL, "%s",
		    e.text);
		buf_free(&own);
		buf_free(&ours);
	}
}

static void
looks_at_templates(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
	    {"{{>top}}<a href=\"https://x.example\">{{address}}</a>", NULL},
	    {"<a href=\"{{preferences}}\">", NULL},
	    {"<!-- <a href=\"{{address}}\"> -->", NULL},
	    {"{{>top}}\n<p>\n<a class=x href=\"https://x.example/{{address}}\">",
		"line 3: <a> has something filled into its link"},
	    {"<a href='{{preferences}}?{{address}}'>", "line 1: <a> has some"},
	    {"\n<meta charset=iso-8859-2>", "line 2: <meta> may say"},
	    {"{{#known}}<meta name=viewport content=maximum-scale=1>{{/known}}",
		"line 1: <meta> keeps people from zooming"},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int rc = check_template(rows[i].text, &e);

		want((rc == 0) == (rows[i].why == NULL) &&
			(rc == 0 || strstr(e.text, rows[i].why) != NULL),
		    "row %zu: %s", i, e.text);
	}
}

static void
bounds_itself(void **state)
{
	struct buf own = {0}, ours = {0};
	struct err e;

	(void)state;
	for (int i = 0; i < 600; i++)
		buf_puts(&own, "<div>");
	buf_puts(&own, FORM);
	buf_puts(&ours, FORM);
	assert_int_equal(check_page(&own, "", &ours, &e), -1);
	buf_free(&own);
	for (int i = 0; i < 2000; i++)
		buf_puts(&own, FORM);
	assert_int_equal(check_page(&own, "", &ours, &e), -1);
	buf_free(&own);
	for (int i = 0; i < 200000; i++)
		buf_puts(&own, "<b>");
	assert_int_equal(check_page(&own, "", &ours, &e), -1);
	want(strstr(e.text, "too large or too deep") != NULL, "%s", e.text);
	buf_free(&own);
	buf_free(&ours);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lets_pages_be),
	    cmocka_unit_test(refuses_pages),
	    cmocka_unit_test(holds_fields_against_ours),
	    cmocka_unit_test(lets_nothing_into_links),
	    cmocka_unit_test(looks_at_templates),
	    cmocka_unit_test(bounds_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
