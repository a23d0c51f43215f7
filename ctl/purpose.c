/* SPDX-License-Identifier: ISC */
/*
 * purpose - what for, within a brand
 *
 * A purpose is added and edited, never removed: what people agreed to cannot
 * be taken from under their consent.  What an edit takes away is in force when
 * the command answers.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/channel.h"
#include "policy/store.h"

enum { CHANNELS_TEXT = 64 };

/* "email,sms" as PostgreSQL's "{email,sms}", each once. */
static int
read_channels(const char *list, char out[CHANNELS_TEXT], struct err *e)
{
	unsigned int bits = 0;
	char word[16];
	size_t len;
	enum channel ch;

	for (const char *p = list;; p += len + 1) {
		len = strcspn(p, ",");
		snprintf(word, sizeof(word), "%.*s", (int)len, p);
		if (len >= sizeof(word) || !channel_parse(word, &ch))
			return err_set(e, ERR_REFUSED,
			    "--channel \"%s\": \"%.*s\" is none of email, sms, "
			    "voice, phone, paper, push, im",
			    list, (int)len, p);
		bits |= 1U << ch;
		if (p[len] == '\0')
			break;
	}
	len = 0;
	for (unsigned int i = 0; i < CHANNEL_COUNT; i++)
		if ((bits & 1U << i) != 0)
			len += (size_t)snprintf(out + len, CHANNELS_TEXT - len,
			    "%c%s", len == 0 ? '{' : ',',
			    channel_word((enum channel)i));
	snprintf(out + len, CHANNELS_TEXT - len, "}");
	return 0;
}

/* What add and edit can say; NULL where nothing was said. */
struct fields {
	const char *title, *parent, *basis, *validity, *opt_in, *opt_out;
	const char *monitoring;
	const char *opt_out_page, *preferences_page; /* edit only */
	const char *channels; /* NULL, or points to text */
	char text[CHANNELS_TEXT];
};

static int
one_of(const struct args *a, const char *option, const char *const *words,
    const char **out, struct err *e)
{
	char list[80] = "";
	size_t len = 0;

	*out = args_value(a, option);
	if (*out == NULL)
		return 0;
	for (; *words != NULL; words++) {
		if (strcmp(*words, *out) == 0)
			return 0;
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
		    len == 0 ? "" : ", ", *words);
	}
	return err_set(
	    e, ERR_REFUSED, "--%s \"%s\" is none of %s", option, *out, list);
}

static int
read_fields(const struct args *a, struct fields *f, struct err *e)
{
	static const char *const bases[] = {
	    "consent", "soft-opt-in", "contract", "legitimate-interest", NULL};
	static const char *const opts[] = {"single", "double", NULL};
	static const char *const answers[] = {"yes", "no", NULL};
	const char *channels = args_value(a, "channel");

	*f = (struct fields){
	    .title = args_value(a, "title"),
	    .parent = args_value(a, "parent"),
	    .validity = args_value(a, "validity"),
	};
	if (ctl_legible("title", f->title, e) != 0)
		return -1;
	if (f->validity != NULL && strcmp(f->validity, "none") == 0)
		f->validity = "0 days";
	if (channels != NULL) {
		if (read_channels(channels, f->text, e) != 0)
			return -1;
		f->channels = f->text;
	}
	if (one_of(a, "basis", bases, &f->basis, e) != 0 ||
	    one_of(a, "opt-in", opts, &f->opt_in, e) != 0 ||
	    one_of(a, "opt-out", opts, &f->opt_out, e) != 0)
		return -1;
	return one_of(a, "monitoring", answers, &f->monitoring, e);
}

static int
check_validity(struct ctl *c, const struct fields *f, struct err *e)
{
	static const struct pg_statement read = {
	    .sql = "SELECT $1::text::interval >= interval '0'",
	};
	const struct pg_param params[] = {{f->validity, 0}};
	struct pg_rows *rows;
	bool good;

	if (f->validity == NULL)
		return 0;
	if (store_exec(c->store, &read, params, 1, &rows, e) == 0) {
		good = pg_rows_text(rows, 0, 0)[0] == 't';
		pg_rows_free(&rows);
		if (good)
			return 0;
	} else if (e->kind == ERR_UNREACHABLE) {
		return -1;
	}
	return err_set(e, ERR_REFUSED,
	    "--validity \"%s\" cannot be read as a length of time: write \"2 "
	    "years\", \"90 days\" or none",
	    f->validity);
}

static int
needed(const struct args *a, const char *option, struct err *e)
{
	const char *value = args_value(a, option);

	if (value != NULL && value[0] != '\0')
		return 0;
	return err_set(e, ERR_REFUSED, "purpose add needs --%s", option);
}

static int
add(struct ctl *c, const char *slug, const char *brand, const struct fields *f,
    struct err *e)
{
	static const struct pg_statement st = {
	    .name = "purpose add",
	    .sql = "SELECT assent.purpose_add($1, $2, $3, "
		   "$4::assent.channel[], $5, $6::text::assent.legal_basis, "
		   "$7::text::interval, $8::text::assent.opt, "
		   "$9::text::assent.opt, $10::text::boolean)",
	};
	const struct pg_param params[] = {
	    {brand, 0},
	    {slug, 0},
	    {f->title, 0},
	    {f->channels, 0},
	    {f->parent, 0},
	    {f->basis, 0},
	    {f->validity, 0},
	    {f->opt_in, 0},
	    {f->opt_out, 0},
	    {f->monitoring, 0},
	};

	return store_exec(
	    c->store, &st, params, sizeof(params) / sizeof(params[0]), NULL, e);
}

static enum outcome
run_add(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *brand = args_value(a, "brand");
	long long permits = 0;
	struct fields f;

	if (needed(a, "brand", e) != 0 || needed(a, "title", e) != 0 ||
	    needed(a, "channel", e) != 0 || read_fields(a, &f, e) != 0)
		return OUTCOME_USAGE;
	if (f.validity != NULL && strcmp(f.validity, "0 days") == 0)
		f.validity = NULL;
	if (ctl_slug("purpose", a->words[0], e) != 0 || ctl_store(c, e) != 0 ||
	    check_validity(c, &f, e) != 0 ||
	    add(c, a->words[0], brand, &f, e) != 0 ||
	    ctl_repack(c, &permits, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "brand", brand);
	out_text(out, "purpose", a->words[0]);
	out_text(out, "title", f.title);
	out_int(out, "permits", permits);
	return OUTCOME_DONE;
}

static int
edit(struct ctl *c, const struct store_purpose *p, const struct fields *f,
    struct err *e)
{
	static const struct pg_statement st = {
	    .sql = "SELECT assent.purpose_edit($1::text::int, $2, "
		   "$3::assent.channel[], $4, $5::text::assent.legal_basis, "
		   "$6::text::interval, $7::text::assent.opt, "
		   "$8::text::assent.opt, $9::text::boolean), "
		   "assent.page_use_set($1::text::int, 'opt-out', $10), "
		   "assent.page_use_set($1::text::int, 'preferences', $11)",
	};
	char number[8];
	const struct pg_param params[] = {
	    {number, 0},
	    {f->title, 0},
	    {f->channels, 0},
	    {f->parent, 0},
	    {f->basis, 0},
	    {f->validity, 0},
	    {f->opt_in, 0},
	    {f->opt_out, 0},
	    {f->monitoring, 0},
	    {f->opt_out_page, 0},
	    {f->preferences_page, 0},
	};

	snprintf(number, sizeof(number), "%u", p->id);
	return store_exec(
	    c->store, &st, params, sizeof(params) / sizeof(params[0]), NULL, e);
}

/* The page that an option names, "" for none. */
static const char *
page_of(const struct args *a, const char *option)
{
	const char *page = args_value(a, option);

	return page != NULL && strcmp(page, "none") == 0 ? "" : page;
}

static enum outcome
run_edit(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	struct store_purpose p;
	long long permits = 0;
	struct fields f;

	if (read_fields(a, &f, e) != 0)
		return OUTCOME_USAGE;
	f.opt_out_page = page_of(a, "opt-out-page");
	f.preferences_page = page_of(a, "preferences-page");
	if (ctl_purpose(c, a->words[0], &p, e) != 0 ||
	    check_validity(c, &f, e) != 0 || edit(c, &p, &f, e) != 0 ||
	    ctl_repack(c, &permits, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "brand", p.brand);
	out_text(out, "purpose", p.name);
	out_int(out, "permits", permits);
	return OUTCOME_DONE;
}

static void
print_edit(const json_t *out)
{
	printf("purpose %s/%s changed, and %lld permits with it\n",
	    out_get(out, "brand"), out_get(out, "purpose"),
	    (long long)json_integer_value(json_object_get(out, "permits")));
}

static void
print_add(const json_t *out)
{
	printf("purpose %s/%s added\n", out_get(out, "brand"),
	    out_get(out, "purpose"));
}

static enum outcome
run_list(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	static const struct pg_statement list = {
	    .sql = "SELECT b.slug, p.slug, array_to_string(p.channels, ','), "
		   "p.title, p.monitoring FROM assent.purpose p "
		   "JOIN assent.brand b ON b.id = p.brand_id ORDER BY 1, 2",
	};
	static const char *const keys[] = {
	    "brand", "purpose", "channels", "title"};
	struct pg_rows *rows;
	json_t *purposes;

	(void)a;
	if (ctl_store(c, e) != 0 ||
	    store_exec(c->store, &list, NULL, 0, &rows, e) != 0)
		return OUTCOME_FAILED;
	purposes = out_array(out, "purposes");
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_t *one = out_object(purposes);

		for (size_t k = 0; k < 4; k++)
			out_text(one, keys[k], pg_rows_text(rows, i, k));
		out_bool(one, "monitoring", pg_rows_text(rows, i, 4)[0] == 't');
	}
	pg_rows_free(&rows);
	return OUTCOME_DONE;
}

static void
print_list(const json_t *out)
{
	static const struct out_column columns[] = {
	    {"brand", "BRAND"},
	    {"purpose", "PURPOSE"},
	    {"channels", "CHANNELS"},
	    {"title", "TITLE"},
	};

	out_table(json_object_get(out, "purposes"), columns, 4);
}

#define FIELDS                                                                 \
	{"title", "TEXT", "its title, as people read it"},                     \
	    {"channel", "CHANNEL[,...]",                                       \
		"email, sms, voice, phone, paper, push, im"},                  \
	    {"parent", "NAME", "what it is a part of (all)"},                  \
	    {"basis", "BASIS",                                                 \
		"consent, soft-opt-in, contract, legitimate-interest"},        \
	    {"validity", "TIME", "how long a grant holds; or none"},           \
	    {"opt-in", "WAY", "single or double"},                             \
	    {"opt-out", "WAY", "single or double"},                            \
	{                                                                      \
		"monitoring", "yes|no",                                        \
		    "it is the consent to be followed (no)"                    \
	}

const struct command commands_purpose[] = {
    {
	.name = "purpose add",
	.arguments = "SLUG --brand BRAND --title TEXT --channel CHANNEL[,...]",
	.summary = "Adds a purpose: what a brand writes for",
	.min = 1,
	.max = 1,
	.options =
	    {
		{"brand", "BRAND", "the brand it belongs to"},
		FIELDS,
	    },
	.in_batch = true,
	.run = run_add,
	.print = print_add,
    },
    {
	.name = "purpose edit",
	.arguments = "PURPOSE",
	.summary = "Changes a purpose, and the permits concerned",
	.about = "What is not given stays. When the command answers, what the "
		 "change took away is\nin force.",
	.min = 1,
	.max = 1,
	.options = {FIELDS,
	    {"opt-out-page", "PAGE", "what its opt-out links open; or none"},
	    {"preferences-page", "PAGE", "and its preferences links"}},
	.in_batch = true,
	.run = run_edit,
	.print = print_edit,
    },
    {
	.name = "purpose list",
	.arguments = "",
	.summary = "Lists the purposes of every brand",
	.run = run_list,
	.print = print_list,
    },
    {0},
};
