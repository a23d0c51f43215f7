/* SPDX-License-Identifier: ISC */
/*
 * file - the whole of a file, read or written
 *
 * Stops reading where there is too much, however much there is.  What is
 * written comes to its place by rename(2); so it must not be a device there.
 */
#include "file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* A new file of that name with all of `text`, or none. */
static int
write_new(const char *path, const char *text)
{
	FILE *f = fopen(path, "wxe");
	bool written;

	if (f == NULL)
		return -1;
	written =
	    fputs(text, f) >= 0 && fflush(f) == 0 && fsync(fileno(f)) == 0;
	if (fclose(f) == 0 && written)
		return 0;
	unlink(path);
	return -1;
}

int
file_replace(const char *path, const char *text, struct err *e)
{
	struct stat st;
	char *beside;
	int rc;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, ERR_REFUSED,
		    "%s: something is there that is no file", path);
	if (asprintf(&beside, "%s.%ld", path, (long)getpid()) < 0)
		return err_set(e, ERR_FATAL, "out of memory");
	rc = write_new(beside, text);
	if (rc == 0 && rename(beside, path) != 0) {
		rc = -1;
		unlink(beside);
	}
	free(beside);
	return rc == 0
	    ? 0
	    : err_set(e, ERR_REFUSED, "%s: %s", path, strerror(errno));
}
