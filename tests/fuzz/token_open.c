/* SPDX-License-Identifier: ISC */
/* token_open - what opens is one of two spellings of what was sealed */
#include "fuzz.h"
#include "keyfile.h"
#include "policy/token.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char url[TOKEN_URL], mail[TOKEN_MAIL];
	const struct keys *k = keyfile();
	struct token t;

	if (!token_open(k, CAPABILITY_OPT_OUT, (const char *)data, size, &t))
		return 0;
	token_seal_url(k, &t, url), token_seal_mail(k, &t, mail);
	assert(size == 44 ? memcmp(url, data, 44) == 0
			  : strncasecmp(mail, (const void *)data, 53) == 0);
	return 0;
}
