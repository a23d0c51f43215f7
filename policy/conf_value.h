/* SPDX-License-Identifier: ISC */
/*
 * conf_value - what each key of the configuration may hold
 *
 * Private to conf*.c: the one table that drives parser, check and dump.
 */
#ifndef POLICY_CONF_VALUE_H
#define POLICY_CONF_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct conf;

enum conf_type { TYPE_TEXT, TYPE_NUMBER, TYPE_DURATION, TYPE_WORD };

struct conf_key {
	const char *section, *name;
	enum conf_type type;
	size_t offset;	    /* in struct conf */
	const char *preset; /* NULL: must be given */
	int64_t min, max;
	const char *const *words; /* of a TYPE_WORD, in the enum's order */
	int (*check)(const char *text, struct err *e);
	const char *help;
};

/* The table, its sections in one piece each. */
extern const struct conf_key conf_keys[];
extern const size_t conf_keys_count;

/* The words of a stream's keys, NULL-terminated, in the enums' order. */
extern const char *const conf_recipients_words[];
extern const char *const conf_author_words[];
extern const char *const conf_signed_words[];

/* The table's line for a key, or NULL. */
const struct conf_key *conf_find_key(const char *section, const char *name)
    __attribute__((nonnull));

/* Puts `text` where the key's value belongs; with `c` NULL, only checks it.
 * -1 and what would be right. */
int conf_set(struct conf *c, const struct conf_key *k, const char *text,
    struct err *e) __attribute__((nonnull(2, 3, 4), warn_unused_result));

/* A duration such as 200ms, 5s, 10m, 2h or 1d, in nanoseconds. */
int conf_parse_duration(const char *text, int64_t *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* The place of `text` among `words`. */
int conf_parse_word(const char *const *words, const char *text, int *out,
    struct err *e) __attribute__((nonnull, warn_unused_result));

#endif
