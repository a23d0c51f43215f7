/* SPDX-License-Identifier: ISC */
/*
 * row - one record of an import, checked, as rows for the database
 *
 * Addresses go through addr_parse() like at every other door: an import that
 * spelt them its own way would record consents that no milter finds.  What a
 * record may change is not decided here but in SQL; here is decided whether it
 * says anything that can be understood.
 */
#include "row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "policy/arena.h"
#include "policy/channel.h"
#include "policy/endpoint.h"
#include "policy/instant.h"
#include "suppress.h"

#define MINUTE (60 * INT64_C(1000000))
#define DAY (24 * 60 * MINUTE)

/* 1970: nobody consented by a computer before that. */
#define EARLIEST (-INT64_C(946684800) * 1000000)

enum { SOURCE_MAX = 200, LANGUAGE_MAX = 35, NUMBER = 24, EPOCH_MAX = 11 };

const char row_copy[] = "COPY staged (number, key, kind, canonical, original, "
			"purpose, channel, act, at, expires, source, language, "
			"version, fields, attributes) FROM STDIN";

/* The acts that states are imported as. */
static const struct {
	const char *state, *act;
	bool gives;
} acts[] = {
    {"granted", "grant", true},
    {"pending", "pend", true},
    {"withdrawn", "withdraw", false},
    {"objected", "object", false},
    {"restricted", "restrict", false},
    {"suspended", "suspend", false},
};

/* What all rows of a record have in common. */
struct checked {
	enum channel channel;
	const char *act;
	struct endpoint endpoint;
	bool gives;
	struct addr_key key;
	char at[INSTANT_TEXT], expires[INSTANT_TEXT]; /* "" for none */
};

static int
check_state(const struct values *v, struct checked *c, struct err *e)
{
	const char *state = v->of[COLUMN_STATE];

	if (state == NULL)
		return err_set(e, ERR_REFUSED, "no state");
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(acts[i].state, state) == 0) {
			c->act = acts[i].act;
			c->gives = acts[i].gives;
			return 0;
		}
	return err_set(e, ERR_REFUSED,
	    "state \"%s\" is none of granted, pending, withdrawn, objected, "
	    "restricted, suspended",
	    state);
}

static int
check_channel(const struct values *v, struct checked *c, struct err *e)
{
	const char *word = v->of[COLUMN_CHANNEL];

	c->channel = CHANNEL_EMAIL;
	if (word != NULL && !channel_parse(word, &c->channel))
		return err_set(e, ERR_REFUSED,
		    "channel \"%s\" is none of email, sms, voice, phone, "
		    "paper, "
		    "push, im",
		    word);
	return 0;
}

static int
check_address(const struct row_rules *rules, struct arena *a,
    const struct values *v, struct checked *c, struct err *e)
{
	const char *text = v->of[COLUMN_ADDRESS];

	if (text == NULL)
		return err_set(e, ERR_REFUSED, "no address");
	if (endpoint_parse(a, channel_kind(c->channel), text, strlen(text),
		&c->endpoint, e) != 0)
		return err_prefix(e, "address \"%s\"", text);
	c->key = endpoint_key(rules->secret, &c->endpoint);
	return 0;
}

/* Other systems also write seconds since 1970. */
static bool
read_epoch(const char *text, int64_t *t)
{
	size_t digits = strspn(text, "0123456789");
	char *end;
	double seconds = strtod(text, &end);

	if (digits < 9 || digits > EPOCH_MAX || *end != '\0')
		return false;
	*t = (int64_t)seconds * 1000000 + EARLIEST;
	return true;
}

static int
read_date(const struct row_rules *rules, const struct values *v,
    enum column column, int64_t *t, struct err *e)
{
	const char *text = v->of[column];

	if (!instant_read(text, t) &&
	    (rules->suppress == NULL || !read_epoch(text, t)))
		return err_set(e, ERR_REFUSED,
		    "%s \"%s\" is no date: write 2026-11-21 or "
		    "2026-11-21T18:00:00Z",
		    column_name(column), text);
	if (*t < EARLIEST)
		return err_set(e, ERR_REFUSED, "%s %s is before 1970",
		    column_name(column), text);
	return 0;
}

/* Whether `text`, a date, is one without a time. */
static bool
is_day(const char *text)
{
	return strlen(text) == sizeof("2026-11-21") - 1 && text[4] == '-';
}

/* Puts when the person acted.  Who refused on a day may have agreed earlier on
 * that day: so the refusal counts from its end, and on this day from now. */
static void
put_at(const struct row_rules *rules, const char *text, int64_t at,
    struct checked *c)
{
	if (c->gives || !is_day(text))
		instant_text(at, c->at);
	else if (at + DAY <= rules->now)
		instant_text(at + DAY - 1, c->at);
}

static int
check_dates(const struct row_rules *rules, const struct values *v,
    struct checked *c, struct err *e)
{
	int64_t at = rules->now, expires;

	if (v->of[COLUMN_AT] != NULL) {
		if (read_date(rules, v, COLUMN_AT, &at, e) != 0)
			return -1;
		if (at > rules->now + MINUTE)
			return err_set(e, ERR_REFUSED, "at %s is in the future",
			    v->of[COLUMN_AT]);
		put_at(rules, v->of[COLUMN_AT], at, c);
	}
	if (v->of[COLUMN_EXPIRES] == NULL)
		return 0;
	if (strcmp(c->act, "grant") != 0)
		return err_set(
		    e, ERR_REFUSED, "expires goes with state granted only");
	if (read_date(rules, v, COLUMN_EXPIRES, &expires, e) != 0)
		return -1;
	if (expires <= at)
		return err_set(e, ERR_REFUSED,
		    "expires %s is not after the consent",
		    v->of[COLUMN_EXPIRES]);
	instant_text(expires, c->expires);
	return 0;
}

/* RFC 5646, as far as it goes here: "pl", "pt-BR". */
static bool
is_language(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz");

	if (n < 2 || n > 3 || strlen(text) > LANGUAGE_MAX)
		return false;
	for (text += n; *text == '-'; text += n + 1) {
		n = strspn(text + 1,
		    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789");
		if (n < 2 || n > 8)
			return false;
	}
	return *text == '\0';
}

static int
check_rest(const struct values *v, struct err *e)
{
	const char *language = v->of[COLUMN_LANGUAGE];
	const char *version = v->of[COLUMN_TEXT_VERSION];
	const char *source = v->of[COLUMN_SOURCE];

	if (language != NULL && !is_language(language))
		return err_set(e, ERR_REFUSED,
		    "language \"%s\" is no code such as pl or pt-BR", language);
	if (version != NULL && language == NULL)
		return err_set(e, ERR_REFUSED, "text_version needs a language");
	if (version != NULL &&
	    (version[0] == '0' || strlen(version) > 9 ||
		strspn(version, "0123456789") != strlen(version)))
		return err_set(e, ERR_REFUSED,
		    "text_version \"%s\" is no number", version);
	if (source != NULL && strlen(source) > SOURCE_MAX)
		return err_set(e, ERR_REFUSED, "source has more than %d octets",
		    SOURCE_MAX);
	/* It is a fact of the ledger, which no erasure reaches. */
	if (source != NULL && strchr(source, '@') != NULL)
		return err_set(e, ERR_REFUSED,
		    "source \"%s\" has an @: it is kept for ever, so it names "
		    "no person",
		    source);
	return 0;
}

/* A column of COPY's text format; NULL and "" are SQL's NULL. */
static void
put(struct buf *out, const char *text)
{
	static const char special[] = "\\\t\n\r", letters[] = "\\tnr";

	buf_add(out, "\t", 1);
	if (text == NULL || text[0] == '\0') {
		buf_puts(out, "\\N");
		return;
	}
	while (*text != '\0') {
		size_t plain = strcspn(text, special);
		char escaped[2] = {'\\'};

		buf_add(out, text, plain);
		text += plain;
		if (*text == '\0')
			break;
		escaped[1] = letters[strchr(special, *text) - special];
		buf_add(out, escaped, 2);
		text++;
	}
}

static int
put_json(struct buf *out, json_t *object, struct err *e)
{
	char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);

	if (object != NULL && text == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	put(out, text);
	free(text);
	return 0;
}

static int
put_row(size_t number, const struct checked *c, const struct values *v,
    const struct directory_entry *purpose, json_t *fields, struct buf *out,
    struct err *e)
{
	char hex[ADDR_KEY_HEX];

	buf_printf(out, "%zu\t\\\\x%s", number, addr_key_hex(&c->key, hex));
	put(out, c->endpoint.kind);
	put(out, c->endpoint.canonical);
	put(out, c->endpoint.original);
	buf_printf(out, "\t%d", purpose->id);
	put(out, channel_word(c->channel));
	put(out, c->act);
	put(out, c->at);
	put(out, c->expires);
	put(out, v->of[COLUMN_SOURCE]);
	put(out, v->of[COLUMN_LANGUAGE]);
	put(out, v->of[COLUMN_TEXT_VERSION]);
	if (put_json(out, fields, e) != 0 ||
	    put_json(out, v->attributes, e) != 0)
		return -1;
	buf_add(out, "\n", 1);
	return 0;
}

/* The purpose that `*name`, a list that commas separate, begins with; moves on
 * to the next, NULL at the end. */
static const struct directory_entry *
next_purpose(const struct row_rules *rules, const char **name, struct err *e)
{
	size_t len = strcspn(*name, ",");
	const struct directory_entry *purpose =
	    directory_find(rules->directory, rules->brand, *name, len, e);

	*name = (*name)[len] == '\0' ? NULL : *name + len + 1;
	return purpose;
}

/* A row for each of the purposes, which commas separate. */
static int
put_rows(const struct row_rules *rules, size_t number, const struct checked *c,
    const struct values *v, json_t *fields, struct buf *out, struct err *e)
{
	const char *name = v->of[COLUMN_PURPOSE];
	const struct directory_entry *purpose;

	if (name == NULL)
		return err_set(e, ERR_REFUSED, "no purpose");
	while (name != NULL) {
		purpose = next_purpose(rules, &name, e);
		if (purpose == NULL)
			return -1;
		if (c->gives && (purpose->channels & 1U << c->channel) == 0)
			return err_set(e, ERR_REFUSED,
			    "purpose %s does not use the channel %s",
			    purpose->name, channel_word(c->channel));
		if (put_row(number, c, v, purpose, fields, out, e) != 0)
			return -1;
	}
	return 0;
}

static int
complete(const struct row_rules *rules, struct values *v, struct err *e)
{
	int rc = 1;

	if (rules->suppress != NULL)
		rc = suppress_state(rules->suppress, v, e);
	for (int i = 0; i < COLUMN_COUNT; i++)
		if (v->of[i] == NULL)
			v->of[i] = rules->of[i];
	return rc;
}

int
row_write(const struct row_rules *rules, struct arena *a, size_t number,
    struct values *v, struct buf out[ROW_LANES], struct err *e)
{
	struct checked c = {0};
	struct buf *lane;
	size_t before;
	json_t *fields = NULL;
	int rc = complete(rules, v, e);

	if (rc <= 0)
		return rc;
	if (check_state(v, &c, e) != 0 || check_channel(v, &c, e) != 0 ||
	    check_address(rules, a, v, &c, e) != 0 ||
	    check_dates(rules, v, &c, e) != 0 || check_rest(v, e) != 0)
		return -1;
	if (v->of[COLUMN_EVIDENCE] != NULL) {
		fields = json_pack("{s:s}", "evidence", v->of[COLUMN_EVIDENCE]);
		if (fields == NULL)
			return err_set(e, ERR_FATAL, "out of memory");
	}
	lane = &out[c.key.octets[0] % ROW_LANES];
	before = lane->len;
	rc = put_rows(rules, number, &c, v, fields, lane, e);
	json_decref(fields);
	if (rc == 0 && buf_failed(lane))
		rc = err_set(e, ERR_FATAL, "out of memory");
	if (rc != 0)
		lane->len = before;
	return rc;
}

int
row_check_defaults(const struct row_rules *rules, struct err *e)
{
	const char *purposes = rules->of[COLUMN_PURPOSE];
	struct values v;
	struct checked c = {0};

	memcpy(v.of, rules->of, sizeof(v.of));
	if (v.of[COLUMN_STATE] == NULL)
		v.of[COLUMN_STATE] = acts[0].state;
	while (purposes != NULL)
		if (next_purpose(rules, &purposes, e) == NULL)
			return -1;
	if (check_state(&v, &c, e) != 0 || check_channel(&v, &c, e) != 0 ||
	    check_dates(rules, &v, &c, e) != 0)
		return -1;
	return check_rest(&v, e);
}
