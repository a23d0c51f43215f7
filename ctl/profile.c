/* SPDX-License-Identifier: ISC */
/*
 * profile - what the pages have on which people see and change their data
 *
 * What a page may show and let be edited is for SQL to know.
 */
#include "profile.h"

#include <string.h>

#include "args.h"
#include "ctl.h"
#include "policy/store.h"

int
profile_check(const struct args *a, enum part_kind kind, struct err *e)
{
	if (kind == PART_PROFILE ||
	    (args_value(a, "speaks") == NULL && args_value(a, "show") == NULL &&
		args_value(a, "edit") == NULL))
		return 0;
	return err_set(e, ERR_REFUSED,
	    "--speaks, --show and --edit are for profile pages");
}

static const char *
read_one(const struct args *a, const char *option, const char *nothing)
{
	const char *text = args_value(a, option);

	return text != NULL && strcmp(text, nothing) == 0 ? "" : text;
}

int
profile_read(const struct args *a, struct profile_choice *out, struct err *e)
{
	*out = (struct profile_choice){
	    .speaks = read_one(a, "speaks", "any"),
	    .shows = read_one(a, "show", "all"),
	    .edits = read_one(a, "edit", "none"),
	};
	if (ctl_legible("show", args_value(a, "show"), e) != 0 ||
	    ctl_legible("edit", args_value(a, "edit"), e) != 0)
		return -1;
	if (out->speaks == NULL || out->speaks[0] == '\0')
		return 0;
	return ctl_language(out->speaks, e);
}

int
profile_add(struct ctl *c, const struct args *a, struct err *e)
{
	static const struct pg_statement add = {
	    .sql = "SELECT assent.profile_page_add($1, $2, nullif($3, ''), "
		   "nullif(string_to_array($4, ','), '{}'), "
		   "string_to_array($5, ','))",
	};
	struct profile_choice p;

	if (profile_read(a, &p, e) != 0)
		return -1;
	const struct pg_param params[] = {{a->words[1], 0},
	    {args_value(a, "brand"), 0}, {p.speaks, 0}, {p.shows, 0},
	    {p.edits, 0}};
	return store_exec(c->store, &add, params, 5, NULL, e);
}
