/* SPDX-License-Identifier: ISC */
/*
 * evidence - what shows that a person acted as recorded
 *
 * What can be checked is: an IP address or a time that is none would be found
 * out by the very person who doubts the record.
 */
#include "evidence.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "ctl.h"
#include "policy/arena.h"
#include "policy/store.h"

/* Returns the value to keep, in the arena or the one given; NULL and `e`. */
static const char *
as_given(struct ctl *c, const char *option, const char *value, struct err *e)
{
	(void)c;
	if (value[0] != '\0')
		return value;
	err_set(e, ERR_REFUSED, "--%s is empty", option);
	return NULL;
}

/* One spelling of an address, as others will look for it. */
static const char *
as_ip(struct ctl *c, const char *option, const char *value, struct err *e)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct in6_addr octets;
	char text[INET6_ADDRSTRLEN];
	const char *ip;

	for (size_t i = 0; i < 2; i++) {
		if (inet_pton(families[i], value, &octets) != 1)
			continue;
		inet_ntop(families[i], &octets, text, sizeof(text));
		ip = arena_strdup(c->arena, text);
		if (ip == NULL)
			err_set(e, ERR_FATAL, "out of memory");
		return ip;
	}
	err_set(e, ERR_REFUSED, "--%s \"%s\" is no IP address", option, value);
	return NULL;
}

/* The option, what its value is called in the ledger, and who reads it. */
static const struct {
	const char *option, *field;
	const char *(*read)(struct ctl *c, const char *option,
	    const char *value, struct err *e);
} table[] = {
    {"evidence", "evidence", as_given},
    {"form", "form", as_given},
    {"document", "document", as_given},
    {"ip", "ip", as_ip},
    {"user-agent", "user_agent", as_given},
    {"message-id", "message_id", as_given},
    {"requested-at", "requested_at", ctl_time},
    {"confirmed-at", "confirmed_at", ctl_time},
};

static int
read_one(struct ctl *c, const struct args *a, size_t i, json_t *fields,
    struct err *e)
{
	const char *option = table[i].option, *value;

	if (!args_has(a, option) || args_value(a, option) == NULL)
		return 0;
	value = table[i].read(c, option, args_value(a, option), e);
	if (value == NULL)
		return -1;
	if (json_object_set_new(fields, table[i].field, json_string(value)) !=
	    0)
		return err_set(
		    e, ERR_REFUSED, "--%s is too long or not UTF-8", option);
	return 0;
}

int
evidence_read(
    struct ctl *c, const struct args *a, const char **fields, struct err *e)
{
	json_t *object = json_object();
	char *text = NULL;
	int rc = 0;

	*fields = NULL;
	for (size_t i = 0; rc == 0 && i < sizeof(table) / sizeof(table[0]); i++)
		rc = read_one(c, a, i, object, e);
	if (rc == 0 && json_object_size(object) > 0) {
		text = json_dumps(object, 0);
		if (text != NULL)
			*fields = arena_strdup(c->arena, text);
		if (*fields == NULL)
			rc = err_set(e, ERR_REFUSED, "too much evidence");
	}
	free(text);
	json_decref(object);
	return rc;
}

/* Says which texts there are. Returns -1. */
static int
refuse_text(struct ctl *c, const struct store_purpose *purpose,
    const char *number, const char *spec, struct err *e)
{
	static const struct pg_statement list = {
	    .sql = "SELECT string_agg(language || ':' || version, ', ' "
		   "ORDER BY language, version) FROM assent.purpose_text "
		   "WHERE purpose_id = $1::text::int",
	};
	const struct pg_param params[] = {{number, 0}};
	struct pg_rows *rows;
	bool none;

	if (store_exec(c->store, &list, params, 1, &rows, e) != 0)
		return -1;
	none = pg_rows_null(rows, 0, 0);
	err_set(e, ERR_REFUSED, "--text \"%s\": %s/%s has %s%s", spec,
	    purpose->brand, purpose->name, none ? "no text" : "the texts ",
	    none ? "" : pg_rows_text(rows, 0, 0));
	pg_rows_free(&rows);
	return -1;
}

int
evidence_text(struct ctl *c, const struct store_purpose *purpose,
    const char *spec, struct err *e)
{
	static const struct pg_statement find = {
	    .sql = "SELECT id FROM assent.purpose_text "
		   "WHERE purpose_id = $1::text::int "
		   "AND (language = $2 OR language || ':' || version = $2) "
		   "ORDER BY version DESC LIMIT 1",
	};
	char number[8];
	const struct pg_param params[] = {{number, 0}, {spec, 0}};
	struct pg_rows *rows;
	int id = 0;

	snprintf(number, sizeof(number), "%u", purpose->id);
	if (store_exec(c->store, &find, params, 2, &rows, e) != 0)
		return -1;
	if (pg_rows_count(rows) > 0)
		id = (int)pg_rows_int(rows, 0, 0);
	pg_rows_free(&rows);
	return id > 0 ? id : refuse_text(c, purpose, number, spec, e);
}
