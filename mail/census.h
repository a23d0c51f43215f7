/* SPDX-License-Identifier: ISC */
/*
 * census - whether what GMime builds of a message is small
 */
#ifndef MAIL_CENSUS_H
#define MAIL_CENSUS_H

#include <stdbool.h>
#include <stddef.h>

/* True if it takes less than a megabyte, the message itself aside. */
bool census_modest(const char *head, size_t head_len, const char *body,
    size_t len) __attribute__((nonnull, warn_unused_result));

#endif
