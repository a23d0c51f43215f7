/* SPDX-License-Identifier: ISC */
/*
 * show - what is on record for one address
 *
 * The person's own state, and beside it what it comes to with what stands above
 * and what is required.  Not the ledger: how it came about is
 * the data protection officer's to read.
 */
#include <stdio.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/permit.h"
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
	SUSPENDED,
	EXPIRED,
	EFFECTIVE,
	SINCE,
	EXPIRES,
	ENDS
};

/* A row for what is on record, and for what follows from it. */
static const struct pg_statement query = {
    .sql = "WITH who AS (SELECT contact_id, canonical, original "
	   "FROM assent.endpoint WHERE key = $1), stands AS MATERIALIZED ("
	   "SELECT e.* FROM who CROSS JOIN "
	   "unnest(enum_range(NULL::assent.endpoint_kind)) AS k (kind) "
	   "CROSS JOIN LATERAL assent.effective(contact_id, kind) AS e), "
	   "pair AS (SELECT purpose_id, channel FROM assent.consent "
	   "JOIN who USING (contact_id) "
	   "UNION SELECT purpose, channel FROM stands) "
	   "SELECT w.contact_id, w.canonical, w.original, b.slug, p.slug, "
	   "k.channel, coalesce(c.state, 'none'), c.objected_at IS NOT NULL, "
	   "c.restricted_at IS NOT NULL, c.suspended_at IS NOT NULL, "
	   "coalesce(f.standing IN (2, 6) AND f.expires <= now(), false), "
	   "coalesce(f.standing, 0), floor(extract(epoch FROM c.since)), "
	   "floor(extract(epoch FROM c.expires_at)), "
	   "floor(extract(epoch FROM f.expires)) "
	   "FROM who w LEFT JOIN pair k ON true "
	   "LEFT JOIN assent.consent c ON c.contact_id = w.contact_id "
	   "AND c.purpose_id = k.purpose_id AND c.channel = k.channel "
	   "LEFT JOIN stands f "
	   "ON f.purpose = k.purpose_id AND f.channel = k.channel "
	   "LEFT JOIN assent.purpose p ON p.id = k.purpose_id "
	   "LEFT JOIN assent.brand b ON b.id = p.brand_id "
	   "ORDER BY b.slug, p.slug, k.channel",
};

/* The words of enum standing, but what has run out is expired. */
static const char *
effective_word(const struct pg_rows *rows, size_t i)
{
	static const char *const words[] = {
	    [STANDING_NONE] = "none",
	    [STANDING_PENDING] = "pending",
	    [STANDING_GRANTED] = "granted",
	    [STANDING_WITHDRAWN] = "withdrawn",
	    [STANDING_OBJECTED] = "objected",
	    [STANDING_RESTRICTED] = "restricted",
	    [STANDING_SUSPENDED] = "suspended",
	};

	if (pg_rows_text(rows, i, EXPIRED)[0] == 't')
		return "expired";
	return words[pg_rows_int(rows, i, EFFECTIVE) % STANDING_COUNT];
}

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
	out_bool(one, "suspended", is_true(rows, i, SUSPENDED));
	out_bool(one, "expired", is_true(rows, i, EXPIRED));
	out_time(one, "since", pg_rows_int(rows, i, SINCE));
	out_time(one, "expires", pg_rows_int(rows, i, EXPIRES));
	out_text(one, "effective", effective_word(rows, i));
	out_time(one, "ends", pg_rows_int(rows, i, ENDS));
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
		 "restricted", "suspended", NULL};
	     *flag != NULL; flag++)
		if (json_is_true(json_object_get(one, *flag)))
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    "%s%s", len == 0 ? "" : ",", *flag);
	out_text(one, "flags", len == 0 ? "-" : text);
	if (json_is_null(json_object_get(one, "ends")))
		out_text(one, "ends", "never");
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
	    {"effective", "EFFECTIVE"},
	    {"ends", "ENDS"},
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
