/* SPDX-License-Identifier: ISC */
/*
 * footer - what messages say at their end
 *
 * One for each purpose and language; without a purpose, everybody's.  Which
 * one a message gets is SQL's to say (assent.footers).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/language.h"
#include "policy/store.h"

enum { FOOTER_MAX = 8192 };

/* Which footer a command is about, as parameters for SQL. */
struct place {
	const char *language, *name; /* name: of the purpose, or NULL */
	const char *purpose;	     /* its number, or NULL */
	char number[8];
};

static int
find_place(struct ctl *c, const struct args *a, struct place *at, struct err *e)
{
	struct store_purpose p;

	*at = (struct place){.language = a->words[0]};
	if (ctl_language(at->language, e) != 0)
		return -1;
	if (language_number(at->language, strlen(at->language)) ==
	    LANGUAGE_NONE)
		return err_set(e, ERR_REFUSED,
		    "language \"%s\" is none that a permit can name",
		    at->language);
	if (a->words[1] == NULL)
		return ctl_store(c, e);
	if (ctl_purpose(c, a->words[1], &p, e) != 0)
		return -1;
	at->name = ctl_purpose_name(c, &p);
	snprintf(at->number, sizeof(at->number), "%u", p.id);
	at->purpose = at->number;
	return 0;
}

static void
add_place(const struct place *at, json_t *out)
{
	out_text(out, "language", at->language);
	out_text(out, "purpose", at->name);
}

static const char *
place_name(const json_t *out)
{
	const char *name = out_get(out, "purpose");

	return name[0] == '\0' ? "everybody" : name;
}

/* A file's text in the command's arena; NULL and `e`. */
static const char *
read_file(struct ctl *c, const char *path, struct err *e)
{
	char text[FOOTER_MAX + 1];
	FILE *f = fopen(path, "re");
	const char *copy;
	size_t n;

	if (f == NULL) {
		err_set(e, ERR_REFUSED, "%s: %s", path, strerror(errno));
		return NULL;
	}
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (n > FOOTER_MAX || memchr(text, '\0', n) != NULL) {
		err_set(e, ERR_REFUSED,
		    "%s: a footer is a text of at most %d octets", path,
		    FOOTER_MAX);
		return NULL;
	}
	copy = arena_strndup(c->arena, text, n);
	if (copy == NULL)
		err_set(e, ERR_FATAL, "%s: out of memory", path);
	else if (strstr(copy, "{{unsubscribe_url}}") == NULL) {
		err_set(e, ERR_REFUSED,
		    "%s: a footer without {{unsubscribe_url}} lets nobody "
		    "leave",
		    path);
		return NULL;
	}
	return copy;
}

static enum outcome
run_set(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement set = {
	    .sql = "SELECT assent.footer_set($1::text::int, $2, $3, $4)",
	};
	const char *text = args_value(a, "text"), *html = args_value(a, "html");
	struct place at;

	if (text == NULL || html == NULL) {
		err_set(e, ERR_REFUSED, "footer set needs --text and --html");
		return OUTCOME_USAGE;
	}
	text = read_file(c, text, e);
	if (text != NULL)
		html = read_file(c, html, e);
	if (text == NULL || html == NULL || find_place(c, a, &at, e) != 0)
		return OUTCOME_FAILED;
	const struct pg_param params[] = {
	    {at.purpose, 0}, {at.language, 0}, {text, 0}, {html, 0}};
	if (store_exec(c->store, &set, params, 4, NULL, e) != 0)
		return OUTCOME_FAILED;
	add_place(&at, out);
	return OUTCOME_DONE;
}

static void
print_set(const json_t *out)
{
	printf("footer for %s (%s) set: milters take it up within a minute\n",
	    place_name(out), out_get(out, "language"));
}

static enum outcome
run_remove(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement drop = {
	    .sql = "SELECT assent.footer_remove($1::text::int, $2)",
	};
	struct pg_rows *rows;
	struct place at;
	bool was;

	if (find_place(c, a, &at, e) != 0)
		return OUTCOME_FAILED;
	const struct pg_param params[] = {{at.purpose, 0}, {at.language, 0}};
	if (store_exec(c->store, &drop, params, 2, &rows, e) != 0)
		return OUTCOME_FAILED;
	was = pg_rows_text(rows, 0, 0)[0] == 't';
	pg_rows_free(&rows);
	if (!was) {
		err_set(e, ERR_REFUSED, "there is no footer for %s in %s",
		    at.name == NULL ? "everybody" : at.name, at.language);
		return OUTCOME_FAILED;
	}
	add_place(&at, out);
	return OUTCOME_DONE;
}

static void
print_remove(const json_t *out)
{
	printf("footer for %s (%s) removed\n", place_name(out),
	    out_get(out, "language"));
}

/* Those on record or, of a purpose, those that its messages get. */
static enum outcome
run_show(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement own = {
	    .sql = "SELECT language, text, html, "
		   "assent.purpose_name(purpose_id) FROM assent.footer "
		   "ORDER BY 4 NULLS FIRST, 1",
	};
	static const struct pg_statement of = {
	    .sql = "SELECT language, text, html, "
		   "assent.purpose_name($1::text::int) "
		   "FROM assent.footers($1::text::int) ORDER BY 1",
	};
	static const char *const keys[] = {
	    "language", "text", "html", "purpose"};
	struct store_purpose p;
	struct pg_rows *rows;
	char number[8];
	const struct pg_param params[] = {{number, 0}};
	bool named = a->words[0] != NULL;
	json_t *list;

	if (named ? ctl_purpose(c, a->words[0], &p, e) : ctl_store(c, e))
		return OUTCOME_FAILED;
	snprintf(number, sizeof(number), "%u", named ? p.id : 0);
	if (store_exec(c->store, named ? &of : &own, params, named ? 1 : 0,
		&rows, e) != 0)
		return OUTCOME_FAILED;
	list = out_array(out, "footers");
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_t *one = out_object(list);

		for (size_t k = 0; k < 4; k++)
			out_text(one, keys[k],
			    pg_rows_null(rows, i, k)
				? NULL
				: pg_rows_text(rows, i, k));
	}
	pg_rows_free(&rows);
	return OUTCOME_DONE;
}

static void
print_show(const json_t *out)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(out, "footers"), i, one)
	{
		printf("%s%s, %s, text:\n", i == 0 ? "" : "\n", place_name(one),
		    out_get(one, "language"));
		out_print(out_get(one, "text"));
		printf("\n%s, %s, HTML:\n", place_name(one),
		    out_get(one, "language"));
		out_print(out_get(one, "html"));
		putchar('\n');
	}
}

const struct command commands_footer[] = {
    {
	.name = "footer set",
	.arguments = "LANGUAGE [PURPOSE]",
	.summary = "Sets what messages say at their end",
	.about =
	    "Holds for PURPOSE and all below it, where nothing nearer does; "
	    "of a brand's\npurpose \"all\", for the brand; without PURPOSE, "
	    "for everybody.  In the files,\n{{unsubscribe_url}}, "
	    "{{preferences_url}}, {{why_url}}, {{brand}} and {{purpose}}\nare "
	    "filled in.",
	.min = 1,
	.max = 2,
	.options =
	    {
		{"text", "FILE", "the footer of plain text"},
		{"html", "FILE", "the footer of HTML"},
	    },
	.run = run_set,
	.print = print_set,
    },
    {
	.name = "footer show",
	.arguments = "[PURPOSE]",
	.summary = "Shows the footers on record, or those that PURPOSE gets",
	.max = 1,
	.run = run_show,
	.print = print_show,
    },
    {
	.name = "footer remove",
	.arguments = "LANGUAGE [PURPOSE]",
	.summary = "Removes a footer: what is above holds again",
	.min = 1,
	.max = 2,
	.run = run_remove,
	.print = print_remove,
    },
    {0},
};
