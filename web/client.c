/* SPDX-License-Identifier: ISC */
/*
 * client - where a request came from
 *
 * The address becomes part of the proof of a change, so it is read strictly:
 * what does not parse as an IP address is not recorded.
 */
#include "web/client.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "policy/network.h"

/* `s` in its usual spelling; an IPv4 address mapped into IPv6 as IPv4. */
static bool
normalise(const char *s, char out[CLIENT_TEXT])
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, s, &four) == 1)
		return inet_ntop(AF_INET, &four, out, CLIENT_TEXT) != NULL;
	if (inet_pton(AF_INET6, s, &six) != 1)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&six))
		return inet_ntop(AF_INET, &six.s6_addr[12], out, CLIENT_TEXT) !=
		    NULL;
	return inet_ntop(AF_INET6, &six, out, CLIENT_TEXT) != NULL;
}

static bool
last_address(const char *header, char out[CLIENT_TEXT])
{
	const char *comma = strrchr(header, ',');
	const char *from = comma == NULL ? header : comma + 1;
	char text[CLIENT_TEXT];
	size_t len;

	from += strspn(from, " \t");
	len = strcspn(from, " \t");
	if (len >= sizeof(text) ||
	    from[len + strspn(from + len, " \t")] != '\0')
		return false;
	memcpy(text, from, len);
	text[len] = '\0';
	return normalise(text, out);
}

static void
peer_text(const struct sockaddr *peer, char out[CLIENT_TEXT])
{
	char text[CLIENT_TEXT] = "";

	if (peer->sa_family == AF_INET)
		inet_ntop(AF_INET,
		    &((const struct sockaddr_in *)(const void *)peer)->sin_addr,
		    text, sizeof(text));
	else if (peer->sa_family == AF_INET6)
		inet_ntop(AF_INET6,
		    &((const struct sockaddr_in6 *)(const void *)peer)
			 ->sin6_addr,
		    text, sizeof(text));
	if (!normalise(text, out))
		out[0] = '\0';
}

/* A unix socket is for whom its directory lets in. */
static bool
believed(const struct sockaddr *peer, const char *proxy)
{
	return peer->sa_family == AF_UNIX || network_has(proxy, peer);
}

void
client_text(const struct sockaddr *peer, const char *forwarded,
    const char *proxy, char out[CLIENT_TEXT])
{
	peer_text(peer, out);
	if (forwarded != NULL && believed(peer, proxy) &&
	    !last_address(forwarded, out))
		out[0] = '\0';
}
