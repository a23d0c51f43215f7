/* SPDX-License-Identifier: ISC */
/* csv - every octet is in one record, and what splits is put back the same */
#include "ctl/csv.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *fields[CSV_FIELDS_MAX], *again[CSV_FIELDS_MAX];
	char *text = strndup((const char *)data, size);
	struct buf b = {0};
	struct err e;
	size_t n, m;

	if (csv_split(text, strlen(text), ';', fields, &n, &e) == 0) {
		for (size_t i = 0; i < n; i++) {
			buf_add(&b, ";", i > 0);
			csv_put(&b, fields[i], strlen(fields[i]));
		}
		assert(csv_split(b.data, b.len, ';', again, &m, &e) == 0);
		for (size_t i = 0; i < n; i++)
			assert(n == m && strcmp(fields[i], again[i]) == 0);
	}
	buf_free(&b);
	free(text);
	return 0;
}
