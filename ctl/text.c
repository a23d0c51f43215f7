/* SPDX-License-Identifier: ISC */
/*
 * text - what people read when they agree to a purpose
 *
 * Only ever added: a new text is the next version of its language.
 */
#include <stdio.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/store.h"

static int
add(struct ctl *c, const struct store_purpose *p, const struct args *a,
    long long *version, struct err *e)
{
	static const struct pg_statement st = {
	    .sql = "SELECT assent.text_add($1::text::int, $2, $3, $4)",
	};
	char number[8];
	const struct pg_param params[] = {
	    {number, 0},
	    {a->words[1], 0},
	    {args_value(a, "title"), 0},
	    {args_value(a, "body"), 0},
	};
	struct pg_rows *rows;

	snprintf(number, sizeof(number), "%u", p->id);
	if (store_exec(c->store, &st, params, 4, &rows, e) != 0)
		return -1;
	*version = pg_rows_int(rows, 0, 0);
	pg_rows_free(&rows);
	return 0;
}

static enum outcome
run_add(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *title = args_value(a, "title");
	const char *body = args_value(a, "body");
	struct store_purpose p;
	long long version;

	if (title == NULL || title[0] == '\0' || body == NULL ||
	    body[0] == '\0') {
		err_set(e, ERR_REFUSED,
		    "purpose text add needs --title and --body");
		return OUTCOME_USAGE;
	}
	if (ctl_language(a->words[1], e) != 0 ||
	    ctl_legible("title", title, e) != 0 ||
	    ctl_legible("body", body, e) != 0 ||
	    ctl_purpose(c, a->words[0], &p, e) != 0 ||
	    add(c, &p, a, &version, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "purpose", ctl_purpose_name(c, &p));
	out_text(out, "language", a->words[1]);
	out_int(out, "version", version);
	return OUTCOME_DONE;
}

static void
print_add(const json_t *out)
{
	printf("%s: version %lld (%s) added\n", out_get(out, "purpose"),
	    (long long)json_integer_value(json_object_get(out, "version")),
	    out_get(out, "language"));
}

static enum outcome
run_list(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement list = {
	    .sql = "SELECT language, title, body, version, "
		   "floor(extract(epoch FROM created_at)) "
		   "FROM assent.purpose_text WHERE purpose_id = $1::text::int "
		   "ORDER BY language, version DESC",
	};
	static const char *const keys[] = {"language", "title", "body"};
	struct store_purpose p;
	struct pg_rows *rows;
	char number[8];
	const struct pg_param params[] = {{number, 0}};
	json_t *texts;

	if (ctl_purpose(c, a->words[0], &p, e) != 0)
		return OUTCOME_FAILED;
	snprintf(number, sizeof(number), "%u", p.id);
	if (store_exec(c->store, &list, params, 1, &rows, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "purpose", ctl_purpose_name(c, &p));
	texts = out_array(out, "texts");
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_t *one = out_object(texts);

		for (size_t k = 0; k < 3; k++)
			out_text(one, keys[k], pg_rows_text(rows, i, k));
		out_int(one, "version", pg_rows_int(rows, i, 3));
		out_time(one, "created", pg_rows_int(rows, i, 4));
	}
	pg_rows_free(&rows);
	return OUTCOME_DONE;
}

static void
print_list(const json_t *out)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(out, "texts"), i, one)
	{
		printf("%s version %lld, %s\n  ", out_get(one, "language"),
		    (long long)json_integer_value(
			json_object_get(one, "version")),
		    out_get(one, "created"));
		out_print(out_get(one, "title"));
		printf("\n  ");
		out_print(out_get(one, "body"));
		putchar('\n');
	}
	if (i == 0)
		puts("no text yet");
}

const struct command commands_text[] = {
    {
	.name = "purpose text add",
	.arguments = "PURPOSE LANGUAGE",
	.summary = "Adds a text, or its next version",
	.min = 2,
	.max = 2,
	.options =
	    {
		{"title", "TEXT", "the title, as people read it"},
		{"body", "TEXT", "what they agree to"},
	    },
	.run = run_add,
	.print = print_add,
    },
    {
	.name = "purpose text list",
	.arguments = "PURPOSE",
	.summary = "Lists the texts, the newest of a language first",
	.min = 1,
	.max = 1,
	.run = run_list,
	.print = print_list,
    },
    {0},
};
