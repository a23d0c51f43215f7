/* SPDX-License-Identifier: ISC */
/*
 * examine - the command "proof verify"
 *
 * Believes nothing in the file: the signature of the whole, the signature of
 * the root, each leaf's way to that root, and each commitment are computed.
 * Texts are taken only in their one spelling, so that no two files prove the
 * same thing.
 */
#include "proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "ctl.h"
#include "out.h"
#include "policy/checkpoint.h"
#include "policy/event.h"
#include "policy/instant.h"
#include "policy/keys.h"

/* One pass: what was found to be wrong first is in `e`. */
struct examination {
	const json_t *document;
	uint8_t public[KEYS_PUBLIC];
	struct checkpoint checkpoint;
	struct err *e;
};

static int
wrong(struct examination *x, const char *what)
{
	return err_set(x->e, ERR_REFUSED, "%s", what);
}

static bool
get_int(const json_t *o, const char *key, int64_t *out)
{
	const json_t *v = json_object_get(o, key);

	*out = json_integer_value(v);
	return json_is_integer(v);
}

/* An integer or null. */
static bool
get_number(const json_t *o, const char *key, struct event_number *out)
{
	out->there = get_int(o, key, &out->value);
	return out->there || json_is_null(json_object_get(o, key));
}

static bool
get_instant(const json_t *o, const char *key, int64_t *out)
{
	return instant_parse(out_get(o, key), out);
}

/* Exactly `n` octets in lower-case hexadecimal. */
static bool
get_hex(const char *text, uint8_t *out, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	if (text == NULL || strlen(text) != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *high = strchr(digits, text[2 * i]),
			   *low = strchr(digits, text[2 * i + 1]);

		if (high == NULL || low == NULL)
			return false;
		out[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	return true;
}

static int
check_whole(struct examination *x)
{
	uint8_t signature[CHECKPOINT_SIGNATURE];
	char *text;
	bool good;

	if (strcmp(out_get(x->document, "format"), PROOF_FORMAT) != 0)
		return wrong(x, "this is no \"" PROOF_FORMAT "\"");
	text = proof_signed_text(x->document);
	good = text != NULL &&
	    get_hex(out_get(x->document, "signature"), signature,
		sizeof(signature)) &&
	    checkpoint_text_signed(PROOF_FORMAT, text, signature, x->public);
	free(text);
	return good ? 0
		    : wrong(x,
			  "the document was changed, or signed with another "
			  "key");
}

static int
check_checkpoint(struct examination *x)
{
	const json_t *o = json_object_get(x->document, "checkpoint");
	struct checkpoint *c = &x->checkpoint;
	int64_t key;

	if (!get_int(o, "number", &c->number) ||
	    !get_int(o, "size", &c->size) || !get_int(o, "key", &key) ||
	    !get_int(o, "last", &c->last) ||
	    !get_int(o, "horizon", &c->horizon) ||
	    !get_int(o, "settled", &c->settled) ||
	    !get_instant(o, "at", &c->signed_at) ||
	    !get_hex(out_get(o, "root"), c->root.octets, MERKLE_HASH) ||
	    !get_hex(
		out_get(o, "signature"), c->signature, CHECKPOINT_SIGNATURE))
		return wrong(x, "the checkpoint cannot be read");
	c->key = (int)key;
	if (c->size <= 0 || !checkpoint_signed(c, x->public))
		return wrong(x,
		    "the checkpoint was changed, or signed with another key");
	return 0;
}

static bool
read_facts(const json_t *o, struct event *e)
{
	const json_t *channel = json_object_get(o, "channel"),
		     *detail = json_object_get(o, "detail"),
		     *expires = json_object_get(o, "expires_at");

	*e = (struct event){
	    .act = json_string_value(json_object_get(o, "act")),
	    .channel = json_string_value(channel),
	    .detail = json_string_value(detail),
	    .source = json_string_value(json_object_get(o, "source")),
	    .actor = json_string_value(json_object_get(o, "actor")),
	};
	e->expires.there = json_is_string(expires);
	return get_int(o, "id", &e->id) &&
	    get_number(o, "contact_id", &e->contact) &&
	    get_instant(o, "recorded_at", &e->recorded_at) &&
	    get_instant(o, "at", &e->at) &&
	    get_number(o, "purpose_id", &e->purpose) &&
	    get_number(o, "about", &e->about) &&
	    get_number(o, "text_id", &e->text) && e->act != NULL &&
	    e->source != NULL && e->actor != NULL &&
	    (e->channel != NULL || json_is_null(channel)) &&
	    (e->detail != NULL || json_is_null(detail)) &&
	    (e->expires.there ? get_instant(o, "expires_at", &e->expires.value)
			      : json_is_null(expires)) &&
	    get_hex(
		out_get(o, "commitment"), e->commitment.octets, MERKLE_HASH);
}

static bool
read_path(const json_t *list, struct merkle_path *path)
{
	size_t n = json_array_size(list);

	path->n = 0;
	if (!json_is_array(list) || n > MERKLE_LEVELS)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!get_hex(json_string_value(json_array_get(list, i)),
			path->hash[path->n++].octets, MERKLE_HASH))
			return false;
	return true;
}

/* Whether the personal fields, where there still are any, are those that the
 * event commits to. */
static bool
opens(const json_t *personal, const struct event *e)
{
	const char *fields =
	    json_string_value(json_object_get(personal, "fields"));
	struct merkle_hash opened;
	uint8_t salt[32];

	if (json_is_null(personal))
		return true;
	if (fields == NULL ||
	    !get_hex(out_get(personal, "salt"), salt, sizeof(salt)))
		return false;
	event_commitment(salt, sizeof(salt), fields, &opened);
	return merkle_equal(&opened, &e->commitment);
}

static int
check_event(struct examination *x, const json_t *one)
{
	struct merkle_hash leaf;
	struct merkle_path path;
	struct event e;
	int64_t number;

	if (!read_facts(json_object_get(one, "facts"), &e) ||
	    !get_int(one, "leaf", &number) || number < 0 ||
	    !read_path(json_object_get(one, "path"), &path))
		return wrong(x, "an event cannot be read");
	event_leaf(&e, &leaf);
	if (!merkle_included(&leaf, (uint64_t)number,
		(uint64_t)x->checkpoint.size, &path, &x->checkpoint.root))
		return err_set(x->e, ERR_REFUSED,
		    "event %lld is not in the ledger that was signed",
		    (long long)e.id);
	if (!opens(json_object_get(one, "personal"), &e))
		return err_set(x->e, ERR_REFUSED,
		    "the personal fields of event %lld are not those that "
		    "were recorded",
		    (long long)e.id);
	return 0;
}

/* The parts first: they say best what is wrong. */
static int
examine(struct examination *x)
{
	const json_t *events = json_object_get(x->document, "events"), *one;
	size_t i;

	if (!json_is_object(x->document) || !json_is_array(events))
		return wrong(x, "this is no proof");
	if (check_checkpoint(x) != 0)
		return -1;
	json_array_foreach(events, i, one)
	{
		if (check_event(x, one) != 0)
			return -1;
	}
	return check_whole(x);
}

static void
tell(const struct examination *x, json_t *out)
{
	char text[INSTANT_TEXT];

	out_text(out, "address", out_get(x->document, "address"));
	out_int(out, "events",
	    (long long)json_array_size(json_object_get(x->document, "events")));
	out_int(out, "checkpoint", x->checkpoint.number);
	out_int(out, "size", x->checkpoint.size);
	out_text(out, "at", instant_text(x->checkpoint.signed_at, text));
}

enum outcome
examine_run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *key = args_value(a, "key"), *path = a->words[0];
	struct examination x = {.e = e};
	json_error_t why;
	json_t *document;
	bool good;

	(void)c;
	if (key == NULL || !keys_public_parse(key, x.public)) {
		err_set(e, ERR_REFUSED,
		    "proof verify needs --key PUBLIC, 32 octets in base64 as "
		    "\"assentctl ledger key\" prints them");
		return OUTCOME_USAGE;
	}
	document = strcmp(path, "-") == 0
	    ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &why)
	    : json_load_file(path, JSON_REJECT_DUPLICATES, &why);
	if (document == NULL) {
		err_set(e, ERR_REFUSED, "%s:%d: %s", path, why.line, why.text);
		return OUTCOME_FAILED;
	}
	x.document = document;
	good = examine(&x) == 0;
	out_bool(out, "ok", good);
	if (good)
		tell(&x, out);
	else
		out_text(out, "problem", e->text);
	json_decref(document);
	return good ? OUTCOME_DONE : OUTCOME_NO;
}

void
examine_print(const json_t *out)
{
	if (!json_is_true(json_object_get(out, "ok"))) {
		printf("the proof does not hold: ");
		out_print(out_get(out, "problem"));
		putchar('\n');
		return;
	}
	printf("the proof holds: %lld events of ",
	    (long long)json_integer_value(json_object_get(out, "events")));
	out_print(out_get(out, "address"));
	printf(" are in the ledger of %lld events signed as checkpoint %lld "
	       "at %s\n",
	    (long long)json_integer_value(json_object_get(out, "size")),
	    (long long)json_integer_value(json_object_get(out, "checkpoint")),
	    out_get(out, "at"));
}
