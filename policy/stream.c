/* SPDX-License-Identifier: ISC */
/*
 * stream - which message belongs to which class of traffic
 */
#include "stream.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
glob(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, FNM_CASEFOLD | FNM_NOESCAPE) == 0;
}

static bool
any_glob(const char *const *patterns, const char *text)
{
	if (patterns[0] == NULL)
		return true;
	for (; *patterns != NULL; patterns++)
		if (glob(*patterns, text))
			return true;
	return false;
}

/* A network as 128 bits: IPv4 in its mapped form (RFC 4291, 2.5.5.2). */
struct network {
	uint8_t octets[16];
	int bits;
};

static int
parse_network(const char *text, struct network *n, struct err *e)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
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
stream_check_client(const char *text, struct err *e)
{
	struct network n;

	return parse_network(text, &n, e);
}

static bool
in_network(const char *pattern, const uint8_t client[16])
{
	struct network n = {0};
	struct err ignored;
	uint8_t mask;

	if (parse_network(pattern, &n, &ignored) != 0 ||
	    memcmp(n.octets, client, (size_t)n.bits / 8) != 0)
		return false;
	if (n.bits % 8 == 0)
		return true;
	mask = (uint8_t)(0xff << (8 - n.bits % 8));
	return ((n.octets[n.bits / 8] ^ client[n.bits / 8]) & mask) == 0;
}

static bool
any_network(const char *const *patterns, const struct sockaddr *client)
{
	uint8_t octets[16] = {[10] = 0xff, [11] = 0xff};

	if (patterns[0] == NULL)
		return true;
	if (client == NULL)
		return false;
	if (client->sa_family == AF_INET)
		memcpy(octets + 12,
		    &((const struct sockaddr_in *)(const void *)client)
			 ->sin_addr,
		    4);
	else if (client->sa_family == AF_INET6)
		memcpy(octets,
		    &((const struct sockaddr_in6 *)(const void *)client)
			 ->sin6_addr,
		    16);
	else
		return false;
	for (; *patterns != NULL; patterns++)
		if (in_network(*patterns, octets))
			return true;
	return false;
}

static bool
takes(const struct stream_match *m, const struct stream_facts *f)
{
	return any_glob(m->listener, f->listener) &&
	    any_glob(m->login, f->login) && any_glob(m->sender, f->sender) &&
	    any_network(m->client, f->client);
}

const struct stream *
stream_classify(
    const struct stream *streams, size_t n, const struct stream_facts *f)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < streams[i].n_matches; j++)
			if (takes(&streams[i].matches[j], f))
				return &streams[i];
	return NULL;
}

const struct stream_purpose *
stream_purpose(const struct stream *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->n_purposes; i++)
		if (strlen(s->purposes[i].name) == len &&
		    memcmp(s->purposes[i].name, name, len) == 0)
			return &s->purposes[i];
	return NULL;
}
