/* SPDX-License-Identifier: ISC */
/*
 * brand - who speaks
 *
 * A brand is only ever added here: purposes and consents rest on it.
 */
#include <stdio.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/store.h"

static enum outcome
run_add(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement add = {
	    .name = "brand add",
	    .sql = "SELECT assent.brand_add($1, $2)",
	};
	const char *slug = a->words[0], *name = args_value(a, "name");
	const struct pg_param params[] = {{slug, 0}, {name, 0}};

	if (name == NULL || name[0] == '\0') {
		err_set(e, ERR_REFUSED, "brand add needs --name TEXT");
		return OUTCOME_USAGE;
	}
	if (ctl_slug("brand", slug, e) != 0 || ctl_store(c, e) != 0 ||
	    store_exec(c->store, &add, params, 2, NULL, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "brand", slug);
	out_text(out, "name", name);
	return OUTCOME_DONE;
}

static void
print_add(const json_t *out)
{
	printf("brand %s added\n", out_get(out, "brand"));
}

static enum outcome
run_list(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement list = {
	    .sql = "SELECT slug, name FROM assent.brand ORDER BY slug",
	};
	struct pg_rows *rows;
	json_t *brands;

	(void)a;
	if (ctl_store(c, e) != 0 ||
	    store_exec(c->store, &list, NULL, 0, &rows, e) != 0)
		return OUTCOME_FAILED;
	brands = out_array(out, "brands");
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_t *brand = out_object(brands);

		out_text(brand, "brand", pg_rows_text(rows, i, 0));
		out_text(brand, "name", pg_rows_text(rows, i, 1));
	}
	pg_rows_free(&rows);
	return OUTCOME_DONE;
}

static void
print_list(const json_t *out)
{
	static const struct out_column columns[] = {
	    {"brand", "BRAND"},
	    {"name", "NAME"},
	};

	out_table(json_object_get(out, "brands"), columns, 2);
}

const struct command commands_brand[] = {
    {
	.name = "brand add",
	.arguments = "SLUG --name TEXT",
	.summary = "Adds a brand: who speaks",
	.min = 1,
	.max = 1,
	.options =
	    {
		{"name", "TEXT", "its name, as people know it"},
	    },
	.in_batch = true,
	.run = run_add,
	.print = print_add,
    },
    {
	.name = "brand list",
	.arguments = "",
	.summary = "Lists the brands",
	.run = run_list,
	.print = print_list,
    },
    {0},
};
