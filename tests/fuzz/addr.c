/* SPDX-License-Identifier: ISC */
/* addr - a canonical form is its own, but for a quote that was quoted */
#include "fuzz.h"
#include "policy/addr.h"
#include "policy/arena.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(1 << 16);
	struct addr one, two;
	struct err e;

	if (addr_parse(a, (const char *)data, size, &one, &e) == 0 &&
	    one.canonical[0] != '"' &&
	    addr_parse(a, one.canonical, strlen(one.canonical), &two, &e) == 0)
		assert(strcmp(one.canonical, two.canonical) == 0);
	arena_free(&a);
	return 0;
}
