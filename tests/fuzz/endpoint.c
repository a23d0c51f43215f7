/* SPDX-License-Identifier: ISC */
/* endpoint - a canonical form is its own; the first octet chooses the kind */
#include "fuzz.h"
#include "policy/arena.h"
#include "policy/endpoint.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const kinds[] = {
	    "phone", "postal", "device", "im", NULL};
	struct arena *a = arena_new(1 << 16);
	const char *kind = size == 0 ? NULL : kinds[data[0] % 5];
	struct endpoint one, two;
	struct err e;

	if (size > 0 &&
	    endpoint_parse(
		a, kind, (const char *)data + 1, size - 1, &one, &e) == 0 &&
	    strcmp(one.kind, "email") != 0) {
		if (endpoint_parse(a, one.kind, one.canonical,
			strlen(one.canonical), &two, &e) != 0)
			abort();
		assert(strcmp(one.canonical, two.canonical) == 0);
	}
	arena_free(&a);
	return 0;
}
