/* SPDX-License-Identifier: ISC */
/*
 * person - what is on record of a contact besides consents
 */
#ifndef CTL_PERSON_H
#define CTL_PERSON_H

#include <jansson.h>

#include "policy/err.h"

struct addr_key;
struct ctl;
struct endpoint;

/* Puts the contact who has the endpoint into `out`: data, all addresses, by
 * which brands it is monitored, the exemptions that are in force for it.  -1
 * and `e`, also when nobody has it. */
int person_read(struct ctl *c, const struct endpoint *endpoint,
    const struct addr_key *key, json_t *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Prints that. */
void person_print(const json_t *out) __attribute__((nonnull));

#endif
