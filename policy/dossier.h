/* SPDX-License-Identifier: ISC */
/*
 * dossier - all that is held about one person, as a document for that person
 *
 * What SQL's assent.person_data() puts together, with its acts in words: as
 * JSON, or as CSV for a spreadsheet.  Every door that gives it out writes it
 * here, so that a person gets the same wherever they ask (GDPR Art. 15, 20).
 */
#ifndef POLICY_DOSSIER_H
#define POLICY_DOSSIER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "err.h"

/* Reads what SQL returned; to be released with json_decref().  NULL and `e`. */
json_t *dossier_read(const char *text, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Writes it as JSON; or as a sheet with a row for each value: part, number in
 * it, what, value. */
void dossier_write(const json_t *dossier, bool csv, FILE *f)
    __attribute__((nonnull));

#endif
