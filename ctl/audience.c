/* SPDX-License-Identifier: ISC */
/*
 * audience - who may be contacted now for a purpose
 *
 * There is no second rule: every permit is decided about as the milter decides
 * about a recipient, the one of the address without its +tag beside it.  One
 * look through all permits, of one snapshot; who leaves meanwhile is on the
 * list, and refused when the message comes.
 *
 * Whoever makes a list takes addresses out of here, so that is an event of the
 * ledger, before the first address is out.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "cursor.h"
#include "ledger.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/channel.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/decide.h"
#include "policy/keys.h"
#include "policy/permit.h"
#include "policy/sheet.h"
#include "policy/store.h"
#include "save.h"

enum { QUERY = 400, NUMBER = 12, ARENA = 1 << 16 };

/* The columns of the query. */
enum { ADDRESS, LANGUAGE, PACKED };

struct audience {
	struct ctl *ctl;
	struct store_purpose purpose;
	enum channel channel;
	struct arena *arena; /* one address's strings */
	FILE *f;
	bool csv, email;
	long long contacts;
};

/* The permit of `canonical`, whose octets are put into `octets`. */
static int
load_permit(struct audience *a, const char *canonical,
    uint8_t octets[PERMIT_MAX], struct permit *permit, struct err *e)
{
	struct addr_key key = addr_key(
	    keys_index(a->ctl->keys), channel_kind(CHANNEL_EMAIL), canonical);
	long len = store_permit(a->ctl->store, 0, &key, octets, PERMIT_MAX, e);

	return len < 0 ? -1 : permit_decode(octets, (size_t)len, permit, e);
}

/* Whether a row may be contacted: 1, 0, -1. */
static int
judge(struct audience *a, const struct pg_rows *rows, size_t i, struct err *e)
{
	const char *address = pg_rows_text(rows, i, ADDRESS);
	uint8_t octets[PERMIT_MAX];
	struct permit own, base;
	struct decide_facts facts = {
	    .permit = &own,
	    .purpose = a->purpose.id,
	    .channel = a->channel,
	    .now = clock_wall(),
	};
	struct addr addr;
	size_t len;
	const uint8_t *packed = pg_rows_octets(rows, i, PACKED, &len);

	if (permit_decode(packed, len, &own, e) != 0)
		return -1;
	if (decide(&facts) != REASON_GRANTED)
		return 0;
	if (!a->email)
		return 1;
	/* What the milter could not read it would refuse. */
	arena_reset(a->arena);
	if (addr_parse(a->arena, address, strlen(address), &addr, e) != 0)
		return 0;
	if (addr.base == NULL)
		return 1;
	if (load_permit(a, addr.base, octets, &base, e) != 0)
		return -1;
	facts.base = &base;
	return decide(&facts) == REASON_GRANTED;
}

static void
write_one(struct audience *a, const struct pg_rows *rows, size_t i)
{
	const char *cells[] = {
	    pg_rows_text(rows, i, ADDRESS), pg_rows_text(rows, i, LANGUAGE)};
	json_t *one;

	a->contacts++;
	if (a->csv) {
		sheet_row(a->f, cells, sizeof(cells) / sizeof(cells[0]));
		return;
	}
	one = out_new();
	out_text(one, "address", cells[0]);
	out_text(one, "language", cells[1][0] == '\0' ? NULL : cells[1]);
	json_dumpf(one, a->f, JSON_COMPACT);
	putc('\n', a->f);
	json_decref(one);
}

static int
write_rows(void *arg, const struct pg_rows *rows, struct err *e)
{
	struct audience *a = arg;

	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		int rc = judge(a, rows, i, e);

		if (rc < 0)
			return -1;
		if (rc == 1)
			write_one(a, rows, i);
	}
	if (ferror(a->f))
		return err_set(e, ERR_FATAL, "the list cannot be written");
	return 0;
}

/* Nobody may be listed by permits that a change of the trees outdated. */
static int
check_current(struct pg *p, struct err *e)
{
	static const struct pg_statement find = {
	    .sql = "SELECT count(*) FROM assent.outdated",
	};
	struct pg_rows *rows;
	bool outdated;

	if (ledger_exec(p, &find, NULL, 0, &rows, e) != 0)
		return -1;
	outdated = pg_rows_int(rows, 0, 0) > 0;
	pg_rows_free(&rows);
	if (!outdated)
		return 0;
	return err_set(e, ERR_REFUSED,
	    "the purposes were changed and not every permit is computed anew: "
	    "run \"assentctl repack\"");
}

static int
record(struct audience *a, struct pg *p, struct err *e)
{
	static const struct pg_statement note = {
	    .sql = "SELECT assent.audience($1::int, $2::assent.channel, "
		   "'operator')",
	};
	char purpose[NUMBER];
	const struct pg_param params[] = {
	    {purpose, 0}, {channel_word(a->channel), 0}};

	snprintf(purpose, sizeof(purpose), "%d", a->purpose.id);
	return ledger_exec(p, &note, params, 2, NULL, e);
}

static int
list(struct audience *a, struct pg *p, struct err *e)
{
	static const char *const headings[] = {"address", "language"};
	char query[QUERY];

	snprintf(query, sizeof(query),
	    "DECLARE look CURSOR FOR SELECT e.original, c.language, p.packed "
	    "FROM assent.endpoint e JOIN assent.permit p USING (key) "
	    "JOIN assent.contact c ON c.id = e.contact_id "
	    "WHERE e.kind = '%s'",
	    channel_kind(a->channel));
	if (check_current(p, e) != 0 || record(a, p, e) != 0)
		return -1;
	if (a->csv)
		sheet_row(a->f, headings, 2);
	return cursor_run(p, query, write_rows, a, e);
}

static int
read_arguments(struct audience *l, const struct args *a, struct err *e)
{
	const char *format = args_value(a, "format");
	const char *channel = args_value(a, "channel");

	l->channel = CHANNEL_EMAIL;
	l->csv = format == NULL || strcmp(format, "csv") == 0;
	if (!l->csv && strcmp(format, "ndjson") != 0)
		return err_set(e, ERR_REFUSED,
		    "--format \"%s\" is neither csv nor ndjson", format);
	if (channel != NULL && !channel_parse(channel, &l->channel))
		return err_set(e, ERR_REFUSED,
		    "--channel \"%s\" is none of email, sms, voice, phone, "
		    "paper, push, im",
		    channel);
	l->email = strcmp(channel_kind(l->channel), "email") == 0;
	return 0;
}

static int
make(struct audience *l, const char *path, struct err *e)
{
	struct ctl *c = l->ctl;
	struct pg *p = ledger_open(c, c->conf->database.operator_role, e);
	int rc = -1;

	l->arena = arena_new(ARENA);
	if (p != NULL && l->arena != NULL)
		l->f = save_open(path, e);
	if (l->f != NULL)
		rc = save_close(l->f, path, list(l, p, e) == 0, e);
	arena_free(&l->arena);
	pg_close(&p);
	return rc;
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *path = args_value(a, "output");
	struct audience l = {.ctl = c};

	if (read_arguments(&l, a, e) != 0)
		return OUTCOME_USAGE;
	if (ctl_keys(c, e) != 0 ||
	    ctl_purpose(c, a->words[0], &l.purpose, e) != 0 ||
	    make(&l, path, e) != 0)
		return OUTCOME_FAILED;
	if (path != NULL)
		out_text(out, "file", path);
	out_int(out, "contacts", l.contacts);
	return OUTCOME_DONE;
}

/* On standard output there is the list, and nothing else. */
static void
print(const json_t *out)
{
	if (json_object_get(out, "file") == NULL)
		return;
	out_print(out_get(out, "file"));
	printf(": %lld may be contacted\n",
	    (long long)json_integer_value(json_object_get(out, "contacts")));
}

const struct command commands_audience[] = {
    {
	.name = "audience",
	.arguments = "PURPOSE",
	.summary = "Lists who may be contacted now",
	.about = "Address and language, decided as the milter decides. That "
		 "the list was made is\nrecorded in the ledger.",
	.min = 1,
	.max = 1,
	.options =
	    {
		{"channel", "CHANNEL", "the channel (email)"},
		{"format", "FORMAT", "csv or ndjson (csv)"},
		{"output", "FILE", "a new file, instead of standard output"},
	    },
	.run = run,
	.print = print,
    },
    {0},
};
