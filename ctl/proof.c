/* SPDX-License-Identifier: ISC */
/*
 * proof - one person's ledger as a document that stands alone
 *
 * Who reads it needs the public key and nothing else: the facts give the
 * leaves, the paths lead from there to a signed root, salts open what is
 * personal.  What no leaf covers, such as a purpose's title, is covered by a
 * signature over the whole.
 */
#include "proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "ctl.h"
#include "ledger.h"
#include "out.h"
#include "policy/conf.h"
#include "policy/instant.h"
#include "policy/keys.h"
#include "save.h"

const char *
proof_hex(const uint8_t *octets, size_t n, char out[PROOF_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[octets[i] >> 4];
		out[2 * i + 1] = digits[octets[i] & 15];
	}
	out[2 * n] = '\0';
	return out;
}

char *
proof_signed_text(const json_t *document)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)document);
	char *text = NULL;

	if (copy != NULL) {
		json_object_del(copy, "signature");
		text = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
	}
	json_decref(copy);
	return text;
}

static void
out_number(json_t *o, const char *key, const struct event_number *n)
{
	if (n->there)
		out_int(o, key, n->value);
	else
		out_text(o, key, NULL);
}

static void
add_facts(json_t *facts, const struct event *e)
{
	char text[INSTANT_TEXT], hex[PROOF_HEX];

	out_int(facts, "id", e->id);
	out_text(facts, "recorded_at", instant_text(e->recorded_at, text));
	out_text(facts, "at", instant_text(e->at, text));
	out_text(facts, "act", e->act);
	out_number(facts, "contact_id", &e->contact);
	out_number(facts, "purpose_id", &e->purpose);
	out_text(facts, "channel", e->channel);
	out_text(facts, "expires_at",
	    e->expires.there ? instant_text(e->expires.value, text) : NULL);
	out_text(facts, "source", e->source);
	out_text(facts, "actor", e->actor);
	out_text(facts, "commitment",
	    proof_hex(e->commitment.octets, MERKLE_HASH, hex));
	out_number(facts, "about", &e->about);
	out_number(facts, "text_id", &e->text);
	out_text(facts, "detail", e->detail);
}

static void
add_personal(json_t *one, const struct pg_rows *rows, size_t i)
{
	char hex[PROOF_HEX];
	const uint8_t *salt;
	json_t *personal;
	size_t len;

	if (pg_rows_null(rows, i, PERSON_SALT)) {
		out_text(one, "personal", NULL);
		return;
	}
	salt = pg_rows_octets(rows, i, PERSON_SALT, &len);
	personal = out_member(one, "personal");
	out_text(personal, "salt", proof_hex(salt, len > 64 ? 64 : len, hex));
	out_text(personal, "fields", pg_rows_text(rows, i, PERSON_FIELDS));
}

static int
add_event(json_t *list, const struct pg_rows *rows, size_t i,
    const struct merkle_source *s, int64_t size, struct err *e)
{
	int64_t number = pg_rows_int(rows, i, PERSON_NUMBER);
	json_t *one = out_object(list), *hashes;
	struct merkle_path path;
	char hex[PROOF_HEX];
	struct event event;

	ledger_event(rows, i, 0, &event);
	out_int(one, "leaf", number);
	add_facts(out_member(one, "facts"), &event);
	add_personal(one, rows, i);
	if (merkle_inclusion(s, (uint64_t)number, (uint64_t)size, &path, e) !=
	    0)
		return -1;
	hashes = out_array(one, "path");
	for (size_t k = 0; k < path.n; k++)
		out_item(
		    hashes, proof_hex(path.hash[k].octets, MERKLE_HASH, hex));
	return 0;
}

static void
add_checkpoint(json_t *o, const struct checkpoint *c)
{
	char text[INSTANT_TEXT], hex[PROOF_HEX];

	out_int(o, "number", c->number);
	out_int(o, "size", c->size);
	out_text(o, "root", proof_hex(c->root.octets, MERKLE_HASH, hex));
	out_text(o, "at", instant_text(c->signed_at, text));
	out_int(o, "key", c->key);
	out_int(o, "last", c->last);
	out_int(o, "horizon", c->horizon);
	out_int(o, "settled", c->settled);
	out_text(
	    o, "signature", proof_hex(c->signature, CHECKPOINT_SIGNATURE, hex));
}

static int
sign_whole(json_t *out, const struct keys_ledger *key, struct err *e)
{
	uint8_t signature[CHECKPOINT_SIGNATURE];
	char *text = proof_signed_text(out), hex[PROOF_HEX];

	if (text == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	checkpoint_sign_text(PROOF_FORMAT, text, key, signature);
	free(text);
	out_text(
	    out, "signature", proof_hex(signature, sizeof(signature), hex));
	return 0;
}

static int
build(json_t *out, const struct pg_rows *rows, const struct checkpoint *c,
    const struct merkle_source *s, struct err *e)
{
	json_t *list = out_array(out, "events");
	int64_t unsigned_events = 0;

	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		if (pg_rows_null(rows, i, PERSON_NUMBER) ||
		    pg_rows_int(rows, i, PERSON_NUMBER) >= c->size)
			unsigned_events++;
		else if (add_event(list, rows, i, s, c->size, e) != 0)
			return -1;
	}
	out_int(out, "unsigned", unsigned_events);
	add_checkpoint(out_member(out, "checkpoint"), c);
	if (json_array_size(list) > 0)
		return 0;
	return err_set(e, ERR_REFUSED,
	    "no signed root covers this person's events yet: run \"assentctl "
	    "ledger checkpoint\"");
}

/* The events of whoever has the address; the reading is recorded. */
static int
read_person(struct pg *p, const struct addr_key *key, struct pg_rows **rows,
    struct err *e)
{
	static const struct pg_statement get = {
	    .sql = "SELECT * FROM assent.person_ledger($1, 'proof')",
	    .binary = true,
	};
	const struct pg_param params[] = {{key->octets, sizeof(key->octets)}};

	return ledger_exec(p, &get, params, 1, rows, e);
}

static int export(struct ctl *c, struct pg *p, const struct args *a,
    json_t *out, struct err *e)
{
	const struct keys_ledger *key;
	struct merkle_source s = ledger_source(p);
	struct checkpoint last = {.size = 0};
	char text[INSTANT_TEXT];
	struct pg_rows *rows;
	struct addr_key of;
	struct endpoint to;
	int rc;

	if (ctl_endpoint(c, args_value(a, "kind"), a->words[0], &to, &of, e) !=
		0 ||
	    read_person(p, &of, &rows, e) != 0)
		return -1;
	rc = ledger_checkpoint(p, -1, &last, e) < 0 ? -1 : 0;
	key = keys_ledger_numbered(c->keys, last.key);
	if (rc == 0 && pg_rows_count(rows) == 0)
		rc = err_set(e, ERR_REFUSED,
		    "nothing is on record for %s: the address is unknown",
		    to.canonical);
	if (rc == 0 && last.size > 0 && key == NULL)
		rc = err_set(e, ERR_REFUSED,
		    "the keys file lacks ledger key %d, which signed "
		    "checkpoint %lld",
		    last.key, (long long)last.number);
	if (rc == 0) {
		out_text(out, "format", PROOF_FORMAT);
		out_text(out, "made_at", instant_text(instant_now(), text));
		out_text(out, "address", to.canonical);
		rc = build(out, rows, &last, &s, e);
	}
	if (rc == 0) {
		out_put(out, "consent_record",
		    record_make(rows, to.canonical, last.size));
		rc = sign_whole(out, key, e);
	}
	pg_rows_free(&rows);
	return rc;
}

static int
write_file(const char *path, const json_t *document, struct err *e)
{
	FILE *f = save_open(path, e);

	if (f == NULL)
		return -1;
	json_dumpf(document, f, JSON_INDENT(2));
	putc('\n', f);
	return save_close(f, path, true, e);
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *path = args_value(a, "out");
	json_t *document = path == NULL ? json_incref(out) : json_object();
	struct pg *p = NULL;
	int rc = -1;

	if (ctl_conf(c, e) == 0)
		p = ledger_open(c, c->conf->database.dpo_role, e);
	if (p != NULL)
		rc = export(c, p, a, document, e);
	pg_close(&p);
	if (rc == 0 && path != NULL)
		rc = write_file(path, document, e);
	if (rc == 0 && path != NULL) {
		out_text(out, "file", path);
		out_int(out, "events",
		    (long long)json_array_size(
			json_object_get(document, "events")));
		out_int(out, "unsigned",
		    json_integer_value(json_object_get(document, "unsigned")));
	}
	/* Half a document proves nothing. */
	if (rc != 0)
		json_object_clear(document);
	json_decref(document);
	return rc == 0 ? OUTCOME_DONE : OUTCOME_FAILED;
}

static void
print(const json_t *out)
{
	if (json_object_get(out, "file") == NULL) {
		json_dumpf(out, stdout, JSON_INDENT(2));
		putchar('\n');
		return;
	}
	out_print(out_get(out, "file"));
	printf(": %lld events, %lld not signed yet and left out\n",
	    (long long)json_integer_value(json_object_get(out, "events")),
	    (long long)json_integer_value(json_object_get(out, "unsigned")));
}

const struct command commands_proof[] = {
    {
	.name = "proof verify",
	.arguments = "FILE",
	.summary = "Checks a proof with nothing but the public key",
	.about = "Needs no configuration and no server. The exit status is 1 "
		 "when the proof does\nnot hold.",
	.min = 1,
	.max = 1,
	.options =
	    {
		{"key", "PUBLIC", "as \"ledger key\" printed it"},
	    },
	.run = examine_run,
	.print = examine_print,
    },
    {
	.name = "proof",
	.arguments = "ADDRESS",
	.summary = "Exports one person's ledger, provable to anybody",
	.about = "Reading it is recorded in it.",
	.min = 1,
	.max = 1,
	.options =
	    {
		{"out", "FILE", "a new file, instead of standard output"},
		CTL_KIND,
	    },
	.run = run,
	.print = print,
    },
    {0},
};
