/* SPDX-License-Identifier: ISC */
/* form - fields come in pieces and are found whole; too many break the form.
 * A line of the data is a piece: a name and a value, or more of the last. */
#include "fuzz.h"
#include "web/form.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = strndup((const char *)data, size), *rest = s, *piece, *value;
	struct form f = {0};
	size_t names = 0;

	while ((piece = strsep(&rest, "\n")) != NULL) {
		value = strchr(piece, '=');
		if (value != NULL)
			*value++ = '\0';
		names += value != NULL;
		form_add(&f, piece, value == NULL ? piece : value,
		    strlen(value == NULL ? piece : value), value == NULL);
		assert(value == NULL || f.broken || form_get(&f, piece));
	}
	assert(f.broken == (names > FORM_FIELDS) && f.n <= FORM_FIELDS);
	form_free(&f);
	free(s);
	return 0;
}
