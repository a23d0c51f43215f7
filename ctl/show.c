/* SPDX-License-Identifier: ISC */
/*
 * show - what is on record for one address
 *
 * The contact's own data (person.c); and the person's own state for each
 * purpose, beside what it comes to with what stands above and what is
 * required.  Not the ledger: how it came about is the data protection
 * officer's to read.
 */
#include <stdio.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "person.h"
#include "policy/arena.h"
#include "policy/permit.h"
#include "policy/store.h"

/* The columns of the query below. */
enum {
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
	ENDS,
	EXEMPTION,
	PAUSED
};

/* A row for what is on record, and for what follows from it. */
static const struct pg_statement query = {
    .sql =
	"WITH who AS (SELECT contact_id FROM assent.endpoint "
	"WHERE key = $1), stands AS MATERIALIZED ("
	"SELECT e.* FROM who CROSS JOIN "
	"unnest(enum_range(NULL::assent.endpoint_kind)) AS k (kind) "
	"CROSS JOIN LATERAL assent.effective(ARRAY[contact_id], kind) AS e), "
	"pair AS (SELECT purpose_id, channel FROM assent.consent "
	"JOIN who USING (contact_id) "
	"UNION SELECT purpose, channel FROM stands) "
	"SELECT b.slug, p.slug, k.channel, coalesce(c.state, 'none'), "
	"floor(extract(epoch FROM c.objected_at)), "
	"floor(extract(epoch FROM c.restricted_at)), "
	"floor(extract(epoch FROM c.suspended_at)), "
	"coalesce(f.standing IN (2, 6) AND f.expires <= now(), false), "
	"coalesce(f.standing, 0), floor(extract(epoch FROM c.since)), "
	"floor(extract(epoch FROM c.expires_at)), "
	"floor(extract(epoch FROM f.expires)), f.exemption, "
	"CASE WHEN f.paused > now() "
	"THEN ceil(extract(epoch FROM f.paused)) END "
	"FROM who w CROSS JOIN pair k "
	"LEFT JOIN assent.consent c ON c.contact_id = w.contact_id "
	"AND c.purpose_id = k.purpose_id AND c.channel = k.channel "
	"LEFT JOIN stands f "
	"ON f.purpose = k.purpose_id AND f.channel = k.channel "
	"JOIN assent.purpose p ON p.id = k.purpose_id "
	"JOIN assent.brand b ON b.id = p.brand_id "
	"ORDER BY b.slug, p.slug, k.channel",
};

/* The words of enum standing, but what has run out is expired, and what is
 * granted may be paused. */
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
	if (pg_rows_int(rows, i, EFFECTIVE) == STANDING_GRANTED &&
	    !pg_rows_null(rows, i, PAUSED))
		return "paused";
	return words[pg_rows_int(rows, i, EFFECTIVE) % STANDING_COUNT];
}

/* A flag, and since when it stands. */
static void
add_flag(json_t *one, const struct pg_rows *rows, size_t i, size_t col,
    const char *flag, const char *since)
{
	out_bool(one, flag, !pg_rows_null(rows, i, col));
	out_time(one, since, pg_rows_int(rows, i, col));
}

static void
add_consent(json_t *list, const struct pg_rows *rows, size_t i)
{
	json_t *one = out_object(list);

	out_text(one, "brand", pg_rows_text(rows, i, BRAND));
	out_text(one, "purpose", pg_rows_text(rows, i, PURPOSE));
	out_text(one, "channel", pg_rows_text(rows, i, CHANNEL));
	out_text(one, "state", pg_rows_text(rows, i, STATE));
	add_flag(one, rows, i, OBJECTED, "objected", "objected_at");
	add_flag(one, rows, i, RESTRICTED, "restricted", "restricted_at");
	add_flag(one, rows, i, SUSPENDED, "suspended", "suspended_at");
	out_time(one, "paused_until", pg_rows_int(rows, i, PAUSED));
	out_bool(one, "expired", pg_rows_text(rows, i, EXPIRED)[0] == 't');
	out_time(one, "since", pg_rows_int(rows, i, SINCE));
	out_time(one, "expires", pg_rows_int(rows, i, EXPIRES));
	out_text(one, "effective", effective_word(rows, i));
	out_time(one, "ends", pg_rows_int(rows, i, ENDS));
	out_text(one, "exemption",
	    pg_rows_null(rows, i, EXEMPTION)
		? NULL
		: pg_rows_text(rows, i, EXEMPTION));
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	struct endpoint to;
	struct addr_key key;
	const struct pg_param params[] = {{key.octets, sizeof(key.octets)}};
	struct pg_rows *rows;
	json_t *list;

	if (ctl_endpoint(c, args_value(a, "kind"), a->words[0], &to, &key, e) !=
		0 ||
	    ctl_store(c, e) != 0 || person_read(c, &to, &key, out, e) != 0 ||
	    store_exec(c->store, &query, params, 1, &rows, e) != 0) {
		json_object_clear(out);
		return OUTCOME_FAILED;
	}
	list = out_array(out, "consents");
	for (size_t i = 0; i < pg_rows_count(rows); i++)
		add_consent(list, rows, i);
	pg_rows_free(&rows);
	return OUTCOME_DONE;
}

/* A consent's flags in the words of the reasons, with their days. */
static void
add_flags(json_t *one)
{
	static const char *const flags[][2] = {
	    {"objected", "objected_at"},
	    {"restricted", "restricted_at"},
	    {"suspended", "suspended_at"},
	};
	char text[128] = "";
	size_t len = 0;

	for (size_t i = 0; i < 3; i++)
		if (json_is_true(json_object_get(one, flags[i][0])))
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    "%s%s %.10s", len == 0 ? "" : ", ", flags[i][0],
			    out_get(one, flags[i][1]));
	if (!json_is_null(json_object_get(one, "paused_until")))
		snprintf(text + len, sizeof(text) - len, "%spaused until %.10s",
		    len == 0 ? "" : ", ", out_get(one, "paused_until"));
	out_text(one, "flags", text[0] == '\0' ? "-" : text);
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

	person_print(out);
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
	.options = {CTL_KIND},
	.run = run,
	.print = print,
    },
    {0},
};
