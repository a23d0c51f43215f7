/* SPDX-License-Identifier: ISC */
/* edit - of a message that was edited nothing is left to be done */
#include "fuzz.h"
#include "message.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data, *gap = memmem(s, size, "\n\n", 2);
	size_t body = gap == NULL ? 0 : (size_t)(gap - s) + 2;
	struct buf once = {0}, twice = {0};

	edit_init();
	if (message_edit(s, size, &body, &once))
		if (message_edit(once.data, once.len, &body, &twice))
			assert(!"idempotent");
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
