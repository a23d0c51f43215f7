/* SPDX-License-Identifier: ISC */
/*
 * leave - what is pressed to leave, to come back from a slip, and to pause
 */
#ifndef POLICY_LEAVE_H
#define POLICY_LEAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "channel.h"
#include "err.h"

struct changer;

enum { LEAVE_REFERENCE = 16 };

/* Who leaves what, by which door; the reference in the page by which it may be
 * taken back; `proof` is a JSON object of personal fields. */
struct leave {
	struct addr_key key;
	uint16_t purpose;
	enum channel channel;
	uint8_t reference[LEAVE_REFERENCE];
	const char *source, *proof;
};

/* As change_opt_out(), and keeps what it takes for as long as it may be taken
 * back. */
int leave_press(struct changer *ch, const struct leave *l, bool *changed,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* Takes a press back: what it took is in force again, as it was.  `*changed`
 * is false when that cannot be done any more. */
int leave_undo(struct changer *ch, const struct leave *l, bool *changed,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* Leaves what the link in a mail, with `l->reference`, was sent to ask about,
 * and to whom: of `l` nothing else is looked at but key and proof.  As
 * leave_press(); one that is over changes nothing. */
int leave_confirm(struct changer *ch, const struct leave *l, bool *changed,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* Pauses all that the preferences page of such a link shows until `until`, a
 * timestamp, or (NULL) ends the pause; unless `gives`, it only becomes longer.
 * Otherwise as leave_press(), without a reference. */
int leave_pause(struct changer *ch, const struct leave *l, const char *until,
    bool gives, bool *changed, struct err *e)
    __attribute__((nonnull(1, 2, 5, 6), warn_unused_result));

#endif
