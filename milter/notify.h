/* SPDX-License-Identifier: ISC */
/*
 * notify - tell the sender who will not get a message
 */
#ifndef MILTER_NOTIFY_H
#define MILTER_NOTIFY_H

#include "policy/err.h"

struct session;

/* Sends the sender of the session's message a delivery status notification
 * (RFC 3464) that names every refused recipient and why, from the null sender.
 * 0 only when the MTA has taken it: until then no recipient may be dropped. */
int notify_refused(const struct session *s, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
