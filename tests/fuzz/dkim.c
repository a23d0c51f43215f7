/* SPDX-License-Identifier: ISC */
/* dkim - a signature that can be read names a domain, aligned with itself */
#include "fuzz.h"
#include "mail/dkim.h"
#include "policy/arena.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *value = strndup((const char *)data, size);
	struct arena *a = arena_new(1 << 16);
	struct dkim d;

	if (dkim_parse(a, value, &d))
		assert(dkim_aligned(d.domain, d.domain) &&
		    dkim_covers(&d, "From") <= strlen(d.fields));
	arena_free(&a);
	free(value);
	return 0;
}
