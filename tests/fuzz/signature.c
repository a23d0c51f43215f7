/* SPDX-License-Identifier: ISC */
/* signature - every name that stands in an h= alone is covered */
#include "fuzz.h"
#include "milter/signature.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = strndup((const char *)data, size), *with;

	(void)signature_covers(s, "list-id");
	if (asprintf(&with, "%s;h=from:List-Id", s) < 0)
		abort();
	assert(signature_covers(with, "list-id"));
	free(with);
	free(s);
	return 0;
}
