/* SPDX-License-Identifier: ISC */
/*
 * footer - the end of a message, filled in for one recipient
 *
 * A template is a text with {{unsubscribe_url}}, {{preferences_url}},
 * {{why_url}}, {{brand}} and {{purpose}} in it.
 */
#ifndef POLICY_FOOTER_H
#define POLICY_FOOTER_H

#include <stdbool.h>

struct arena;

struct footer_values {
	const char *unsubscribe_url, *preferences_url, *why_url;
	const char *brand, *purpose; /* UTF-8 */
};

/* `template` with its placeholders filled in, what is filled in escaped when
 * it is HTML; other text in braces stays.  In `a`; NULL when that is full. */
const char *footer_fill(struct arena *a, const char *template, bool html,
    const struct footer_values *v) __attribute__((nonnull, warn_unused_result));

#endif
