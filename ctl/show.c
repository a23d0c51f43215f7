/* SPDX-License-Identifier: ISC */
/*
 * show - what is on record for one address
 *
 * The current state as the rules left it, not the ledger: how it came about is
 * the data protection officer's to read.
 */
#include <stdio.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/store.h"

/* The columns of the query below. */
enum {
	CONTACT,
	CANONICAL,
	ORIGINAL,
	BRAND,
	PURPOSE,
	CHANNEL,
	STATE,
	OBJECTED,
	RESTRICTED,
	EXPIRED,
	SINCE,
	EXPIRES
};

static const struct pg_statement query = {
    .sql = "SELECT e.contact_id, e.canonical, e.original, b.slug, p.slug, "
	   "c.channel, c.state, c.objected, c.restricted, "
	   "c.expires_at <= now(), floor(extract(epoch FROM c.since)), "
	   "floor(extract(epoch FROM c.expires_at)) "
	   "FROM assent.endpoint e "
	   "LEFT JOIN assent.consent c USING (contact_id) "
	   "LEFT JOIN assent.purpose p ON p.id = c.purpose_id "
	   "LEFT JOIN assent.brand b ON b.id = p.brand_id "
	   "WHERE e.key = $1 ORDER BY b.slug, p.slug, c.channel",
};

static bool
is_true(const struct pg_rows *rows, size_t row, size_t col)
{
	return pg_rows_text(rows, row, col)[0] == 't';
}

static void
add_consent(json_t *list, const struct pg_rows *rows, size_t i)
{
	json_t *one = out_object(list);

	out_text(one, "brand", pg_rows_text(rows, i, BRAND));
	out_text(one, "purpose", pg_rows_text(rows, i, PURPOSE));
	out_text(one, "channel", pg_rows_text(rows, i, CHANNEL));
	out_text(one, "state", pg_rows_text(rows, i, STATE));
	out_bool(one, "objected", is_true(rows, i, OBJECTED));
	out_bool(one, "restricted", is_true(rows, i, RESTRICTED));
	out_bool(one, "expired", is_true(rows, i, EXPIRED));
	out_time(one, "since", pg_rows_int(rows, i, SINCE));
	out_time(one, "expires", pg_rows_int(rows, i, EXPIRES));
}

static void
add_contact(json_t *out, const struct pg_rows *rows)
{
	json_t *list;

	out_int(out, "contact", pg_rows_int(rows, 0, CONTACT));
	out_text(out, "address", pg_rows_text(rows, 0, ORIGINAL));
	out_text(out, "canonical", pg_rows_text(rows, 0, CANONICAL));
	list = out_array(out, "consents");
	for (size_t i = 0; i < pg_rows_count(rows); i++)
		if (!pg_rows_null(rows, i, PURPOSE))
			add_consent(list, rows, i);
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	struct addr addr;
	struct addr_key key;
	const struct pg_param params[] = {{key.octets, sizeof(key.octets)}};
	struct pg_rows *rows;
	bool known;

	if (ctl_address(c, a->words[0], &addr, &key, e) != 0 ||
	    ctl_store(c, e) != 0 ||
	    store_exec(c->store, &query, params, 1, &rows, e) != 0)
		return OUTCOME_FAILED;
	known = pg_rows_count(rows) > 0;
	if (known)
		add_contact(out, rows);
	else
		err_set(e, ERR_REFUSED,
		    "nothing is on record for %s: the address is unknown",
		    addr.canonical);
	pg_rows_free(&rows);
	return known ? OUTCOME_DONE : OUTCOME_FAILED;
}

/* The flags in the words of the reasons, for the eye. */
static void
add_flags(json_t *one)
{
	char text[40] = "";
	size_t len = 0;

	for (const char *const *flag = (const char *const[]){"objected",
		 "restricted", "expired", NULL};
	     *flag != NULL; flag++)
		if (json_is_true(json_object_get(one, *flag)))
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    "%s%s", len == 0 ? "" : ",", *flag);
	out_text(one, "flags", len == 0 ? "-" : text);
	if (json_is_null(json_object_get(one, "expires")))
		out_text(one, "expires", "never");
}

static void
print(const json_t *out)
{
	static const struct out_column columns[] = {
	    {"brand", "BRAND"},
	    {"purpose", "PURPOSE"},
	    {"channel", "CHANNEL"},
	    {"state", "STATE"},
	    {"flags", "FLAGS"},
	    {"since", "SINCE"},
	    {"expires", "EXPIRES"},
	};
	json_t *list = json_object_get(out, "consents"), *one;
	size_t i;

	printf("contact %lld, ",
	    (long long)json_integer_value(json_object_get(out, "contact")));
	out_print(out_get(out, "address"));
	printf(", canonical ");
	out_print(out_get(out, "canonical"));
	putchar('\n');
	if (json_array_size(list) == 0) {
		puts("no consent on record");
		return;
	}
	json_array_foreach(list, i, one) add_flags(one);
	out_table(list, columns, sizeof(columns) / sizeof(columns[0]));
}

const struct command commands_show[] = {
    {
	.name = "show",
	.arguments = "ADDRESS",
	.summary = "Shows what is on record for an address",
	.min = 1,
	.max = 1,
	.run = run,
	.print = print,
    },
    {0},
};
