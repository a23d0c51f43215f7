/* SPDX-License-Identifier: ISC */
/* conf - a configuration that loads can be printed; an error says something */
#include "fuzz.h"
#include "policy/conf.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {.text = ""};
	struct conf *c = conf_load(fuzz_file(data, size), &e);
	FILE *out = fopen("/dev/null", "w");

	if (c != NULL)
		conf_dump(c, out);
	else
		assert(e.text[0] != '\0');
	fclose(out);
	conf_free(&c);
	return 0;
}
