/* SPDX-License-Identifier: ISC */
/*
 * purpose - what for, within a brand
 *
 * A purpose is only ever added here: what people agreed to cannot be taken
 * from under their consent.
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

static int
needed(const struct args *a, const char *option, struct err *e)
{
	const char *value = args_value(a, option);

	if (value != NULL && value[0] != '\0')
		return 0;
	return err_set(e, ERR_REFUSED, "purpose add needs --%s", option);
}

static int
add(struct ctl *c, const char *slug, const struct args *a, const char *channels,
    struct err *e)
{
	static const struct pg_statement st = {
	    .name = "purpose add",
	    .sql = "SELECT assent.purpose_add($1, $2, $3, "
		   "$4::assent.channel[])",
	};
	const struct pg_param params[] = {
	    {args_value(a, "brand"), 0},
	    {slug, 0},
	    {args_value(a, "title"), 0},
	    {channels, 0},
	};

	if (ctl_slug("purpose", slug, e) != 0 || ctl_store(c, e) != 0)
		return -1;
	return store_exec(c->store, &st, params, 4, NULL, e);
}

static enum outcome
run_add(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	char channels[CHANNELS_TEXT];

	if (needed(a, "brand", e) != 0 || needed(a, "title", e) != 0 ||
	    needed(a, "channel", e) != 0 ||
	    read_channels(args_value(a, "channel"), channels, e) != 0)
		return OUTCOME_USAGE;
	if (add(c, a->words[0], a, channels, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "brand", args_value(a, "brand"));
	out_text(out, "purpose", a->words[0]);
	out_text(out, "title", args_value(a, "title"));
	return OUTCOME_DONE;
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
		   "p.title FROM assent.purpose p "
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
		{"title", "TEXT", "its title, as people read it"},
		{"channel", "CHANNEL[,...]",
		    "email, sms, voice, phone, paper, push, im"},
	    },
	.in_batch = true,
	.run = run_add,
	.print = print_add,
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
