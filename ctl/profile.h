/* SPDX-License-Identifier: ISC */
/*
 * profile - what the pages have on which people see and change their data
 */
#ifndef CTL_PROFILE_H
#define CTL_PROFILE_H

#include "page/part.h"
#include "policy/err.h"

struct args;
struct ctl;

#define PROFILE_ABOUT                                                          \
	"A profile shows all that is held, or the parts in --show: language, " \
	"source,\ndisclaimer, attributes, attributes.NAME, addresses, "        \
	"consents, monitoring,\nexemptions, requests and history; \"all\" is " \
	"all.  What is in --edit can be\nchanged there: language, addresses, " \
	"attributes.NAME; \"none\" is nothing."

#define PROFILE_OPTIONS                                                        \
	{"speaks", "LANGUAGE", "a profile's; \"any\" is the reader's (any)"},  \
	    {"show", "PART,...", "what a profile shows (all)"},                \
	{                                                                      \
		"edit", "PART,...",                                            \
		    "what can be edited there (language,addresses)"            \
	}

/* Those options; NULL where one was not given, "" for the word that means
 * nothing. */
struct profile_choice {
	const char *speaks, *shows, *edits;
};

/* Whether they are for a page of that kind. -1 and `e`. */
int profile_check(const struct args *a, enum part_kind kind, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Reads them. -1 and `e` for what is no language or no text. */
int profile_read(const struct args *a, struct profile_choice *out,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* Adds the profile that "page add" names; the store is open. */
int profile_add(struct ctl *c, const struct args *a, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
