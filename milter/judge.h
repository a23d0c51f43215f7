/* SPDX-License-Identifier: ISC */
/*
 * judge - one recipient: look up, decide, count, log
 */
#ifndef MILTER_JUDGE_H
#define MILTER_JUDGE_H

#include "policy/reason.h"

struct recipient;
struct session;
struct stream_purpose;

/* Decides about `r` for `purpose`, unless that was done or is settled. Sets
 * r->reason and what goes with it. */
void judge_recipient(struct session *s, struct recipient *r,
    const struct stream_purpose *purpose) __attribute__((nonnull));

/* Gives `r` a reason that is not its consent (too many, unreadable). */
void judge_otherwise(struct session *s, struct recipient *r, enum reason reason)
    __attribute__((nonnull));

/* Counts and logs what became of `r` in the end, once: refusals as they are
 * spoken, acceptances when the message has its queue id. */
void judge_conclude(const struct session *s, const struct recipient *r)
    __attribute__((nonnull));

#endif
