/* SPDX-License-Identifier: ISC */
/*
 * network - an IP address, or a network in CIDR form, as the configuration
 * names it (RFC 4632, RFC 4291)
 */
#ifndef POLICY_NETWORK_H
#define POLICY_NETWORK_H

#include <stdbool.h>
#include <sys/socket.h>

#include "err.h"

/* Whether `text` is an address or a network. 0, or -1 and `e`. */
int network_check(const char *text, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Whether the peer has an address in `network`; one that has no IP address at
 * all is in none.  An IPv4 address is the same when mapped into IPv6. */
bool network_has(const char *network, const struct sockaddr *peer)
    __attribute__((nonnull));

#endif
