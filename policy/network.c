/* SPDX-License-Identifier: ISC */
/*
 * network - an IP address, or a network in CIDR form
 *
 * Both families are 128 bits here, IPv4 in its mapped form (RFC 4291, 2.5.5.2),
 * so that it does not matter on which kind of socket a peer came in.  What
 * cannot be understood has nobody in it.
 */
#include "network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct network {
	uint8_t octets[16];
	int bits;
};

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static int
parse(const char *text, struct network *n, struct err *e)
{
	char address[INET6_ADDRSTRLEN] = "", *end;
	size_t len = strcspn(text, "/");
	long bits = -1;
	int width = 128;

	if (len < sizeof(address))
		memcpy(address, text, len);
	if (text[len] == '/') {
		bits = strtol(text + len + 1, &end, 10);
		if (text[len + 1] < '0' || text[len + 1] > '9' || *end != '\0')
			return err_set(
			    e, ERR_FATAL, "\"%s\" is no network", text);
	}
	memcpy(n->octets, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, address, n->octets + 12) == 1)
		width = 32;
	else if (inet_pton(AF_INET6, address, n->octets) != 1)
		return err_set(e, ERR_FATAL, "\"%s\" is no address", text);
	if (bits > width)
		return err_set(e, ERR_FATAL,
		    "\"%s\" has more than %d bits of prefix", text, width);
	n->bits = bits < 0 ? 128 : 128 - width + (int)bits;
	return 0;
}

int
network_check(const char *text, struct err *e)
{
	struct network n;

	return parse(text, &n, e);
}

/* The peer's address as 128 bits; false when it has none. */
static bool
octets_of(const struct sockaddr *peer, uint8_t out[16])
{
	memcpy(out, mapped, sizeof(mapped));
	if (peer->sa_family == AF_INET)
		memcpy(out + 12,
		    &((const struct sockaddr_in *)(const void *)peer)->sin_addr,
		    4);
	else if (peer->sa_family == AF_INET6)
		memcpy(out,
		    &((const struct sockaddr_in6 *)(const void *)peer)
			 ->sin6_addr,
		    16);
	else
		return false;
	return true;
}

bool
network_has(const char *network, const struct sockaddr *peer)
{
	struct network n = {0};
	struct err ignored;
	uint8_t octets[16], mask;

	if (parse(network, &n, &ignored) != 0 || !octets_of(peer, octets) ||
	    memcmp(n.octets, octets, (size_t)n.bits / 8) != 0)
		return false;
	if (n.bits % 8 == 0)
		return true;
	mask = (uint8_t)(0xff << (8 - n.bits % 8));
	return ((n.octets[n.bits / 8] ^ octets[n.bits / 8]) & mask) == 0;
}
