/* SPDX-License-Identifier: ISC */
/*
 * apply - act on what was decided
 */
#ifndef MILTER_APPLY_H
#define MILTER_APPLY_H

#include <libmilter/mfapi.h>
#include <stdbool.h>

#include "policy/reason.h"

struct recipient;
struct session;

/* Sets the reply that `reason` has in the table, naming the purpose and the
 * reference of `r` (may be NULL), and returns the status that goes with it. */
sfsistat apply_reply(SMFICTX *ctx, enum reason reason,
    const struct recipient *r) __attribute__((nonnull(1)));

/* The end of a message: settles the purpose, decides about everybody not yet
 * decided about, tells the sender who is dropped, edits the headers.  The
 * status for the MTA, its reply set. */
sfsistat apply_end(SMFICTX *ctx, struct session *s) __attribute__((nonnull));

/* The opt-outs by mail among the recipients: acts on them and takes them off
 * the message.  Whether the message goes on; if not, `*status` is for the MTA.
 */
bool apply_opt_outs(SMFICTX *ctx, struct session *s, sfsistat *status)
    __attribute__((nonnull, warn_unused_result));

/* The end of a message in no stream. */
sfsistat apply_end_unclassified(SMFICTX *ctx, struct session *s)
    __attribute__((nonnull));

#endif
