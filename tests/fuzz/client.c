/* SPDX-License-Identifier: ISC */
/* client - what a proxy says becomes an address, or nothing */
#include <arpa/inet.h>

#include "fuzz.h"
#include "web/client.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sockaddr proxy = {.sa_family = AF_UNIX};
	char *s = strndup((const char *)data, size), out[CLIENT_TEXT];
	struct in6_addr address;

	client_text(&proxy, s, "127.0.0.1", out);
	assert(out[0] == '\0' || inet_pton(AF_INET, out, &address) == 1 ||
	    inet_pton(AF_INET6, out, &address) == 1);
	free(s);
	return 0;
}
