/* SPDX-License-Identifier: ISC */
/*
 * brand - who speaks
 *
 * A brand is added and edited, never removed: purposes and consents rest on it.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/addr.h"
#include "policy/store.h"

static enum outcome
run_add(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement add = {
	    .name = "brand add",
	    .sql = "SELECT assent.brand_add($1, $2, $3)",
	};
	const char *slug = a->words[0], *name = args_value(a, "name");
	const char *parent = args_value(a, "parent");
	const struct pg_param params[] = {{slug, 0}, {name, 0}, {parent, 0}};

	if (name == NULL || name[0] == '\0') {
		err_set(e, ERR_REFUSED, "brand add needs --name TEXT");
		return OUTCOME_USAGE;
	}
	if (ctl_slug("brand", slug, e) != 0 || ctl_store(c, e) != 0 ||
	    store_exec(c->store, &add, params, 3, NULL, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "brand", slug);
	out_text(out, "name", name);
	out_text(out, "parent", parent);
	return OUTCOME_DONE;
}

static void
print_add(const json_t *out)
{
	printf("brand %s added\n", out_get(out, "brand"));
}

static int
check_sender(struct ctl *c, const char *text, struct err *e)
{
	struct addr address;

	if (addr_parse(c->arena, text, strlen(text), &address, e) != 0)
		return err_prefix(e, "--sender \"%s\"", text);
	return 0;
}

static enum outcome
run_edit(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement edit = {
	    .sql = "SELECT assent.brand_edit($1, $2, $3, $4)",
	};
	const char *name = args_value(a, "name");
	const char *sender = args_value(a, "sender");
	const char *parent = args_value(a, "parent");
	bool none = parent != NULL && strcmp(parent, "none") == 0;
	const struct pg_param params[] = {
	    {a->words[0], 0}, {name, 0}, {none ? "" : parent, 0}, {sender, 0}};
	long long permits = 0;

	if (name == NULL && parent == NULL && sender == NULL) {
		err_set(e, ERR_REFUSED,
		    "brand edit needs --name TEXT, --parent BRAND or "
		    "--sender ADDRESS");
		return OUTCOME_USAGE;
	}
	if ((sender != NULL && check_sender(c, sender, e) != 0) ||
	    ctl_store(c, e) != 0 ||
	    store_exec(c->store, &edit, params, 4, NULL, e) != 0 ||
	    ctl_repack(c, &permits, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "brand", a->words[0]);
	out_int(out, "permits", permits);
	return OUTCOME_DONE;
}

static void
print_edit(const json_t *out)
{
	printf("brand %s changed, and %lld permits with it\n",
	    out_get(out, "brand"),
	    (long long)json_integer_value(json_object_get(out, "permits")));
}

static enum outcome
run_list(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement list = {
	    .sql = "WITH RECURSIVE tree AS ("
		   "SELECT id, slug, name, NULL::text AS parent, "
		   "ARRAY[slug::text] AS path FROM assent.brand "
		   "WHERE parent_id IS NULL "
		   "UNION ALL SELECT b.id, b.slug, b.name, t.slug, "
		   "path || b.slug::text FROM tree t "
		   "JOIN assent.brand b ON b.parent_id = t.id) "
		   "SELECT slug, name, parent, cardinality(path) - 1 "
		   "FROM tree ORDER BY path",
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
		out_text(brand, "parent",
		    pg_rows_null(rows, i, 2) ? NULL : pg_rows_text(rows, i, 2));
		out_int(brand, "depth", pg_rows_int(rows, i, 3));
	}
	pg_rows_free(&rows);
	return OUTCOME_DONE;
}

static void
print_list(const json_t *out)
{
	static const struct out_column columns[] = {
	    {"tree", "BRAND"},
	    {"name", "NAME"},
	};
	json_t *list = json_object_get(out, "brands");

	out_tree(list, "brand");
	out_table(list, columns, 2);
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
		{"parent", "BRAND", "the company above it"},
	    },
	.in_batch = true,
	.run = run_add,
	.print = print_add,
    },
    {
	.name = "brand edit",
	.arguments = "BRAND",
	.summary = "Changes a brand, and the permits concerned",
	.min = 1,
	.max = 1,
	.options =
	    {
		{"name", "TEXT", "its name, as people know it"},
		{"parent", "BRAND", "the company above it; or none"},
		{"sender", "ADDRESS", "where its pages' mail comes from"},
	    },
	.in_batch = true,
	.run = run_edit,
	.print = print_edit,
    },
    {
	.name = "brand list",
	.arguments = "",
	.summary = "Lists the brands, each below its company",
	.run = run_list,
	.print = print_list,
    },
    {0},
};
