/* SPDX-License-Identifier: ISC */
/* keys - a file that loads has a key that signs; an error names the file */
#include "fuzz.h"
#include "policy/keys.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {.text = ""};
	struct keys *k = keys_load(fuzz_file(data, size), &e);

	if (k != NULL)
		assert(keys_numbered(k, keys_signing(k)->number) != NULL);
	else
		assert(strstr(e.text, "/proc/self/fd/") == e.text);
	keys_free(&k);
	return 0;
}
