/* SPDX-License-Identifier: ISC */
/*
 * snippet - a sign-up form for somebody else's page
 *
 * Plain HTML.  What it says is what the form says at that moment, in one
 * language, each text by its number, so that the proof has what was shown
 * however old the copy is.  Its address carries the language on: the page that
 * answers and the mail that asks back are in the language of the form.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "page/compose.h"
#include "page/look.h"
#include "page/share.h"
#include "policy/buf.h"
#include "policy/conf.h"
#include "policy/language.h"
#include "policy/store.h"
#include "proofread.h"

/* The columns of the query below. */
enum { BRAND, PURPOSE, TITLE, BODY, TEXT, VERSION, LANGUAGE, NAME };

static int
read_form(struct ctl *c, const char *slug, const char *language,
    struct pg_rows **rows, struct err *e)
{
	static const struct pg_statement get = {
	    .sql = "SELECT f.brand, f.purpose, f.title, f.body, f.text_id, "
		   "f.version, t.language, p.slug "
		   "FROM assent.form_show($1, $2) WITH ORDINALITY AS f "
		   "(brand, purpose, title, body, text_id, version, n) "
		   "JOIN assent.purpose p ON p.id = f.purpose "
		   "LEFT JOIN assent.purpose_text t ON t.id = f.text_id "
		   "ORDER BY f.n",
	};
	const struct pg_param params[] = {{slug, 0}, {language, 0}};

	if (store_exec(c->store, &get, params, 2, rows, e) != 0)
		return -1;
	if (pg_rows_count(*rows) > 0)
		return 0;
	pg_rows_free(rows);
	return err_set(e, ERR_REFUSED, "there is no open page \"%s\"", slug);
}

/* Whether a purpose's text is in the language `tag`, or another of its kind. */
static bool
speaks(const struct pg_rows *rows, size_t i, const char *tag)
{
	const char *own = pg_rows_text(rows, i, LANGUAGE);

	return !pg_rows_null(rows, i, LANGUAGE) &&
	    language_number(own, strlen(own)) ==
	    language_number(tag, strlen(tag));
}

static json_t *
view_of_one(const struct pg_rows *rows, size_t i, const char *tag)
{
	json_t *one = out_new();

	out_text(one, "id", pg_rows_text(rows, i, PURPOSE));
	out_text(one, "title", pg_rows_text(rows, i, TITLE));
	if (!pg_rows_null(rows, i, BODY)) {
		out_text(one, "body", pg_rows_text(rows, i, BODY));
		out_text(one, "version", pg_rows_text(rows, i, VERSION));
		if (!speaks(rows, i, tag))
			out_text(
			    one, "language", pg_rows_text(rows, i, LANGUAGE));
	}
	return one;
}

/* What the template shows; what is not in its language is told in `lacks`. */
static json_t *
view_of(struct ctl *c, const char *slug, const char *tag,
    const struct pg_rows *rows, json_t *lacks)
{
	json_t *view = out_new(), *list = out_array(view, "purposes");
	struct buf shown = {0}, text = {0};

	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_array_append_new(list, view_of_one(rows, i, tag));
		buf_printf(&shown, "%s:%s,", pg_rows_text(rows, i, PURPOSE),
		    pg_rows_text(rows, i, TEXT));
		if (speaks(rows, i, tag))
			continue;
		buf_printf(&text, "purpose %s has no text in %s",
		    pg_rows_text(rows, i, NAME), tag);
		out_item(lacks, text.data);
		buf_free(&text);
	}
	out_text(view, "brand", pg_rows_text(rows, 0, BRAND));
	out_text(view, "shown", shown.data);
	buf_printf(&text, "%s/s/%s?lang=%s", c->conf->web.base_url, slug, tag);
	out_text(view, "action", text.data);
	buf_free(&shown);
	buf_free(&text);
	return view;
}

/* The form with the words that its page has. */
static int
make(struct ctl *c, const struct share *s, const struct locale *l,
    const char *slug, json_t *out, struct err *e)
{
	const struct look_place place = {.page = slug};
	const char *tag = locale_tag(l);
	json_t *lacks = out_array(out, "lacks"), *view;
	struct composed made = {.trouble = {.text = ""}};
	struct pg_rows *rows = NULL;
	struct look look;
	int rc;

	if (look_read(c->store, &place, part_of(PAGE_SIGN_UP), tag, &look, e) !=
	    0)
		return -1;
	look.template = NULL; /* it is one for whole pages */
	rc = read_form(c, slug, tag, &rows, e);
	if (rc == 0) {
		view = view_of(c, slug, tag, rows, lacks);
		rc = compose(s, l, PAGE_SNIPPET, &look, view, &made, e);
		json_decref(view);
	}
	if (rc == 0) {
		if (made.trouble.text[0] != '\0')
			out_item(lacks, made.trouble.text);
		out_text(out, "page", slug);
		out_text(out, "language", tag);
		out_text(out, "html", made.html.data);
	}
	buf_free(&made.html);
	pg_rows_free(&rows);
	look_free(&look);
	return rc;
}

static enum outcome
run_snippet(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const struct locale *l;
	struct share *s;
	int rc = -1;

	if (ctl_slug("page", a->words[0], e) != 0 || ctl_store(c, e) != 0)
		return OUTCOME_FAILED;
	s = share_load(c->conf->web.share, e);
	if (s == NULL)
		return OUTCOME_FAILED;
	l = proofread_locale(s, a->words[1], e);
	if (l != NULL)
		rc = make(c, s, l, a->words[0], out, e);
	share_free(&s);
	return rc == 0 ? OUTCOME_DONE : OUTCOME_FAILED;
}

static void
print_snippet(const json_t *out)
{
	const json_t *one;
	size_t i;

	fputs(out_get(out, "html"), stdout);
	json_array_foreach(json_object_get(out, "lacks"), i, one)
	    out_error(json_string_value(one));
}

const struct command commands_snippet[] = {
    {
	.name = "page snippet",
	.arguments = "SLUG [LANGUAGE]",
	.summary = "Prints a page's form as HTML for a page of your own",
	.about = "In that language, or else in English; what is missing in it "
		 "is said on standard\nerror.  Reword the labels as you like.",
	.min = 1,
	.max = 2,
	.run = run_snippet,
	.print = print_snippet,
    },
    {0},
};
