/* SPDX-License-Identifier: ISC */
/*
 * template - the usual purposes of a brand in one go
 *
 * One transaction: where one of the names is taken already, nothing is made.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "gdpr.h"
#include "out.h"
#include "policy/store.h"

enum { LANGUAGES = 3 };

static const char *const languages[LANGUAGES] = {"en", "pl", "it"};

static const struct model {
	const char *slug, *parent, *channels, *basis;
	struct {
		const char *title, *body;
	} texts[LANGUAGES];
} models[] = {
#define X(                                                                     \
    slug, parent, channels, basis, en, en_body, pl, pl_body, it, it_body)      \
	{(slug), (parent), (channels), (basis),                                \
	    {{(en), (en_body)}, {(pl), (pl_body)}, {(it), (it_body)}}},
    GDPR_PURPOSES(X)
#undef X
};

enum { MODELS = sizeof(models) / sizeof(models[0]) };

/* All of it as SQL takes it. */
static json_t *
as_json(void)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < MODELS; i++) {
		const struct model *m = &models[i];
		json_t *one = out_object(list), *texts;

		out_text(one, "slug", m->slug);
		out_text(one, "parent", m->parent);
		out_text(one, "title", m->texts[0].title);
		out_text(one, "channels", m->channels);
		out_text(one, "basis", m->basis);
		out_bool(
		    one, "monitoring", strcmp(m->slug, GDPR_MONITORING) == 0);
		texts = out_array(one, "texts");
		for (size_t k = 0; k < LANGUAGES; k++) {
			json_t *text = out_object(texts);

			out_text(text, "language", languages[k]);
			out_text(text, "title", m->texts[k].title);
			out_text(text, "body", m->texts[k].body);
		}
	}
	return list;
}

static int
add(struct ctl *c, const char *brand, struct err *e)
{
	static const struct pg_statement st = {
	    .sql = "SELECT assent.purposes_add($1, $2::text::jsonb)",
	};
	json_t *list = as_json();
	char *text = list == NULL ? NULL : json_dumps(list, 0);
	const struct pg_param params[] = {{brand, 0}, {text, 0}};
	int rc;

	json_decref(list);
	if (text == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	rc = store_exec(c->store, &st, params, 2, NULL, e);
	free(text);
	return rc;
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *brand = args_value(a, "brand");
	long long permits = 0;
	json_t *list;

	if (brand == NULL) {
		err_set(e, ERR_REFUSED, "purpose template gdpr needs --brand");
		return OUTCOME_USAGE;
	}
	if (ctl_slug("brand", brand, e) != 0 || ctl_store(c, e) != 0 ||
	    add(c, brand, e) != 0 || ctl_repack(c, &permits, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "brand", brand);
	list = out_array(out, "purposes");
	for (size_t i = 0; i < MODELS; i++)
		out_item(list, models[i].slug);
	return OUTCOME_DONE;
}

static void
print(const json_t *out)
{
	printf("%zu purposes added to brand %s, with texts in English, Polish "
	       "and Italian\n",
	    json_array_size(json_object_get(out, "purposes")),
	    out_get(out, "brand"));
}

const struct command commands_template[] = {
    {
	.name = "purpose template gdpr",
	.arguments = "",
	.summary = "Adds the usual purposes, with texts",
	.about = "Marketing (traditional, automatic), profiling (classic, "
		 "online), soft opt-in (email,\npaper), third parties "
		 "(profiling, marketing).",
	.options =
	    {
		{"brand", "BRAND", "the brand they belong to"},
	    },
	.run = run,
	.print = print,
    },
    {0},
};
