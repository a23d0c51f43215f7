/* SPDX-License-Identifier: ISC */
/*
 * verify - the command "ledger verify", which checkpoint.c lists
 */
#ifndef CTL_VERIFY_H
#define CTL_VERIFY_H

#include <jansson.h>

#include "command.h"

enum outcome verify_run(struct ctl *c, const struct args *a, json_t *out,
    struct err *e) __attribute__((nonnull));
void verify_print(const json_t *out) __attribute__((nonnull));

#endif
