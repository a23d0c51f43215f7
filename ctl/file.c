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
file_read(const char *path, struct buf *b, struct err *e)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char chunk[CHUNK];
	size_t n;
	int rc = 0;

	if (f == NULL)
		return err_set(e, ERR_REFUSED, "%s: %s", path, strerror(errno));
	while (
	    b->len <= FILE_MAX && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(b, chunk, n);
	if (ferror(f))
		rc = err_set(e, ERR_REFUSED, "%s: %s", path, strerror(errno));
	else if (b->len > FILE_MAX)
		rc = err_set(e, ERR_REFUSED,
		    "%s: more than %d MiB are not looked into", path,
		    FILE_MAX >> 20);
	else if (buf_failed(b))
		rc = err_set(e, ERR_FATAL, "out of memory");
	if (f != stdin)
		fclose(f);
	return rc;
}
