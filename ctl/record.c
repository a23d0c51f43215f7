/* SPDX-License-Identifier: ISC */
/*
 * record - a consent record in the terms of ISO/IEC TS 27560
 *
 * The same events once more, in the words that other consent systems read:
 * record header, processing (a purpose each), parties, events.  It says
 * nothing that the events of the proof do not say, but for names and titles.
 */
#include "proof.h"

#include <stdio.h>
#include <string.h>

#include "ledger.h"
#include "out.h"
#include "policy/act.h"
#include "policy/instant.h"

enum { NAME = 160 };

/* The entry of `list` whose `key` is `value`; NULL when there is none. */
static json_t *
find(const json_t *list, const char *key, const char *value)
{
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (strcmp(out_get(one, key), value) == 0)
			return one;
	}
	return NULL;
}

static void
add_purpose(
    json_t *purposes, const struct pg_rows *rows, size_t i, const char *name)
{
	json_t *one = out_object(purposes);

	out_text(one, "purpose", name);
	out_text(one, "purpose_title", pg_rows_text(rows, i, PERSON_TITLE));
	out_text(one, "lawful_basis", pg_rows_text(rows, i, PERSON_BASIS));
	out_item(out_array(one, "pii_controllers"),
	    pg_rows_text(rows, i, PERSON_BRAND));
	out_text(out_object(out_array(one, "pii_information")), "pii_type",
	    "contact address");
	out_text(one, "processing_method", "sending messages");
	out_text(one, "withdrawal_method",
	    "the link in every message, or the controller");
}

static void
add_party(json_t *parties, const struct pg_rows *rows, size_t i)
{
	const char *brand = pg_rows_text(rows, i, PERSON_BRAND);
	json_t *one;

	if (find(parties, "party_id", brand) != NULL)
		return;
	one = out_object(parties);
	out_text(one, "party_id", brand);
	out_text(one, "party_name", pg_rows_text(rows, i, PERSON_BRAND_NAME));
	out_text(one, "party_role", "PII controller");
}

/* The text that the person was shown. */
static void
add_notice(json_t *one, const struct pg_rows *rows, size_t i)
{
	json_t *notice;

	if (pg_rows_null(rows, i, PERSON_LANGUAGE)) {
		out_text(one, "privacy_notice", NULL);
		return;
	}
	notice = out_member(one, "privacy_notice");
	out_text(notice, "language", pg_rows_text(rows, i, PERSON_LANGUAGE));
	out_int(notice, "version", pg_rows_int(rows, i, PERSON_VERSION));
	out_text(notice, "title", pg_rows_text(rows, i, PERSON_TEXT_TITLE));
	out_text(notice, "text", pg_rows_text(rows, i, PERSON_TEXT_BODY));
}

/* What shows that it was so; null once it has been erased. */
static void
add_evidence(json_t *one, const struct pg_rows *rows, size_t i)
{
	json_t *fields = pg_rows_null(rows, i, PERSON_FIELDS)
	    ? NULL
	    : json_loads(pg_rows_text(rows, i, PERSON_FIELDS), 0, NULL);

	out_put(one, "evidence", fields == NULL ? json_null() : fields);
}

static json_t *
add_event(json_t *events, const struct event *e, const char *purpose)
{
	const char *type = act_type(e->act), *state = act_state(e->act);
	json_t *one = out_object(events);
	char text[INSTANT_TEXT];

	out_int(one, "event_id", e->id);
	out_text(one, "event_time", instant_text(e->at, text));
	out_text(one, "event_type", type == NULL ? e->act : type);
	out_text(one, "event_state", state == NULL ? e->act : state);
	out_text(one, "entity_id", e->actor);
	out_text(one, "purpose", purpose);
	out_text(one, "channel", e->channel);
	out_text(one, "valid_until",
	    e->expires.there ? instant_text(e->expires.value, text) : NULL);
	out_text(one, "collection_method", e->source);
	return one;
}

json_t *
record_make(const struct pg_rows *rows, const char *address, int64_t size)
{
	json_t *record = out_new(), *purposes, *parties, *events, *one;
	char name[NAME];
	struct event e;

	out_text(record, "schema_version", "ISO/IEC TS 27560:2023");
	snprintf(name, sizeof(name), "contact %lld at %lld",
	    (long long)pg_rows_int(rows, 0, 4), (long long)size);
	out_text(record, "record_id", name);
	out_text(record, "pii_principal_id", address);
	purposes = out_array(out_member(record, "pii_processing"), "purposes");
	parties = out_array(record, "party_identification");
	events = out_array(record, "events");
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		bool about = !pg_rows_null(rows, i, PERSON_PURPOSE);

		if (pg_rows_null(rows, i, PERSON_NUMBER) ||
		    pg_rows_int(rows, i, PERSON_NUMBER) >= size)
			continue;
		snprintf(name, sizeof(name), "%s/%s",
		    pg_rows_text(rows, i, PERSON_BRAND),
		    pg_rows_text(rows, i, PERSON_PURPOSE));
		if (about && find(purposes, "purpose", name) == NULL) {
			add_purpose(purposes, rows, i, name);
			add_party(parties, rows, i);
		}
		ledger_event(rows, i, 0, &e);
		one = add_event(events, &e, about ? name : NULL);
		add_notice(one, rows, i);
		add_evidence(one, rows, i);
	}
	return record;
}
