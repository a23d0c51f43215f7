/* SPDX-License-Identifier: ISC */
/*
 * explain - what the milter would answer now, and why
 *
 * The same permit, the same decide(), the same reply.  The permit is read from
 * PostgreSQL, as a milter reads it that does not have it cached: only a program
 * that holds a lease may believe the cache (see policy/lease.h), and what a
 * milter with a lease believes is the same.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/channel.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/decide.h"
#include "policy/keys.h"
#include "policy/permit.h"
#include "policy/store.h"
#include "policy/stream.h"

/* An address's permit with the octets it points into. */
struct held {
	struct permit permit;
	uint8_t octets[PERMIT_MAX];
};

/* All that the answer rests on. */
struct question {
	const struct stream *stream;
	enum channel channel;
	struct endpoint endpoint;
	struct addr_key key;
	struct held own, base;
	int64_t now;
};

static int
find_stream(const struct conf *conf, const char *name,
    const struct stream **out, struct err *e)
{
	char names[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < conf->n_streams; i++) {
		*out = &conf->streams[i];
		if (strcmp((*out)->name, name) == 0)
			return 0;
		if (len < sizeof(names))
			len +=
			    (size_t)snprintf(names + len, sizeof(names) - len,
				"%s%s", i == 0 ? "" : ", ", (*out)->name);
	}
	return err_set(e, ERR_REFUSED,
	    "%s has no stream \"%s\"; its streams are: %s", conf->path, name,
	    names);
}

/* The permit of an endpoint of the question's kind. */
static int
hold(struct ctl *c, const char *kind, const char *canonical, struct held *h,
    struct err *e)
{
	struct addr_key key = addr_key(keys_index(c->keys), kind, canonical);
	long len =
	    store_permit(c->store, 0, &key, h->octets, sizeof(h->octets), e);

	if (len < 0)
		return -1;
	return permit_decode(h->octets, (size_t)len, &h->permit, e);
}

/* The channel asked about: the stream's, unless the address is of another kind
 * or another is given. */
static int
read_channel(const struct args *a, struct question *q, struct err *e)
{
	const char *word = args_value(a, "channel");
	const char *kind = q->endpoint.kind;

	q->channel = q->stream->channel;
	if (word == NULL && strcmp(channel_kind(q->channel), kind) == 0)
		return 0;
	if (ctl_channel(word, kind, &q->channel, e) != 0)
		return -1;
	if (strcmp(channel_kind(q->channel), kind) == 0)
		return 0;
	return err_set(e, ERR_REFUSED,
	    "channel %s needs an address of kind %s; this one is of kind %s",
	    channel_word(q->channel), channel_kind(q->channel), kind);
}

static int
prepare(struct ctl *c, const struct args *a, struct question *q, struct err *e)
{
	struct endpoint *to = &q->endpoint;

	if (ctl_conf(c, e) != 0 ||
	    find_stream(c->conf, a->words[1], &q->stream, e) != 0 ||
	    ctl_endpoint(
		c, args_value(a, "kind"), a->words[0], to, &q->key, e) != 0 ||
	    read_channel(a, q, e) != 0 || ctl_store(c, e) != 0 ||
	    hold(c, to->kind, to->canonical, &q->own, e) != 0)
		return -1;
	if (to->base != NULL && hold(c, to->kind, to->base, &q->base, e) != 0)
		return -1;
	q->now = clock_wall();
	return 0;
}

static const char *
verdict_word(enum verdict v)
{
	switch (v) {
	case VERDICT_DEFER:
		return "defer";
	case VERDICT_REFUSE:
		return "refuse";
	case VERDICT_ACCEPT:
		return "accept";
	}
	return "defer";
}

/* As the milter replies, but for the reference to its log that it adds.
 * `purpose` is NULL where there was none to look up. */
static void
add_reason(struct ctl *c, json_t *one, enum reason reason, const char *purpose)
{
	const struct reason_info *info = reason_info(reason);
	const char *text = info->text;

	if (purpose != NULL)
		text = arena_printf(c->arena, "%s (%s)", text, purpose);
	out_text(one, "verdict", verdict_word(info->verdict));
	out_text(one, "reason", info->word);
	out_text(one, "reply",
	    arena_printf(c->arena, "%s %s %s: %s", info->code, info->enhanced,
		info->word, text == NULL ? "" : text));
}

static const char *
standing_word(const struct permit *p, enum standing s)
{
	static const char *const words[STANDING_COUNT] = {
	    [STANDING_NONE] = "none",
	    [STANDING_PENDING] = "pending",
	    [STANDING_GRANTED] = "granted",
	    [STANDING_WITHDRAWN] = "withdrawn",
	    [STANDING_OBJECTED] = "objected",
	    [STANDING_RESTRICTED] = "restricted",
	    [STANDING_SUSPENDED] = "suspended",
	};

	if (p->erased)
		return "erased";
	return p->known ? words[s] : "unknown";
}

static void
add_standing(json_t *one, const struct question *q, uint16_t id)
{
	const struct permit *p = &q->own.permit;
	struct permit_pair pair = permit_find(p, id, q->channel);

	out_text(one, "standing", standing_word(p, pair.standing));
	out_time(one, "expires", pair.expires);
	out_text(one, "read", "database");
	if (q->endpoint.base == NULL)
		return;
	p = &q->base.permit;
	pair = permit_find(p, id, q->channel);
	out_text(one, "base_standing", standing_word(p, pair.standing));
}

/* The columns of the query below. */
enum {
	RELATION,
	BRAND,
	PURPOSE,
	BASIS,
	STATE,
	FLAGS,
	EVENT,
	STANDS,
	DECIDES,
	SINCE,
	EXPIRES,
	LEFT,
	EXEMPTION,
	PAUSED
};

/* Adds how the purpose came to stand where it does: brand, parents and
 * dependencies, what is on record for each, and the event that proves it. */
static int
add_path(struct ctl *c, const struct question *q, uint16_t id, json_t *one,
    struct err *e)
{
	static const struct pg_statement path = {
	    .name = "explain",
	    .sql = "SELECT relation, brand, purpose, basis, state, "
		   "concat_ws(',', CASE WHEN objected THEN 'objected' END, "
		   "CASE WHEN restricted THEN 'restricted' END, "
		   "CASE WHEN suspended THEN 'suspended' END), event_id, "
		   "standing, decides, floor(extract(epoch FROM since)), "
		   "floor(extract(epoch FROM expires)), "
		   "floor(extract(epoch FROM withdrawn_at)), exemption, "
		   "CASE WHEN paused > now() "
		   "THEN ceil(extract(epoch FROM paused)) END "
		   "FROM assent.explain($1, $2::text::int, "
		   "$3::text::assent.channel)",
	};
	static const char *const keys[] = {
	    "relation", "brand", "purpose", "basis", "state", "flags"};
	char number[8];
	const struct pg_param params[] = {{q->key.octets, ADDR_KEY},
	    {number, 0}, {channel_word(q->channel), 0}};
	struct pg_rows *rows;
	json_t *list;

	snprintf(number, sizeof(number), "%u", id);
	if (store_exec(c->store, &path, params, 3, &rows, e) != 0)
		return -1;
	list = out_array(one, "path");
	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		json_t *step = out_object(list);

		for (size_t k = 0; k <= FLAGS; k++)
			out_text(step, keys[k], pg_rows_text(rows, i, k));
		out_text(step, "stands",
		    standing_word(&q->own.permit,
			(enum standing)pg_rows_int(rows, i, STANDS)));
		if (pg_rows_null(rows, i, EVENT))
			out_text(step, "event", NULL);
		else
			out_int(step, "event", pg_rows_int(rows, i, EVENT));
		out_bool(
		    step, "decides", pg_rows_text(rows, i, DECIDES)[0] == 't');
		out_time(step, "since", pg_rows_int(rows, i, SINCE));
		out_time(step, "expires", pg_rows_int(rows, i, EXPIRES));
		out_time(step, "left", pg_rows_int(rows, i, LEFT));
		out_time(step, "paused_until", pg_rows_int(rows, i, PAUSED));
		out_text(step, "exemption",
		    pg_rows_null(rows, i, EXEMPTION)
			? NULL
			: pg_rows_text(rows, i, EXEMPTION));
	}
	pg_rows_free(&rows);
	return 0;
}

/* Adds the answer for one purpose. 1 granted, 0 not, -1 failed. */
static int
answer(struct ctl *c, const struct question *q,
    const struct stream_purpose *purpose, json_t *one, struct err *e)
{
	const struct stream *s = q->stream;
	struct decide_facts f = {
	    .permit = &q->own.permit,
	    .base = q->endpoint.base == NULL ? NULL : &q->base.permit,
	    .channel = q->channel,
	    .now = q->now,
	};
	struct store_purpose found;
	enum reason reason;

	if (store_purpose(
		c->store, c->arena, s->brand, purpose->name, &found, e) != 0)
		return err_prefix(e, "stream %s", s->name);
	f.purpose = found.id;
	reason = decide(&f);
	out_text(one, "purpose", purpose->name);
	out_bool(one, "default", purpose == s->purpose);
	add_reason(c, one, reason, purpose->name);
	add_standing(one, q, found.id);
	if (add_path(c, q, found.id, one, e) != 0)
		return -1;
	return reason == REASON_GRANTED;
}

/* The answer to a message without a purpose, or with a foreign one. */
static enum outcome
answer_none(struct ctl *c, const char *name, enum reason reason, json_t *list)
{
	json_t *one = out_object(list);

	out_text(one, "purpose", name);
	out_bool(one, "default", false);
	add_reason(c, one, reason, NULL);
	return OUTCOME_NO;
}

static enum outcome
answer_one(struct ctl *c, const struct question *q, const char *name,
    json_t *list, struct err *e)
{
	const struct stream_purpose *p =
	    stream_purpose(q->stream, name, strlen(name));
	int granted;

	if (p == NULL)
		return answer_none(c, name, REASON_PURPOSE, list);
	granted = answer(c, q, p, out_object(list), e);
	if (granted < 0)
		return OUTCOME_FAILED;
	return granted > 0 ? OUTCOME_DONE : OUTCOME_NO;
}

static enum outcome
answer_all(struct ctl *c, const struct question *q, json_t *list, struct err *e)
{
	const struct stream *s = q->stream;
	enum outcome outcome = s->purpose == NULL
	    ? answer_none(c, NULL, REASON_MISSING, list)
	    : answer_one(c, q, s->purpose->name, list, e);

	for (size_t i = 0; outcome != OUTCOME_FAILED && i < s->n_purposes; i++)
		if (&s->purposes[i] != s->purpose &&
		    answer(c, q, &s->purposes[i], out_object(list), e) < 0)
			outcome = OUTCOME_FAILED;
	return outcome;
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *purpose = args_value(a, "purpose");
	struct question q = {0};
	enum outcome outcome;
	json_t *list;

	if (prepare(c, a, &q, e) != 0)
		return OUTCOME_FAILED;
	out_text(out, "address", q.endpoint.canonical);
	out_text(out, "stream", q.stream->name);
	out_text(out, "brand", q.stream->brand);
	out_text(out, "channel", channel_word(q.channel));
	list = out_array(out, "purposes");
	outcome = purpose == NULL ? answer_all(c, &q, list, e)
				  : answer_one(c, &q, purpose, list, e);
	if (outcome == OUTCOME_FAILED)
		json_object_clear(out);
	else
		out_bool(out, "granted", outcome == OUTCOME_DONE);
	return outcome;
}

static void
print_fact(const json_t *one, const char *key, const char *label)
{
	const char *text = out_get(one, key);

	if (text[0] == '\0')
		return;
	printf("  %-10s ", label);
	out_print(text);
	putchar('\n');
}

/* One line a step: > marks what decided. */
static void
print_path(const json_t *one)
{
	const json_t *step;
	size_t i;

	json_array_foreach(json_object_get(one, "path"), i, step)
	{
		const json_t *event = json_object_get(step, "event");

		printf("  %c %-9s %s/%s",
		    json_is_true(json_object_get(step, "decides")) ? '>' : ' ',
		    out_get(step, "relation"), out_get(step, "brand"),
		    out_get(step, "purpose"));
		printf(" (%s): %s", out_get(step, "basis"),
		    out_get(step, "state"));
		if (out_get(step, "flags")[0] != '\0')
			printf(", %s", out_get(step, "flags"));
		if (out_get(step, "since")[0] != '\0')
			printf(" since %s", out_get(step, "since"));
		printf("; stands %s", out_get(step, "stands"));
		if (out_get(step, "expires")[0] != '\0')
			printf(" until %s", out_get(step, "expires"));
		if (out_get(step, "paused_until")[0] != '\0')
			printf(
			    ", paused until %s", out_get(step, "paused_until"));
		if (json_is_integer(event))
			printf(", event %lld",
			    (long long)json_integer_value(event));
		if (out_get(step, "exemption")[0] != '\0')
			printf(", by the exemption %s",
			    out_get(step, "exemption"));
		putchar('\n');
	}
}

static void
print(const json_t *out)
{
	const json_t *one;
	size_t i;

	out_print(out_get(out, "address"));
	printf(", stream %s, brand %s, by %s\n", out_get(out, "stream"),
	    out_get(out, "brand"), out_get(out, "channel"));
	json_array_foreach(json_object_get(out, "purposes"), i, one)
	{
		const char *name = out_get(one, "purpose");

		putchar('\n');
		out_print(name[0] == '\0' ? "no purpose named" : name);
		puts(json_is_true(json_object_get(one, "default"))
			? " (default)"
			: "");
		print_fact(one, "verdict", "verdict");
		print_fact(one, "reason", "reason");
		print_fact(one, "reply", "reply");
		print_fact(one, "standing", "standing");
		print_fact(one, "base_standing", "no +tag");
		print_fact(one, "expires", "expires");
		print_fact(one, "read", "read from");
		print_path(one);
	}
}

const struct command commands_explain[] = {
    {
	.name = "explain",
	.arguments = "ADDRESS STREAM",
	.summary = "Says what the milter would answer now, and why",
	.about = "Answers for each purpose that the stream allows, its "
		 "default first. Exit status\n0 when the default, or the one "
		 "given by --purpose, is granted; else 1.",
	.min = 2,
	.max = 2,
	.options =
	    {
		{"purpose", "PURPOSE", "as if Consent-Purpose named it"},
		{"channel", "CHANNEL", "as if the stream sent by it"},
		CTL_KIND,
	    },
	.run = run,
	.print = print,
    },
    {0},
};
