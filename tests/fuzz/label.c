/* SPDX-License-Identifier: ISC */
/* label - parts of a header lie within it */
#include "fuzz.h"
#include "milter/label.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = strndup((const char *)data, size);
	struct label l;

	if (label_parse(s, &l)) {
		assert(l.purpose.len > 0 && l.purpose.text >= s);
		assert(l.campaign.text == NULL || l.campaign.text[-1] != '\0');
		assert(l.lang.len <= strlen(s) &&
		    l.purpose.text + l.purpose.len <= s + strlen(s));
	}
	free(s);
	return 0;
}
