/* SPDX-License-Identifier: ISC */
/*
 * decide - may this message go to this recipient?
 *
 * There is one way to yes, and it is the last line of judge(): a pair that is
 * granted, has not expired and is not paused.  Precedence between flags and
 * states was settled by SQL when the permit was packed; what is left for here
 * is time, erasure and the rule that a +tag may refuse but never grant.
 */
#include "decide.h"

#include <stdbool.h>
#include <stddef.h>

#include "permit.h"

static enum reason
judge(const struct permit *p, const struct decide_facts *f)
{
	struct permit_pair pair;

	if (p->erased)
		return REASON_ERASED;
	if (!p->known)
		return REASON_UNKNOWN;
	pair = permit_find(p, f->purpose, f->channel);
	switch (pair.standing) {
	case STANDING_NONE:
		return REASON_NO_CONSENT;
	case STANDING_PENDING:
		return REASON_PENDING;
	case STANDING_WITHDRAWN:
		return REASON_WITHDRAWN;
	case STANDING_OBJECTED:
		return REASON_OBJECTED;
	case STANDING_RESTRICTED:
		return REASON_RESTRICTED;
	case STANDING_SUSPENDED:
	case STANDING_GRANTED:
		break;
	}
	if (pair.expires != 0 && pair.expires <= f->now)
		return REASON_EXPIRED;
	if (pair.standing == STANDING_SUSPENDED)
		return REASON_SUSPENDED;
	return pair.paused > f->now ? REASON_PAUSED : REASON_GRANTED;
}

/* Whether the answer for the address without its +tag counts against the
 * tagged one.  The rights a person exercised as a person do; having left one
 * list under another address does not. */
static bool
base_refuses(enum reason base)
{
	return base == REASON_OBJECTED || base == REASON_RESTRICTED ||
	    base == REASON_ERASED;
}

enum reason
decide(const struct decide_facts *f)
{
	enum reason own, base;

	if (f->permit == NULL)
		return REASON_UNREACHABLE;
	own = judge(f->permit, f);
	if (own != REASON_GRANTED || f->base == NULL)
		return own;
	base = judge(f->base, f);
	return base_refuses(base) ? base : own;
}
