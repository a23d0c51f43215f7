/* SPDX-License-Identifier: ISC */
/*
 * catalog - what the configuration names, looked up in the database
 */
#ifndef POLICY_CATALOG_H
#define POLICY_CATALOG_H

#include "err.h"

struct conf;
struct store;

/* Gives every purpose of every stream its number and title, and every stream
 * the purpose of monitoring.  -1 and an error
 * that names stream and purpose when the database does not know one, or the
 * purpose does not use the stream's channel. Done once, before `c` is shared.
 */
int catalog_resolve(struct conf *c, struct store *s, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
