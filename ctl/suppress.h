/* SPDX-License-Identifier: ISC */
/*
 * suppress - the lists of those who must not be written to, of other systems
 *
 * Each is read as withdrawals (who unsubscribed) and suspensions (bounces and
 * complaints); nothing in them ever grants.
 */
#ifndef CTL_SUPPRESS_H
#define CTL_SUPPRESS_H

#include "columns.h"

enum { SUPPRESS_NAMES = 10, SUPPRESS_WORDS = 6 };

struct suppress {
	const char *name;
	const char *wrapper; /* of a JSON document: the array's member */
	/* What its columns are called; those not here are left alone. */
	struct suppress_name {
		const char *name;
		enum column column;
		bool bounce; /* who has a value here bounced or complained */
	} names[SUPPRESS_NAMES];
	/* What the words of its column for the state mean; state NULL: no
	 * suppression.  Without such a column, or words: withdrawn. */
	struct suppress_word {
		const char *word, *state;
	} words[SUPPRESS_WORDS];
};

/* By name; NULL and `e`, which says what there is. */
const struct suppress *suppress_find(const char *name, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* The column that `name` is. False for one that does not matter. */
bool suppress_column(const struct suppress *s, const char *name,
    const struct suppress_name **out) __attribute__((nonnull));

/* Puts the state in our own word into `v`. 1; 0 when the record suppresses
 * nobody; -1 and `e` for a word that is not known. */
int suppress_state(const struct suppress *s, struct values *v, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
