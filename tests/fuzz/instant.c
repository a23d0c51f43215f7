/* SPDX-License-Identifier: ISC */
/* instant - what is read as a time is written in a way that reads the same */
#include "fuzz.h"
#include "policy/instant.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = strndup((const char *)data, size), text[INSTANT_TEXT];
	int64_t t, again;

	if (instant_parse(s, &t))
		assert(strcmp(instant_text(t, text), s) == 0);
	if (instant_read(s, &t)) {
		assert(instant_parse(instant_text(t, text), &again));
		assert(again == t);
	}
	free(s);
	return 0;
}
