/* SPDX-License-Identifier: ISC */
/* anchor - the links of a plain text are no longer than the text */
#include "fuzz.h"
#include "mail/anchor.h"

static void
found(void *arg, const char *uri, size_t len, bool visible)
{
	*(size_t *)arg += strnlen(uri, len) + (len == 0 && visible);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {.text = ""};
	size_t n = 0;

	anchor_plain((const char *)data, size, found, &n);
	assert(n <= size);
	assert(anchor_html((const char *)data, size, found, &n, &e) == 0 ||
	    e.text[0] != '\0');
	return 0;
}
