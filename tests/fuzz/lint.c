/* SPDX-License-Identifier: ISC */
/* lint - a message that can be read has fields, and texts within bounds */
#include "fuzz.h"
#include "mail/read.h"
#include "policy/arena.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(1 << 22);
	struct err e = {.text = ""};
	struct mail m;

	if (mail_read(a, (const char *)data, size, &m, &e) != 0)
		assert(e.text[0] != '\0');
	else
		assert(m.n_fields > 0 && m.n_texts <= MAIL_TEXTS);
	arena_free(&a);
	return 0;
}
