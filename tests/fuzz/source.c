/* SPDX-License-Identifier: ISC */
/* source - records of any form end, in order, and going on finds the next */
#include <fcntl.h>

#include "ctl/source.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = open(fuzz_file(data, size), O_RDONLY);
	struct err e;
	struct source *s = source_open(fd, "\"List\"", &e);
	struct source_record r;
	int64_t at = 0;

	while (s != NULL && source_next(s, &r, &e) == 1) {
		assert(r.len <= SOURCE_RECORD_MAX && r.text[r.len] == '\0');
		assert(source_offset(s) > at && source_line(s) >= r.line);
		at = source_offset(s);
		assert(source_seek(s, at, source_line(s), &e) == 0);
	}
	assert(s == NULL || source_offset(s) <= (int64_t)size);
	source_close(&s);
	close(fd);
	return 0;
}
