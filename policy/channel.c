/* SPDX-License-Identifier: ISC */
/*
 * channel - the ways to reach a person
 */
#include "channel.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *word, *kind;
} table[] = {
#define X(id, number, word, kind) [id] = {word, kind},
    CHANNELS(X)
#undef X
};

_Static_assert(sizeof(table) / sizeof(table[0]) == CHANNEL_COUNT,
    "CHANNEL_COUNT counts CHANNELS");

const char *
channel_word(enum channel c)
{
	return table[c].word;
}

const char *
channel_kind(enum channel c)
{
	return table[c].kind;
}

bool
channel_parse(const char *word, enum channel *c)
{
	for (size_t i = 0; i < CHANNEL_COUNT; i++)
		if (strcmp(table[i].word, word) == 0) {
			*c = (enum channel)i;
			return true;
		}
	return false;
}
