/* SPDX-License-Identifier: ISC */
/* slots - ranges lie within the slots, and addresses within the text */
#include "fuzz.h"
#include "policy/slots.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	const char *at = text, *end = text + strlen(text);
	struct slots_node node;
	unsigned int first, last;

	while (slots_next(&at, &node)) {
		assert(node.address + node.address_len <= end);
		while (slots_range(&node, &first, &last))
			assert(first <= last && last < SLOTS);
	}
	free(text);
	return 0;
}
