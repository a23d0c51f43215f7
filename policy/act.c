/* SPDX-License-Identifier: ISC */
/*
 * act - what the ledger's acts are called, in the terms of ISO/IEC TS 27560
 *
 * One table for the consent record that a proof has and for what a person
 * reads, so that both say the same.
 */
#include "act.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *act, *type, *state;
} words[] = {
    {"pend", "consent requested", "requested"},
    {"grant", "explicit consent", "given"},
    {"withdraw", "withdrawal", "withdrawn"},
    {"object", "objection", "objected"},
    {"lift-objection", "objection taken back", "lifted"},
    {"restrict", "restriction of processing", "restricted"},
    {"lift-restriction", "restriction ended", "lifted"},
    {"suspend", "suspension after bounces or complaints", "suspended"},
    {"unsuspend", "suspension ended", "lifted"},
    {"undo", "withdrawal taken back at once", "given"},
    {"reason", "reason for a withdrawal", "unchanged"},
    {"pause", "break until a later day", "suspended"},
    {"resume", "break ended", "lifted"},
    {"access", "record read", "unchanged"},
    {"erase", "personal data erased", "unchanged"},
    {"edit", "contact data changed", "unchanged"},
    {"define", "terms of processing changed", "unchanged"},
};

enum { WORDS = sizeof(words) / sizeof(words[0]) };

const char *
act_type(const char *act)
{
	for (size_t i = 0; i < WORDS; i++)
		if (strcmp(words[i].act, act) == 0)
			return words[i].type;
	return NULL;
}

const char *
act_state(const char *act)
{
	for (size_t i = 0; i < WORDS; i++)
		if (strcmp(words[i].act, act) == 0)
			return words[i].state;
	return NULL;
}
