/* SPDX-License-Identifier: ISC */
/*
 * decide - may this message go to this recipient?
 */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include <stdint.h>

#include "channel.h"
#include "reason.h"

struct permit;

struct decide_facts {
	/* The recipient's permit; NULL when it could not be had. */
	const struct permit *permit;
	/* The permit of the address without its +tag, which may only refuse.
	 * NULL when the address has none; when it has one that could not be
	 * had, `permit` is NULL too. */
	const struct permit *base;
	uint16_t purpose;
	enum channel channel;
	int64_t now; /* seconds since 1970 */
};

/* The reason, whose verdict reason_info() tells.  Pure: no I/O, no clock, no
 * allocation.  No facts, no mail: without a permit the answer is
 * REASON_UNREACHABLE, which defers. */
enum reason decide(const struct decide_facts *f) __attribute__((nonnull));

#endif
