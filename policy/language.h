/* SPDX-License-Identifier: ISC */
/*
 * language - the languages that a person can be written to in
 *
 * A permit says in which one, so that the data plane need not ask; it has room
 * for a number, and these are the numbers.  They are never reused; new ones go
 * to the end, up to 63.  sql/008-rules.sql has the same list.
 */
#ifndef POLICY_LANGUAGE_H
#define POLICY_LANGUAGE_H

#include <stddef.h>

enum { LANGUAGE_NONE = 0, LANGUAGE_COUNT = 48 };

/* The number of a language tag (RFC 5646) by its first subtag, in any case;
 * LANGUAGE_NONE for a language that is not here. */
unsigned int language_number(const char *tag, size_t len)
    __attribute__((nonnull, warn_unused_result));

/* The tag of a number, "" for LANGUAGE_NONE. */
const char *language_tag(unsigned int number) __attribute__((returns_nonnull));

#endif
