/* SPDX-License-Identifier: ISC */
/*
 * reason - every answer Assent gives, once
 */
#include "reason.h"

#include <assert.h>

static const struct reason_info table[REASON_COUNT] = {
#define X(id, verdict, word, code, enhanced, text)                             \
	[id] = {verdict, word, code, enhanced, text},
    REASONS(X)
#undef X
};

const struct reason_info *
reason_info(enum reason r)
{
	assert(r < REASON_COUNT);
	return &table[r];
}
