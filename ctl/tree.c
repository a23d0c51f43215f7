/* SPDX-License-Identifier: ISC */
/*
 * tree - the purposes of a brand and of those below it, as they cover each
 * other
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/store.h"

/* The columns of the query below. */
enum {
	BRAND,
	PURPOSE,
	PARENT,
	TITLE,
	CHANNELS,
	BASIS,
	VALIDITY,
	OPT_IN,
	OPT_OUT,
	DEPTH,
	REQUIRES,
	WITHDRAWS,
	COLUMNS
};

static const char *const keys[COLUMNS] = {"brand", "purpose", "parent", "title",
    "channels", "basis", "validity", "opt_in", "opt_out", "depth", "requires",
    "withdraws"};

#define ON(kind)                                                               \
	"(SELECT string_agg(assent.purpose_name(d.on_purpose), ',' "           \
	"ORDER BY 1) FROM assent.dependency d "                                \
	"WHERE d.purpose_id = p.id AND d.kind = '" kind "')"

static const struct pg_statement query = {
    .sql = "SELECT b.slug, p.slug, assent.purpose_name(p.parent_id), p.title, "
	   "array_to_string(p.channels, ','), p.legal_basis, p.validity, "
	   "p.opt_in, p.opt_out, t.depth, " ON("requires") ", " ON(
	       "withdraws") " FROM assent.purpose p JOIN assent.brand b "
			    "ON b.id = p.brand_id "
			    "CROSS JOIN LATERAL (SELECT max(distance) AS "
			    "depth, array_agg(assent.purpose_name(ancestor_id) "
			    "ORDER BY distance DESC) AS path "
			    "FROM assent.lineage "
			    "WHERE purpose_id = p.id) AS t "
			    "WHERE $1::text IS NULL OR $1 || '/all' = "
			    "ANY (t.path) ORDER BY t.path",
};

static void
add_purpose(json_t *list, const struct pg_rows *rows, size_t i)
{
	json_t *one = out_object(list);

	for (size_t k = 0; k < COLUMNS; k++)
		if (k == DEPTH)
			out_int(one, keys[k], pg_rows_int(rows, i, k));
		else
			out_text(one, keys[k],
			    pg_rows_null(rows, i, k)
				? NULL
				: pg_rows_text(rows, i, k));
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *brand = args_value(a, "brand");
	const struct pg_param params[] = {{brand, 0}};
	struct pg_rows *rows;
	json_t *list;
	bool none;

	if (brand != NULL && ctl_slug("brand", brand, e) != 0)
		return OUTCOME_FAILED;
	if (ctl_store(c, e) != 0 ||
	    store_exec(c->store, &query, params, 1, &rows, e) != 0)
		return OUTCOME_FAILED;
	list = out_array(out, "purposes");
	for (size_t i = 0; i < pg_rows_count(rows); i++)
		add_purpose(list, rows, i);
	none = pg_rows_count(rows) == 0;
	pg_rows_free(&rows);
	if (!none || brand == NULL)
		return OUTCOME_DONE;
	err_set(e, ERR_REFUSED, "there is no brand \"%s\"", brand);
	json_object_clear(out);
	return OUTCOME_FAILED;
}

/* What is out of the ordinary about a purpose, for the eye. */
static void
add_notes(json_t *one)
{
	static const struct {
		const char *key, *usual, *label;
	} notes[] = {
	    {"basis", "consent", ""},
	    {"validity", "", "valid for "},
	    {"opt_in", "single", "opt-in "},
	    {"opt_out", "single", "opt-out "},
	    {"requires", "", "requires "},
	    {"withdraws", "", "withdraws "},
	};
	char text[512] = "";
	size_t len = 0;

	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		const char *value = out_get(one, notes[i].key);

		if (strcmp(value, notes[i].usual) != 0 && len < sizeof(text))
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    "%s%s%s", len == 0 ? "" : "; ", notes[i].label,
			    value);
	}
	out_text(one, "notes", text);
}

static void
print(const json_t *out)
{
	static const struct out_column columns[] = {
	    {"tree", "PURPOSE"},
	    {"title", "TITLE"},
	    {"channels", "CHANNELS"},
	    {"notes", "NOTES"},
	};
	json_t *list = json_object_get(out, "purposes"), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		bool root = strcmp(out_get(one, "purpose"), "all") == 0;

		add_notes(one);
		if (root)
			out_text(one, "purpose", out_get(one, "brand"));
	}
	out_tree(list, "purpose");
	out_table(list, columns, 4);
}

const struct command commands_tree[] = {
    {
	.name = "purpose tree",
	.arguments = "",
	.summary = "Shows which purpose covers which",
	.about = "A brand stands for its purpose \"all\". Consent to one "
		 "covers what is below it;\nleaving it leaves all of that.",
	.options =
	    {
		{"brand", "BRAND", "only this one and those below it"},
	    },
	.run = run,
	.print = print,
    },
    {0},
};
