/* SPDX-License-Identifier: ISC */
/*
 * proof - one person's ledger as a document that stands alone
 *
 * assent-proof(5) describes it.
 */
#ifndef CTL_PROOF_H
#define CTL_PROOF_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"

/* What the document calls itself, and the first line of what is signed. */
#define PROOF_FORMAT "assent proof 1"

enum { PROOF_HEX = 2 * 64 + 1 };

/* `n` octets, at most 64, in lower-case hexadecimal. Returns `out`. */
const char *proof_hex(const uint8_t *octets, size_t n, char out[PROOF_HEX])
    __attribute__((nonnull));

/* The text that the document's signature is made over: all members but
 * "signature", sorted, without spaces.  To be freed; NULL without memory. */
char *proof_signed_text(const json_t *document)
    __attribute__((nonnull, warn_unused_result));

struct pg_rows;

/* The columns of assent.person_ledger() after the facts. */
enum {
	PERSON_LEAF = 14,
	PERSON_SALT,
	PERSON_FIELDS,
	PERSON_NUMBER,
	PERSON_BRAND,
	PERSON_BRAND_NAME,
	PERSON_PURPOSE,
	PERSON_TITLE,
	PERSON_BASIS,
	PERSON_LANGUAGE,
	PERSON_VERSION,
	PERSON_TEXT_TITLE,
	PERSON_TEXT_BODY
};

/* The consent record (record.c) of the rows that have a leaf below `size`. */
json_t *record_make(const struct pg_rows *rows, const char *address,
    int64_t size) __attribute__((nonnull, returns_nonnull));

/* The command "proof verify" (examine.c). */
enum outcome examine_run(struct ctl *c, const struct args *a, json_t *out,
    struct err *e) __attribute__((nonnull));
void examine_print(const json_t *out) __attribute__((nonnull));

#endif
