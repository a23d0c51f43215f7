/* SPDX-License-Identifier: ISC */
/*
 * client - where a request came from
 */
#ifndef WEB_CLIENT_H
#define WEB_CLIENT_H

#include <netinet/in.h>
#include <sys/socket.h>

enum { CLIENT_TEXT = INET6_ADDRSTRLEN };

/*
 * Writes the client's IP address, "" when it is not known.  `peer` is the
 * other end of the connection; `forwarded` the last X-Forwarded-For header,
 * or NULL.  Only the proxy is believed, which is a peer on a unix socket or in
 * the network `proxy`, and of its header only the last address, the one it
 * added itself; everybody else could write there what they like.
 */
void client_text(const struct sockaddr *peer, const char *forwarded,
    const char *proxy, char out[CLIENT_TEXT]) __attribute__((nonnull(1, 3, 4)));

#endif
