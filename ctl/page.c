/* SPDX-License-Identifier: ISC */
/*
 * page - the pages that people are shown, in words of one's own
 *
 * A page of one's own is of a kind; what it does not say, the program's words
 * say.  A form is closed, never removed: the ledger says by which one somebody
 * signed up.
 */
#include "page.h"

#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "file.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/buf.h"
#include "policy/conf.h"
#include "policy/store.h"
#include "profile.h"
#include "proofread.h"

enum { LIST_MAX = 256, PURPOSES_MAX = 32 };

/* What stands in a link before the page's name, and whether the name comes
 * after a token. */
static const struct {
	const char *path;
	bool has_token;
} addresses[PART_KINDS] = {
    [PART_OPT_OUT] = {"u", true},
    [PART_PREFERENCES] = {"m", true},
    [PART_PROFILE] = {"p", false},
    [PART_SIGN_UP] = {"s", false},
};

static const char *
address_of(struct ctl *c, enum part_kind kind, const char *slug)
{
	return arena_printf(c->arena, "%s/%s/%s%s", c->conf->web.base_url,
	    addresses[kind].path,
	    addresses[kind].has_token ? "TOKEN?page=" : "", slug);
}

static int
choose_part(const struct args *a, struct page_choice *out, struct err *e)
{
	const char *part = args_has(a, "part") ? args_value(a, "part") : NULL;
	char list[LIST_MAX] = "";
	size_t len = 0;

	if (part_find(out->kind, part, &out->part))
		return 0;
	for (unsigned int p = 0; p < PAGE_COUNT; p++) {
		const struct part *one = part_of((enum page)p);

		if (one->kind == out->kind && !one->says_why)
			len += (size_t)snprintf(list + len, sizeof(list) - len,
			    "%s%s", len == 0 ? "" : ", ", one->name);
	}
	return err_set(
	    e, ERR_REFUSED, "--part \"%s\" is none of %s", part, list);
}

int
page_choose(const struct args *a, struct page_choice *out, struct err *e)
{
	*out = (struct page_choice){.word = a->words[0], .slug = a->words[1]};
	if (!part_kind_parse(out->word, &out->kind))
		return err_set(e, ERR_REFUSED,
		    "\"%s\" is no kind of page: opt-out, preferences, profile "
		    "and sign-up are",
		    out->word);
	if (ctl_slug("page", out->slug, e) != 0)
		return -1;
	return choose_part(a, out, e);
}

/* Whether the purpose of that number can be offered beside those before it. */
static int
check_purpose(const struct args *a, size_t n, struct err *e)
{
	if (n == PURPOSES_MAX)
		return err_set(e, ERR_REFUSED,
		    "a form offers at most %d purposes", PURPOSES_MAX);
	for (size_t i = 0; i < n; i++)
		if (strcmp(a->repeats[i], a->repeats[n]) == 0)
			return err_set(e, ERR_REFUSED,
			    "--purpose \"%s\" is given twice", a->repeats[n]);
	return ctl_slug("purpose", a->repeats[n], e);
}

/* The purposes that were named, as PostgreSQL's array, in the command's arena;
 * "" for none, NULL and `e` when a form cannot have them. */
static const char *
read_purposes(struct ctl *c, const struct args *a, struct err *e)
{
	const char *list = "";

	for (size_t i = 0; i < a->n_repeats; i++) {
		if (check_purpose(a, i, e) != 0)
			return NULL;
		list = arena_printf(c->arena, "%s%c%s", list,
		    i == 0 ? '{' : ',', a->repeats[i]);
		if (list == NULL)
			break;
	}
	if (list != NULL && list[0] != '\0')
		list = arena_printf(c->arena, "%s}", list);
	if (list == NULL)
		err_set(e, ERR_FATAL, "out of memory");
	return list;
}

static enum outcome
run_add(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement form = {
	    .sql = "SELECT assent.form_add($1, $2, $3::text[])",
	};
	static const struct pg_statement page = {
	    .sql = "SELECT assent.page_add($3, $1, $2)",
	};
	const char *brand = args_value(a, "brand"), *purposes;
	struct page_choice chosen;
	bool is_form;

	if (page_choose(a, &chosen, e) != 0)
		return OUTCOME_USAGE;
	is_form = chosen.kind == PART_SIGN_UP;
	if (profile_check(a, chosen.kind, e) != 0)
		return OUTCOME_USAGE;
	if (brand == NULL || is_form != (a->n_repeats > 0)) {
		err_set(e, ERR_REFUSED, "page add %s needs --brand BRAND%s",
		    chosen.word,
		    is_form ? " and --purpose PURPOSE" : ", and no --purpose");
		return OUTCOME_USAGE;
	}
	purposes = read_purposes(c, a, e);
	const struct pg_param params[] = {{chosen.slug, 0}, {brand, 0},
	    {is_form ? purposes : chosen.word, 0}};
	if (purposes == NULL || ctl_slug("brand", brand, e) != 0 ||
	    ctl_store(c, e) != 0)
		return OUTCOME_FAILED;
	if ((chosen.kind == PART_PROFILE
		    ? profile_add(c, a, e)
		    : store_exec(c->store, is_form ? &form : &page, params, 3,
			  NULL, e)) != 0)
		return OUTCOME_FAILED;
	out_text(out, "page", chosen.slug);
	out_text(out, "kind", chosen.word);
	out_text(out, "address", address_of(c, chosen.kind, chosen.slug));
	return OUTCOME_DONE;
}

static void
print_add(const json_t *out)
{
	printf("page %s added: %s\n", out_get(out, "page"),
	    out_get(out, "address"));
}

/* What edit changes, NULL where it says nothing. */
struct edit {
	struct page_choice chosen;
	const char *purposes, *open;
	const char *language, *title, *body, *button;
	const char *template; /* "" for the program's again */
	struct profile_choice profile;
};

static int
check_words(struct ctl *c, const struct edit *edit, struct err *e)
{
	const struct {
		const char *option, *text;
		size_t max; /* as in sql/017-looks.sql */
	} words[] = {{"title", edit->title, 200}, {"body", edit->body, 4000},
	    {"button", edit->button, 100}};

	if (edit->language != NULL && ctl_language(edit->language, e) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].text != NULL && words[i].text[0] != '\0' &&
		    proofread_words(c, edit->chosen.part, words[i].text,
			words[i].max, e) != 0)
			return err_prefix(
			    e, "--%s in %s", words[i].option, edit->language);
	return 0;
}

/* Which options go together. */
static int
check_edit(const struct args *a, const struct edit *edit, struct err *e)
{
	bool words =
	    edit->title != NULL || edit->body != NULL || edit->button != NULL;

	if (!args_any(a))
		return err_set(e, ERR_REFUSED, "page edit needs an option");
	if (words != (edit->language != NULL))
		return err_set(e, ERR_REFUSED,
		    "--title, --body and --button need --lang LANGUAGE, and it "
		    "them");
	if (edit->chosen.kind != PART_SIGN_UP && a->n_repeats > 0)
		return err_set(
		    e, ERR_REFUSED, "--purpose is for sign-up pages");
	if (edit->chosen.kind != PART_SIGN_UP &&
	    edit->chosen.kind != PART_PROFILE && edit->open != NULL)
		return err_set(
		    e, ERR_REFUSED, "--open is for sign-up and profile pages");
	if (edit->open != NULL && strcmp(edit->open, "yes") != 0 &&
	    strcmp(edit->open, "no") != 0)
		return err_set(e, ERR_REFUSED,
		    "--open \"%s\" is neither yes nor no", edit->open);
	return profile_check(a, edit->chosen.kind, e);
}

/* A template's text in the command's arena; NULL and `e`. */
static const char *
read_template(struct ctl *c, const struct edit *edit, struct err *e)
{
	struct buf b = {0};
	const char *path = edit->template, *text = NULL;

	if (strcmp(path, "none") == 0)
		return "";
	if (file_read(path, &b, e) == 0) {
		if (b.len == 0 || b.len > PROOFREAD_TEMPLATE_MAX ||
		    memchr(b.data, '\0', b.len) != NULL)
			err_set(e, ERR_REFUSED,
			    "%s: a template is a text of at most %d octets",
			    path, PROOFREAD_TEMPLATE_MAX);
		else if ((text = arena_strndup(c->arena, b.data, b.len)) ==
		    NULL)
			err_set(e, ERR_FATAL, "out of memory");
		else if (proofread_template(c, edit->chosen.part, text, e) !=
		    0) {
			err_prefix(e, "%s", path);
			text = NULL;
		}
	}
	buf_free(&b);
	return text;
}

/* One statement, so that all of it is done or nothing. */
static int
apply(struct ctl *c, const struct edit *edit, struct err *e)
{
	static const struct pg_statement st = {
	    .sql =
		"SELECT CASE WHEN $1 = 'sign-up' "
		"AND num_nonnulls($3::text, $4::text) > 0 "
		"THEN assent.form_edit($2, $3::text[], $4::text::boolean) "
		"END, CASE WHEN $1 = 'profile' AND num_nonnulls($4::text, "
		"$11::text, $12::text, $13::text) > 0 "
		"THEN assent.profile_page_edit($2, $11, "
		"string_to_array($12, ','), string_to_array($13, ','), "
		"$4::text::boolean) END, CASE WHEN $6::text IS NOT NULL THEN "
		"assent.page_text_set($1, $2, $5, $6, $7, $8, $9) END, "
		"CASE WHEN $10::text IS NOT NULL THEN "
		"assent.page_template_set($1, $2, $5, $10) END",
	};
	const struct pg_param params[] = {
	    {edit->chosen.word, 0},
	    {edit->chosen.slug, 0},
	    {edit->purposes[0] == '\0' ? NULL : edit->purposes, 0},
	    {edit->open, 0},
	    {part_of(edit->chosen.part)->name, 0},
	    {edit->language, 0},
	    {edit->title, 0},
	    {edit->body, 0},
	    {edit->button, 0},
	    {edit->template, 0},
	    {edit->profile.speaks, 0},
	    {edit->profile.shows, 0},
	    {edit->profile.edits, 0},
	};

	return store_exec(
	    c->store, &st, params, sizeof(params) / sizeof(params[0]), NULL, e);
}

static enum outcome
run_edit(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	struct edit edit = {
	    .open = args_value(a, "open"),
	    .language = args_value(a, "lang"),
	    .title = args_value(a, "title"),
	    .body = args_value(a, "body"),
	    .button = args_value(a, "button"),
	    .template = args_value(a, "template"),
	};

	if (page_choose(a, &edit.chosen, e) != 0 ||
	    check_edit(a, &edit, e) != 0)
		return OUTCOME_USAGE;
	edit.purposes = read_purposes(c, a, e);
	if (edit.purposes == NULL || profile_read(a, &edit.profile, e) != 0 ||
	    ctl_store(c, e) != 0 || check_words(c, &edit, e) != 0)
		return OUTCOME_FAILED;
	if (edit.template != NULL) {
		edit.template = read_template(c, &edit, e);
		if (edit.template == NULL)
			return OUTCOME_FAILED;
	}
	if (apply(c, &edit, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "page", edit.chosen.slug);
	return OUTCOME_DONE;
}

static void
print_edit(const json_t *out)
{
	printf("page %s changed\n", out_get(out, "page"));
}

static enum outcome
run_remove(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement st = {
	    .sql = "SELECT assent.page_remove($1, $2)",
	};
	const struct pg_param params[] = {{a->words[0], 0}, {a->words[1], 0}};
	struct page_choice chosen;

	if (page_choose(a, &chosen, e) != 0)
		return OUTCOME_USAGE;
	if (ctl_store(c, e) != 0 ||
	    store_exec(c->store, &st, params, 2, NULL, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "page", chosen.slug);
	return OUTCOME_DONE;
}

static void
print_remove(const json_t *out)
{
	printf("page %s removed\n", out_get(out, "page"));
}

static enum outcome
run_list(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement list = {
	    .sql =
		"SELECT g.slug, g.kind, b.slug, (SELECT string_agg(p.slug, "
		"',' ORDER BY u.n) FROM unnest(f.purposes) WITH ORDINALITY "
		"AS u (id, n) JOIN assent.purpose p ON p.id = u.id), "
		"(SELECT string_agg(DISTINCT t.language, ',') "
		"FROM assent.page_text t WHERE t.kind = g.kind "
		"AND t.slug = g.slug), (SELECT string_agg(t.part, ',' "
		"ORDER BY t.part) FROM assent.page_template t WHERE "
		"t.kind = g.kind AND t.slug = g.slug), "
		"CASE coalesce(f.open, q.open) WHEN false THEN 'no' "
		"ELSE 'yes' END, q.language, "
		"coalesce(array_to_string(q.shows, ','), "
		"CASE g.kind WHEN 'profile' THEN 'all' END), "
		"array_to_string(q.edits, ',') "
		"FROM assent.page g JOIN assent.brand b ON b.id = g.brand_id "
		"LEFT JOIN assent.form f ON g.kind = 'sign-up' "
		"AND f.slug = g.slug LEFT JOIN assent.profile_page q "
		"ON g.kind = 'profile' AND q.slug = g.slug "
		"ORDER BY g.kind, g.slug",
	};
	static const char *const keys[] = {"page", "kind", "brand", "purposes",
	    "words", "templates", "open", "speaks", "shows", "edits"};
	enum part_kind kind;
	struct pg_rows *rows;
	json_t *pages;

	(void)a;
	if (ctl_store(c, e) != 0 ||
	    store_exec(c->store, &list, NULL, 0, &rows, e) != 0)
		return OUTCOME_FAILED;
	pages = out_array(out, "pages");
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_t *one = out_object(pages);

		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			out_text(one, keys[k],
			    pg_rows_null(rows, i, k)
				? NULL
				: pg_rows_text(rows, i, k));
		if (part_kind_parse(pg_rows_text(rows, i, 1), &kind))
			out_text(one, "address",
			    address_of(c, kind, pg_rows_text(rows, i, 0)));
	}
	pg_rows_free(&rows);
	return OUTCOME_DONE;
}

static void
print_list(const json_t *out)
{
	static const struct out_column columns[] = {
	    {"page", "PAGE"},
	    {"kind", "KIND"},
	    {"brand", "BRAND"},
	    {"purposes", "PURPOSES"},
	    {"words", "WORDS"},
	    {"templates", "TEMPLATES"},
	    {"open", "OPEN"},
	    {"address", "ADDRESS"},
	};

	out_table(json_object_get(out, "pages"), columns,
	    sizeof(columns) / sizeof(columns[0]));
}

#define PURPOSE                                                                \
	{                                                                      \
		"purpose", "PURPOSE", "one that it offers; may be repeated"    \
	}

const struct command commands_page[] = {
    {
	.name = "page add",
	.arguments = "KIND SLUG --brand BRAND",
	.summary = "Adds a page of your own, or one on which people sign up",
	.about = "KIND is opt-out, preferences, profile or sign-up.  To sign "
		 "up, the brand or a\ncompany above it needs a sender: brand "
		 "edit --sender.  purpose edit says which\npage the links of a "
		 "message open.\n" PROFILE_ABOUT,
	.min = 2,
	.max = 2,
	.options = {{"brand", "BRAND", "whose it is"}, PURPOSE,
	    PROFILE_OPTIONS},
	.repeats = "purpose",
	.run = run_add,
	.print = print_add,
    },
    {
	.name = "page edit",
	.arguments = "KIND SLUG",
	.summary = "Changes what a page says or offers, or closes it",
	.about =
	    "What is not given stays; empty words are the program's again. "
	    " In words {{brand}},\n{{purpose}} and what else the page "
	    "knows is filled in; an empty line begins a\nparagraph.",
	.min = 2,
	.max = 2,
	.options = {PURPOSE, {"open", "yes|no", "whether it is to be found"},
	    PROFILE_OPTIONS, PAGE_PART, {"lang", "LANGUAGE", "of the words"},
	    {"title", "TEXT", "its title"},
	    {"body", "TEXT", "what it says below that"},
	    {"button", "TEXT", "what its button says"},
	    {"template", "FILE", "a Mustache template; or none"}},
	.repeats = "purpose",
	.run = run_edit,
	.print = print_edit,
    },
    {
	.name = "page remove",
	.arguments = "KIND SLUG",
	.summary = "Removes a page that no purpose names",
	.min = 2,
	.max = 2,
	.run = run_remove,
	.print = print_remove,
    },
    {
	.name = "page list",
	.arguments = "",
	.summary = "Lists the pages, and where they are",
	.run = run_list,
	.print = print_list,
    },
    {0},
};
