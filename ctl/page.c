/* SPDX-License-Identifier: ISC */
/*
 * page - the sign-up forms that people are shown
 *
 * A form is closed, never removed: the ledger says by which one somebody
 * signed up.  Its snippet is plain HTML for somebody else's page; what it says
 * is what the form says at that moment, each text by its number, so that the
 * proof has what was shown however old the copy is.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/buf.h"
#include "policy/conf.h"
#include "policy/store.h"

/* The purposes that were named, as PostgreSQL's array, in the command's arena;
 * "" for none, NULL and `e` when one cannot be a name. */
static const char *
read_purposes(struct ctl *c, const struct args *a, struct err *e)
{
	const char *list = "";

	for (size_t i = 0; i < a->n_repeats; i++) {
		if (ctl_slug("purpose", a->repeats[i], e) != 0)
			return NULL;
		list = arena_printf(c->arena, "%s%c%s", list,
		    i == 0 ? '{' : ',', a->repeats[i]);
		if (list == NULL)
			break;
	}
	if (list != NULL && list[0] != '\0')
		list = arena_printf(c->arena, "%s}", list);
	if (list == NULL)
		err_set(e, ERR_FATAL, "out of memory");
	return list;
}

static const char *
address_of(struct ctl *c, const char *slug)
{
	return arena_printf(c->arena, "%s/s/%s", c->conf->web.base_url, slug);
}

static enum outcome
run_add(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement add = {
	    .sql = "SELECT assent.form_add($1, $2, $3::text[])",
	};
	const char *slug = a->words[1], *brand = args_value(a, "brand");
	const char *purposes;

	if (strcmp(a->words[0], "sign-up") != 0) {
		err_set(e, ERR_REFUSED, "\"%s\" is no kind of page: sign-up is",
		    a->words[0]);
		return OUTCOME_USAGE;
	}
	if (brand == NULL || a->n_repeats == 0) {
		err_set(e, ERR_REFUSED,
		    "page add needs --brand BRAND and --purpose PURPOSE");
		return OUTCOME_USAGE;
	}
	purposes = read_purposes(c, a, e);
	const struct pg_param params[] = {{slug, 0}, {brand, 0}, {purposes, 0}};
	if (purposes == NULL || ctl_slug("page", slug, e) != 0 ||
	    ctl_store(c, e) != 0 ||
	    store_exec(c->store, &add, params, 3, NULL, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "page", slug);
	out_text(out, "address", address_of(c, slug));
	return OUTCOME_DONE;
}

static void
print_add(const json_t *out)
{
	printf("page %s added: %s\n", out_get(out, "page"),
	    out_get(out, "address"));
}

static enum outcome
run_edit(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement edit = {
	    .sql = "SELECT assent.form_edit($1, $2::text[], "
		   "$3::text::boolean)",
	};
	const char *open = args_value(a, "open");
	const char *purposes = read_purposes(c, a, e);
	const struct pg_param params[] = {{a->words[0], 0},
	    {a->n_repeats == 0 ? NULL : purposes, 0}, {open, 0}};

	if (open == NULL && a->n_repeats == 0) {
		err_set(e, ERR_REFUSED,
		    "page edit needs --purpose PURPOSE or --open yes|no");
		return OUTCOME_USAGE;
	}
	if (open != NULL && strcmp(open, "yes") != 0 &&
	    strcmp(open, "no") != 0) {
		err_set(e, ERR_REFUSED, "--open \"%s\" is neither yes nor no",
		    open);
		return OUTCOME_USAGE;
	}
	if (purposes == NULL || ctl_store(c, e) != 0 ||
	    store_exec(c->store, &edit, params, 3, NULL, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "page", a->words[0]);
	return OUTCOME_DONE;
}

static void
print_edit(const json_t *out)
{
	printf("page %s changed\n", out_get(out, "page"));
}

static enum outcome
run_list(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement list = {
	    .sql = "SELECT f.slug, b.slug, (SELECT string_agg(p.slug, ',' "
		   "ORDER BY u.n) FROM unnest(f.purposes) WITH ORDINALITY "
		   "AS u (id, n) JOIN assent.purpose p ON p.id = u.id), f.open "
		   "FROM assent.form f "
		   "JOIN assent.brand b ON b.id = f.brand_id ORDER BY f.slug",
	};
	static const char *const keys[] = {"page", "brand", "purposes"};
	struct pg_rows *rows;
	json_t *pages;

	(void)a;
	if (ctl_store(c, e) != 0 ||
	    store_exec(c->store, &list, NULL, 0, &rows, e) != 0)
		return OUTCOME_FAILED;
	pages = out_array(out, "pages");
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_t *one = out_object(pages);
		bool open = pg_rows_text(rows, i, 3)[0] == 't';

		for (size_t k = 0; k < 3; k++)
			out_text(one, keys[k], pg_rows_text(rows, i, k));
		out_text(one, "kind", "sign-up");
		out_text(one, "open", open ? "yes" : "no");
		out_text(
		    one, "address", address_of(c, pg_rows_text(rows, i, 0)));
	}
	pg_rows_free(&rows);
	return OUTCOME_DONE;
}

static void
print_list(const json_t *out)
{
	static const struct out_column columns[] = {
	    {"page", "PAGE"},
	    {"kind", "KIND"},
	    {"brand", "BRAND"},
	    {"purposes", "PURPOSES"},
	    {"open", "OPEN"},
	    {"address", "ADDRESS"},
	};

	out_table(json_object_get(out, "pages"), columns,
	    sizeof(columns) / sizeof(columns[0]));
}

static void
put_escaped(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '&':
			buf_puts(b, "&amp;");
			break;
		case '<':
			buf_puts(b, "&lt;");
			break;
		case '>':
			buf_puts(b, "&gt;");
			break;
		case '"':
			buf_puts(b, "&quot;");
			break;
		default:
			buf_add(b, text, 1);
		}
}

/* The form of the rows, as web/templates/sign-up.mustache has it. */
static void
put_form(struct buf *b, const char *address, const struct pg_rows *rows)
{
	buf_printf(b, "<form method=\"post\" action=\"%s\">\n", address);
	buf_puts(b, "<input type=\"hidden\" name=\"shown\" value=\"");
	for (size_t i = 0; i < pg_rows_count(rows); i++)
		buf_printf(b, "%s:%s,", pg_rows_text(rows, i, 0),
		    pg_rows_text(rows, i, 3));
	buf_puts(b,
	    "\">\n<p><label>Your email address <input type=\"email\" "
	    "name=\"address\" autocomplete=\"email\" required></label></p>\n");
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		buf_printf(b,
		    "<p><label><input type=\"checkbox\" name=\"on\" "
		    "value=\"%s\"> <b>",
		    pg_rows_text(rows, i, 0));
		put_escaped(b, pg_rows_text(rows, i, 1));
		buf_puts(b, "</b></label>");
		if (!pg_rows_null(rows, i, 2)) {
			buf_puts(b, "<br>\n");
			put_escaped(b, pg_rows_text(rows, i, 2));
		}
		buf_puts(b, "</p>\n");
	}
	buf_puts(b,
	    "<p style=\"position: absolute; left: -100vw\" "
	    "aria-hidden=\"true\"><input name=\"website\" tabindex=\"-1\" "
	    "autocomplete=\"off\"></p>\n"
	    "<p><button type=\"submit\">Sign up</button></p>\n</form>\n");
}

static enum outcome
run_snippet(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement get = {
	    .sql = "SELECT purpose, title, body, text_id "
		   "FROM assent.form_show($1, $2)",
	};
	const char *language = a->words[1] == NULL ? "en" : a->words[1];
	const struct pg_param params[] = {{a->words[0], 0}, {language, 0}};
	struct pg_rows *rows = NULL;
	struct buf html = {0};
	enum outcome rc = OUTCOME_FAILED;

	if (ctl_language(language, e) != 0 || ctl_store(c, e) != 0 ||
	    store_exec(c->store, &get, params, 2, &rows, e) != 0)
		return rc;
	put_form(&html, address_of(c, a->words[0]), rows);
	if (pg_rows_count(rows) == 0) {
		err_set(e, ERR_REFUSED, "there is no open page \"%s\"",
		    a->words[0]);
	} else if (buf_failed(&html)) {
		err_set(e, ERR_FATAL, "out of memory");
	} else {
		out_text(out, "page", a->words[0]);
		out_text(out, "html", html.data);
		rc = OUTCOME_DONE;
	}
	buf_free(&html);
	pg_rows_free(&rows);
	return rc;
}

static void
print_snippet(const json_t *out)
{
	fputs(out_get(out, "html"), stdout);
}

#define PURPOSE                                                                \
	{                                                                      \
		"purpose", "PURPOSE", "one that it offers; may be repeated"    \
	}

const struct command commands_page[] = {
    {
	.name = "page add",
	.arguments = "sign-up SLUG",
	.summary = "Adds a page on which people sign up",
	.about = "The brand, or a company above it, needs a sender: brand edit "
		 "--sender.",
	.min = 2,
	.max = 2,
	.options = {{"brand", "BRAND", "whose it is"}, PURPOSE},
	.repeats = "purpose",
	.run = run_add,
	.print = print_add,
    },
    {
	.name = "page edit",
	.arguments = "SLUG",
	.summary = "Changes what a page offers, or closes it",
	.min = 1,
	.max = 1,
	.options = {PURPOSE, {"open", "yes|no", "whether it is to be found"}},
	.repeats = "purpose",
	.run = run_edit,
	.print = print_edit,
    },
    {
	.name = "page list",
	.arguments = "",
	.summary = "Lists the pages, and where they are",
	.run = run_list,
	.print = print_list,
    },
    {
	.name = "page snippet",
	.arguments = "SLUG [LANGUAGE]",
	.summary = "Prints a page's form as HTML for a page of your own",
	.about = "Without a language its texts are in English; reword the rest "
		 "as you like.",
	.min = 1,
	.max = 2,
	.run = run_snippet,
	.print = print_snippet,
    },
    {0},
};
