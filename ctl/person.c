/* SPDX-License-Identifier: ISC */
/*
 * person - what is on record of a contact besides consents
 *
 * A contact is monitored by a brand while the brand's purpose for it stands
 * granted, on any channel; without such a purpose, never.
 */
#include "person.h"

#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"
#include "out.h"
#include "policy/store.h"

static const char *
text_at(const struct pg_rows *rows, size_t row, size_t col)
{
	return pg_rows_null(rows, row, col) ? NULL
					    : pg_rows_text(rows, row, col);
}

static int
add_contact(
    struct ctl *c, const struct pg_param *key, json_t *out, struct err *e)
{
	static const struct pg_statement get = {
	    .sql = "SELECT e.original, e.canonical, e.kind, c.language, "
		   "c.source, c.source_name, c.disclaimer, c.attributes, "
		   "c.id, floor(extract(epoch FROM c.disclaimer_at)), "
		   "floor(extract(epoch FROM c.created_at)) "
		   "FROM assent.endpoint e "
		   "JOIN assent.contact c ON c.id = e.contact_id "
		   "WHERE e.key = $1",
	};
	static const char *const keys[] = {"address", "canonical", "kind",
	    "language", "source", "source_name", "disclaimer"};
	struct pg_rows *rows;
	json_t *attributes;

	if (store_exec(c->store, &get, key, 1, &rows, e) != 0)
		return -1;
	if (pg_rows_count(rows) == 0) {
		pg_rows_free(&rows);
		return 0;
	}
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		out_text(out, keys[k], text_at(rows, 0, k));
	attributes = json_loads(pg_rows_text(rows, 0, 7), 0, NULL);
	out_put(
	    out, "attributes", attributes == NULL ? json_null() : attributes);
	out_int(out, "contact", pg_rows_int(rows, 0, 8));
	out_time(out, "disclaimer_at", pg_rows_int(rows, 0, 9));
	out_time(out, "created", pg_rows_int(rows, 0, 10));
	pg_rows_free(&rows);
	return 1;
}

static int
add_addresses(
    struct ctl *c, const struct pg_param *key, json_t *out, struct err *e)
{
	static const struct pg_statement list = {
	    .sql = "SELECT o.kind, o.original, o.canonical, "
		   "floor(extract(epoch FROM o.created_at)) "
		   "FROM assent.endpoint e JOIN assent.endpoint o "
		   "ON o.contact_id = e.contact_id WHERE e.key = $1 "
		   "ORDER BY o.kind, o.canonical",
	};
	struct pg_rows *rows;
	json_t *addresses;

	if (store_exec(c->store, &list, key, 1, &rows, e) != 0)
		return -1;
	addresses = out_array(out, "addresses");
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_t *one = out_object(addresses);

		out_text(one, "kind", pg_rows_text(rows, i, 0));
		out_text(one, "address", pg_rows_text(rows, i, 1));
		out_text(one, "canonical", pg_rows_text(rows, i, 2));
		out_time(one, "since", pg_rows_int(rows, i, 3));
	}
	pg_rows_free(&rows);
	return 0;
}

static int
add_monitoring(
    struct ctl *c, const struct pg_param *key, json_t *out, struct err *e)
{
	static const struct pg_statement list = {
	    .sql = "WITH stands AS MATERIALIZED ("
		   "SELECT f.purpose FROM assent.endpoint e CROSS JOIN "
		   "unnest(enum_range(NULL::assent.endpoint_kind)) AS k (kind) "
		   "CROSS JOIN LATERAL "
		   "assent.effective(ARRAY[e.contact_id], k.kind) AS f "
		   "WHERE e.key = $1 AND f.standing = 2 "
		   "AND coalesce(f.expires > now(), true)) "
		   "SELECT b.slug, p.slug, p.id IN (SELECT purpose FROM stands)"
		   " FROM assent.purpose p "
		   "JOIN assent.brand b ON b.id = p.brand_id "
		   "WHERE p.monitoring ORDER BY 1",
	};
	struct pg_rows *rows;
	json_t *brands;

	if (store_exec(c->store, &list, key, 1, &rows, e) != 0)
		return -1;
	brands = out_array(out, "monitoring");
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_t *one = out_object(brands);

		out_text(one, "brand", pg_rows_text(rows, i, 0));
		out_text(one, "purpose", pg_rows_text(rows, i, 1));
		out_bool(one, "on", pg_rows_text(rows, i, 2)[0] == 't');
	}
	pg_rows_free(&rows);
	return 0;
}

/* Those that decide where something stands for this person. */
static int
add_exemptions(
    struct ctl *c, const struct pg_param *key, json_t *out, struct err *e)
{
	static const struct pg_statement list = {
	    .sql = "SELECT x.name, b.slug || '/' || p.slug, x.owner, x.reason, "
		   "floor(extract(epoch FROM x.until)) "
		   "FROM assent.exemption x "
		   "JOIN assent.purpose p ON p.id = x.purpose_id "
		   "JOIN assent.brand b ON b.id = p.brand_id "
		   "WHERE x.until > now() AND x.name IN ("
		   "SELECT f.exemption FROM assent.endpoint e CROSS JOIN "
		   "unnest(enum_range(NULL::assent.endpoint_kind)) AS k (kind) "
		   "CROSS JOIN LATERAL "
		   "assent.effective(ARRAY[e.contact_id], k.kind) AS f "
		   "WHERE e.key = $1) ORDER BY 1",
	};
	static const char *const keys[] = {
	    "name", "purpose", "owner", "reason"};
	struct pg_rows *rows;
	json_t *exemptions;

	if (store_exec(c->store, &list, key, 1, &rows, e) != 0)
		return -1;
	exemptions = out_array(out, "exemptions");
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_t *one = out_object(exemptions);

		for (size_t k = 0; k < 4; k++)
			out_text(one, keys[k], pg_rows_text(rows, i, k));
		out_time(one, "until", pg_rows_int(rows, i, 4));
	}
	pg_rows_free(&rows);
	return 0;
}

/* Why nothing is on record; -1 in any case. */
static int
say_unknown(struct ctl *c, const struct endpoint *endpoint,
    const struct pg_param *key, struct err *e)
{
	static const struct pg_statement find = {
	    .sql = "SELECT erased_at::date FROM assent.erasure "
		   "WHERE key = $1 AND lifted_at IS NULL",
	};
	struct pg_rows *rows;

	if (store_exec(c->store, &find, key, 1, &rows, e) != 0)
		return -1;
	if (pg_rows_count(rows) > 0)
		err_set(e, ERR_REFUSED,
		    "nothing is on record for %s: the person was forgotten on "
		    "%s",
		    endpoint->canonical, pg_rows_text(rows, 0, 0));
	else
		err_set(e, ERR_REFUSED,
		    "nothing is on record for %s: the address is unknown",
		    endpoint->canonical);
	pg_rows_free(&rows);
	return -1;
}

int
person_read(struct ctl *c, const struct endpoint *endpoint,
    const struct addr_key *key, json_t *out, struct err *e)
{
	const struct pg_param param = {key->octets, sizeof(key->octets)};
	int known = add_contact(c, &param, out, e);

	if (known == 0)
		return say_unknown(c, endpoint, &param, e);
	if (known < 0 || add_addresses(c, &param, out, e) != 0 ||
	    add_monitoring(c, &param, out, e) != 0)
		return -1;
	return add_exemptions(c, &param, out, e);
}

static void
print_fact(const json_t *out, const char *key, const char *label)
{
	const char *text = out_get(out, key);

	if (text[0] == '\0')
		return;
	printf("%s ", label);
	out_print(text);
	putchar('\n');
}

static void
print_attributes(const json_t *out)
{
	json_t *attributes = json_object_get(out, "attributes"), *value;
	const char *name;

	json_object_foreach(attributes, name, value)
	{
		char *text = json_dumps(value, JSON_ENCODE_ANY);

		printf("attribute ");
		out_print(name);
		putchar('=');
		out_print(json_is_string(value) ? json_string_value(value)
			: text == NULL		? "?"
						: text);
		putchar('\n');
		free(text);
	}
}

void
person_print(const json_t *out)
{
	const json_t *one;
	size_t i;

	printf("contact %lld, ",
	    (long long)json_integer_value(json_object_get(out, "contact")));
	out_print(out_get(out, "address"));
	printf(", canonical ");
	out_print(out_get(out, "canonical"));
	putchar('\n');
	json_array_foreach(json_object_get(out, "addresses"), i, one)
	{
		printf("%s ", out_get(one, "kind"));
		out_print(out_get(one, "address"));
		printf(", since %s\n", out_get(one, "since"));
	}
	print_fact(out, "language", "language");
	print_fact(out, "source", "source");
	print_fact(out, "source_name", "source name");
	print_fact(out, "disclaimer", "disclaimer");
	print_fact(out, "disclaimer_at", "disclaimer accepted");
	print_attributes(out);
	json_array_foreach(json_object_get(out, "monitoring"), i, one)
	    printf("monitoring %s by %s (%s)\n",
		json_is_true(json_object_get(one, "on")) ? "on" : "off",
		out_get(one, "brand"), out_get(one, "purpose"));
	json_array_foreach(json_object_get(out, "exemptions"), i, one)
	{
		printf("exemption %s: %s until %s, ", out_get(one, "name"),
		    out_get(one, "purpose"), out_get(one, "until"));
		out_print(out_get(one, "owner"));
		printf(": ");
		out_print(out_get(one, "reason"));
		putchar('\n');
	}
}
