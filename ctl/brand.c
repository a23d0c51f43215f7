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
#include "logo.h"
#include "out.h"
#include "page/colour.h"
#include "policy/addr.h"
#include "policy/arena.h"
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
	if (ctl_slug("brand", slug, e) != 0 ||
	    ctl_legible("name", name, e) != 0 || ctl_store(c, e) != 0 ||
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

/* What an option of edit says to SQL: "" for none. */
static const char *
value_or_none(const struct args *a, const char *option)
{
	const char *value = args_value(a, option);

	return value != NULL && strcmp(value, "none") == 0 ? "" : value;
}

/* The colour as it is kept, "" for none; NULL and `e` when it is none. */
static const char *
read_colour(struct ctl *c, const char *text, struct err *e)
{
	struct colour colour;
	const char *kept = text;

	if (text[0] == '\0')
		return text;
	if (!colour_parse(text, &colour)) {
		err_set(e, ERR_REFUSED, "--colour \"%s\" is not like #0b57a4",
		    text);
		return NULL;
	}
	kept = arena_printf(
	    c->arena, "#%02x%02x%02x", colour.red, colour.green, colour.blue);
	if (kept == NULL)
		err_set(e, ERR_FATAL, "out of memory");
	return kept;
}

/* What edit can say; NULL where nothing was said. */
struct fields {
	const char *name, *parent, *sender, *colour, *logo;
};

static int
read_fields(
    struct ctl *c, const struct args *a, struct fields *f, struct err *e)
{
	*f = (struct fields){
	    .name = args_value(a, "name"),
	    .parent = value_or_none(a, "parent"),
	    .sender = args_value(a, "sender"),
	    .colour = value_or_none(a, "colour"),
	    .logo = value_or_none(a, "logo"),
	};
	if (ctl_legible("name", f->name, e) != 0)
		return -1;
	if (f->sender != NULL && check_sender(c, f->sender, e) != 0)
		return -1;
	if (f->colour != NULL) {
		f->colour = read_colour(c, f->colour, e);
		if (f->colour == NULL)
			return -1;
	}
	if (f->logo == NULL || f->logo[0] == '\0')
		return 0;
	f->logo = logo_read(c->arena, f->logo, e);
	return f->logo == NULL ? -1 : 0;
}

static enum outcome
run_edit(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement edit = {
	    .sql = "SELECT assent.brand_edit($1, $2, $3, $4), "
		   "assent.brand_look_set($1, $5, $6)",
	};
	long long permits = 0;
	struct fields f;

	if (!args_any(a)) {
		err_set(e, ERR_REFUSED,
		    "brand edit needs --name TEXT, --parent BRAND, "
		    "--sender ADDRESS, --colour COLOUR or --logo FILE");
		return OUTCOME_USAGE;
	}
	if (read_fields(c, a, &f, e) != 0)
		return OUTCOME_FAILED;
	const struct pg_param params[] = {{a->words[0], 0}, {f.name, 0},
	    {f.parent, 0}, {f.sender, 0}, {f.colour, 0}, {f.logo, 0}};
	if (ctl_store(c, e) != 0 ||
	    store_exec(c->store, &edit, params,
		sizeof(params) / sizeof(params[0]), NULL, e) != 0 ||
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
		{"colour", "#RRGGBB", "its pages' colour; or none"},
		{"logo", "FILE", "its pages' logo, PNG or JPEG; or none"},
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
