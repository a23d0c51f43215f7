/* SPDX-License-Identifier: ISC */
/*
 * file - the whole of a file, or of standard input
 *
 * Stops reading where there is too much, however much there is.
 */
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/buf.h"

enum { CHUNK = 65536 };

int
file_read(const char *path, size_t max, struct buf *b, struct err *e)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char chunk[CHUNK];
	size_t n;
	int rc = 0;

	if (f == NULL)
		return err_set(e, ERR_REFUSED, "%s: %s", path, strerror(errno));
	while (b->len <= max && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(b, chunk, n);
	if (ferror(f))
		rc = err_set(e, ERR_REFUSED, "%s: %s", path, strerror(errno));
	else if (b->len > max)
		rc = err_set(e, ERR_REFUSED,
		    "%s: more than %zu octets are not looked into", path, max);
	else if (buf_failed(b))
		rc = err_set(e, ERR_FATAL, "out of memory");
	if (f != stdin)
		fclose(f);
	return rc;
}
