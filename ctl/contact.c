/* SPDX-License-Identifier: ISC */
/*
 * contact - a person's data and addresses
 *
 * None of it is consent: an edit gives nothing, and may only take monitoring
 * away.  All of it is in the ledger, as personal fields.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/store.h"

/* Which door the change came by. */
#define DOOR "operator"

/* NAME=VALUE as a member of `all`; without a value it is null: to be removed.
 */
static int
read_attribute(json_t *all, const char *text, struct err *e)
{
	const char *value = strchr(text, '=');
	json_t *name;
	int rc;

	if (value == NULL || value == text)
		return err_set(e, ERR_REFUSED,
		    "--attribute \"%s\": write NAME=VALUE", text);
	name = json_stringn(text, (size_t)(value - text));
	value++;
	rc = name == NULL
	    ? -1
	    : json_object_set_new(all, json_string_value(name),
		  value[0] == '\0' ? json_null() : json_string(value));
	json_decref(name);
	if (rc != 0)
		return err_set(
		    e, ERR_REFUSED, "--attribute \"%s\" is not UTF-8", text);
	return 0;
}

static int
read_attributes(
    struct ctl *c, const struct args *a, const char **out, struct err *e)
{
	json_t *all = json_object();
	char *text = NULL;
	int rc = 0;

	*out = NULL;
	for (size_t i = 0; rc == 0 && i < a->n_repeats; i++)
		rc = read_attribute(all, a->repeats[i], e);
	if (rc == 0 && a->n_repeats > 0) {
		text = json_dumps(all, 0);
		if (text != NULL)
			*out = arena_strdup(c->arena, text);
		if (*out == NULL)
			rc = err_set(e, ERR_REFUSED, "too many attributes");
	}
	free(text);
	json_decref(all);
	return rc;
}

static int
check_source(const char *source, struct err *e)
{
	static const char *const sources[] = {
	    "form", "import", "api", "operator", "offline", "partner"};

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (source == NULL || strcmp(source, sources[i]) == 0)
			return 0;
	return err_set(e, ERR_REFUSED,
	    "--source \"%s\" is none of form, import, api, operator, offline, "
	    "partner",
	    source);
}

/* Monitoring ends here, and begins with nothing but a consent. */
static int
check_monitoring(const char *word, struct err *e)
{
	if (word == NULL || strcmp(word, "off") == 0)
		return 0;
	return err_set(e, ERR_REFUSED,
	    strcmp(word, "on") == 0
		? "--monitoring on: it begins with a new consent of the "
		  "person's, to the brand's purpose for monitoring, which "
		  "\"assentctl grant\" records"
		: "--monitoring can only be turned off");
}

static int
check_options(const struct args *a, struct err *e)
{
	static const char *const texts[] = {"source-name", "disclaimer"};
	const char *language = args_value(a, "language");

	for (size_t i = 0; i < 2; i++) {
		const char *text = args_value(a, texts[i]);

		if (text != NULL && text[0] == '\0')
			return err_set(
			    e, ERR_REFUSED, "--%s is empty", texts[i]);
	}
	if (language != NULL && ctl_language(language, e) != 0)
		return -1;
	if (args_value(a, "disclaimer-at") != NULL &&
	    args_value(a, "disclaimer") == NULL)
		return err_set(e, ERR_REFUSED,
		    "--disclaimer-at says when, --disclaimer which");
	if (check_source(args_value(a, "source"), e) != 0)
		return -1;
	return check_monitoring(args_value(a, "monitoring"), e);
}

static int
edit(struct ctl *c, const struct args *a, const struct addr_key *key,
    bool *changed, struct err *e)
{
	static const struct pg_statement st = {
	    .sql = "SELECT assent.contact_edit($1, '" DOOR "', $2, "
		   "$3::text::jsonb, $4::text::assent.data_source, $5, $6, "
		   "$7::text::timestamptz)",
	};
	const char *at = args_value(a, "disclaimer-at"), *attributes;
	struct pg_rows *rows;

	if (read_attributes(c, a, &attributes, e) != 0)
		return -1;
	if (at != NULL) {
		at = ctl_time(c, "disclaimer-at", at, e);
		if (at == NULL)
			return -1;
	}
	const struct pg_param params[] = {
	    {key->octets, ADDR_KEY},
	    {args_value(a, "language"), 0},
	    {attributes, 0},
	    {args_value(a, "source"), 0},
	    {args_value(a, "source-name"), 0},
	    {args_value(a, "disclaimer"), 0},
	    {at, 0},
	};
	if (store_exec(c->store, &st, params,
		sizeof(params) / sizeof(params[0]), &rows, e) != 0)
		return -1;
	*changed = pg_rows_text(rows, 0, 0)[0] == 't';
	pg_rows_free(&rows);
	return 0;
}

static enum outcome
run_edit(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	bool changed = false, ended = false;
	struct endpoint who;
	struct addr_key key;

	if (check_options(a, e) != 0)
		return OUTCOME_USAGE;
	if (ctl_endpoint(
		c, args_value(a, "kind"), a->words[0], &who, &key, e) != 0 ||
	    ctl_changer(c, e) != 0)
		return OUTCOME_FAILED;
	/* What takes away comes first: nothing after it can keep it back. */
	if (args_value(a, "monitoring") != NULL &&
	    change_monitoring_off(&c->changer, &key, DOOR, &ended, e) != 0)
		return OUTCOME_FAILED;
	if (edit(c, a, &key, &changed, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "address", who.canonical);
	out_bool(out, "changed", changed || ended);
	return OUTCOME_DONE;
}

static void
print_edit(const json_t *out)
{
	out_print(out_get(out, "address"));
	puts(json_is_true(json_object_get(out, "changed")) ? ": changed"
							   : ": unchanged");
}

static enum outcome
run_add(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	struct endpoint who, added;
	struct addr_key of, key;
	bool changed;

	if (ctl_endpoint(c, NULL, a->words[0], &who, &of, e) != 0 ||
	    ctl_endpoint(
		c, args_value(a, "kind"), a->words[1], &added, &key, e) != 0 ||
	    ctl_changer(c, e) != 0 ||
	    change_endpoint_add(
		&c->changer, &of, &key, &added, DOOR, &changed, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "address", added.canonical);
	out_text(out, "kind", added.kind);
	out_bool(out, "changed", changed);
	return OUTCOME_DONE;
}

static void
print_add(const json_t *out)
{
	out_print(out_get(out, "address"));
	puts(json_is_true(json_object_get(out, "changed")) ? ": added"
							   : ": unchanged");
}

static enum outcome
run_remove(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	struct endpoint who;
	struct addr_key key;
	bool changed;

	if (ctl_endpoint(
		c, args_value(a, "kind"), a->words[0], &who, &key, e) != 0 ||
	    ctl_changer(c, e) != 0 ||
	    change_endpoint_remove(&c->changer, &key, DOOR, &changed, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "address", who.canonical);
	out_bool(out, "changed", changed);
	return OUTCOME_DONE;
}

static void
print_remove(const json_t *out)
{
	out_print(out_get(out, "address"));
	puts(": removed, and nobody has it now");
}

const struct command commands_contact[] = {
    {
	.name = "contact edit",
	.arguments = "ADDRESS",
	.summary = "Changes a contact's data, or ends its monitoring",
	.about = "What is not given stays. Monitoring begins with a consent to "
		 "a brand's purpose for\nit, and with nothing else.",
	.min = 1,
	.max = 1,
	.options =
	    {
		CTL_KIND,
		{"language", "LANG", "en, pl, pt-BR"},
		{"attribute", "NAME=VALUE", "any number; NAME= removes it"},
		{"source", "KIND",
		    "form, import, api, operator, offline, partner"},
		{"source-name", "TEXT", "which one: the data's origin"},
		{"disclaimer", "VERSION", "the terms the person accepted"},
		{"disclaimer-at", "TIME", "when (now)"},
		{"monitoring", "off", "withdraws it from every brand"},
	    },
	.repeats = "attribute",
	.in_batch = true,
	.run = run_edit,
	.print = print_edit,
    },
    {
	.name = "contact add-address",
	.arguments = "ADDRESS NEW",
	.summary = "Gives who has ADDRESS another one",
	.min = 2,
	.max = 2,
	.options = {{"kind", "KIND", "the new one's: postal, device or im"}},
	.in_batch = true,
	.run = run_add,
	.print = print_add,
    },
    {
	.name = "contact remove-address",
	.arguments = "ADDRESS",
	.summary = "Takes an address from who has it, and another",
	.min = 1,
	.max = 1,
	.options = {CTL_KIND},
	.in_batch = true,
	.run = run_remove,
	.print = print_remove,
    },
    {0},
};
