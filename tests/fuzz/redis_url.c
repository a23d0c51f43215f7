/* SPDX-License-Identifier: ISC */
/* redis_url - what is read has servers, each with a host */
#include "fuzz.h"
#include "policy/redis_url.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct redis_url u;
	struct err e = {.text = ""};

	if (redis_url_parse(&u, text, &e) == 0)
		for (size_t i = 0; i < u.n || i == 0; i++)
			assert(u.servers[i].host[0] != '\0');
	else
		assert(e.text[0] != '\0');
	redis_url_free(&u);
	free(text);
	return 0;
}
