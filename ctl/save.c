/* SPDX-License-Identifier: ISC */
/*
 * save - a file that holds personal data
 *
 * O_EXCL: neither an older export nor what somebody put there as a symbolic
 * link is written over.
 */
#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

FILE *
save_open(const char *path, struct err *e)
{
	FILE *f;
	int fd;

	if (path == NULL)
		return stdout;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (f == NULL) {
		err_set(e, ERR_REFUSED, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	return f;
}

int
save_close(FILE *f, const char *path, bool good, struct err *e)
{
	bool written = fflush(f) == 0 && ferror(f) == 0;

	if (path != NULL) {
		written = fsync(fileno(f)) == 0 && written;
		written = fclose(f) == 0 && written;
	}
	if (good && written)
		return 0;
	if (path != NULL)
		unlink(path);
	if (good)
		err_set(e, ERR_FATAL, "%s: cannot be written",
		    path == NULL ? "standard output" : path);
	return -1;
}
