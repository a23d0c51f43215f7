/* SPDX-License-Identifier: ISC */
/* permit - what decodes can be found, pair by pair */
#include "fuzz.h"
#include "policy/permit.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct permit p;
	struct err e;

	if (permit_decode(data, size, &p, &e) != 0)
		return 0;
	for (size_t i = 0; i < p.n_pairs; i++) {
		const uint8_t *q = p.pairs + 4 * i;
		assert(permit_find(&p, (uint16_t)(q[0] << 8 | q[1]), q[2] >> 4)
			   .standing == (q[2] & 15));
	}
	return 0;
}
