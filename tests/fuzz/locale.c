/* SPDX-License-Identifier: ISC */
/* locale - whatever a browser asks for, it gets a language there is, or none */
#include "fuzz.h"
#include "page/locale.h"

/* libgettextpo keeps a little of each file that it has read. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libgettextpo";
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = strndup((const char *)data, size);
	static struct locales *all;
	const struct locale *l;
	struct err e;

	if (all == NULL)
		all = locales_load("web/locale", &e);
	assert(all != NULL);
	l = locales_choose(all, s);
	assert(l == NULL || strlen(locale_tag(l)) == 2);
	free(s);
	return 0;
}
