/* SPDX-License-Identifier: ISC */
/*
 * snippet - a sign-up form for somebody else's page
 *
 * Plain HTML.  What it says is what the form says at that moment, each text by
 * its number, so that the proof has what was shown however old the copy is.
 */
#include <stdio.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/buf.h"
#include "policy/conf.h"
#include "policy/store.h"

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
	put_form(&html,
	    arena_printf(
		c->arena, "%s/s/%s", c->conf->web.base_url, a->words[0]),
	    rows);
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

const struct command commands_snippet[] = {
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
