/* SPDX-License-Identifier: ISC */
/* intake - each record of an import file becomes rows, or is refused */
#include <fcntl.h>

#include "ctl/directory.h"
#include "ctl/intake.h"
#include "fuzz.h"

/* In place of a database: whatever is named is there. */
const struct directory_entry *
directory_find(const struct directory *d, const char *brand, const char *name,
    size_t len, struct err *e)
{
	static const struct directory_entry any = {"b", "p", 1, ~0U};

	(void)d, (void)brand, (void)name;
	if (len > 0)
		return &any;
	err_set(e, ERR_REFUSED, "no name");
	return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[32];
	struct intake_options o = {
	    .rules = {.secret = secret, .directory = (const void *)secret}};
	int fd = open(fuzz_file(data, size), O_RDONLY);
	struct err e = {.text = ""};
	struct intake *i = intake_open(&o, fd, &e);

	assert(i != NULL || e.text[0] != '\0');
	while (i != NULL && intake_part(i, &e) == 0) {
		assert(intake_refused(i) <= intake_records(i));
		if (intake_last(i))
			break;
	}
	intake_close(&i);
	close(fd);
	return 0;
}
