/* SPDX-License-Identifier: ISC */
/*
 * rejects - the records that were not applied, with the reason, as CSV
 *
 * The database remembers how long the file was when a part was committed; an
 * import that goes on cuts off what came later, so that in the end the file is
 * the same as if nothing had happened.
 */
#include "rejects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "csv.h"
#include "policy/buf.h"

struct rejects {
	const char *path;
	int fd;
	int64_t octets; /* written */
	struct buf pending;
};

static int
complain(const struct rejects *r, struct err *e)
{
	return err_set(e, ERR_FATAL, "%s: %s", r->path, strerror(errno));
}

static int
go_on(struct rejects *r, struct err *e)
{
	if (r->octets == 0)
		return unlink(r->path) != 0 && errno != ENOENT ? complain(r, e)
							       : 0;
	r->fd = open(r->path, O_WRONLY | O_CLOEXEC);
	if (r->fd < 0 || ftruncate(r->fd, r->octets) != 0 ||
	    lseek(r->fd, r->octets, SEEK_SET) < 0)
		return complain(r, e);
	return 0;
}

struct rejects *
rejects_open(const char *path, int64_t octets, struct err *e)
{
	struct rejects *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		err_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	*r = (struct rejects){.path = path, .fd = -1, .octets = octets};
	if (path != NULL && go_on(r, e) != 0)
		rejects_close(&r);
	return r;
}

void
rejects_close(struct rejects **r)
{
	if (*r == NULL)
		return;
	if ((*r)->fd >= 0)
		close((*r)->fd);
	buf_free(&(*r)->pending);
	free(*r);
	*r = NULL;
}

void
rejects_add(struct rejects *r, long long line, const char *reason,
    const char *record, size_t len)
{
	struct buf *b = &r->pending;

	if (r->path == NULL)
		return;
	if (r->octets == 0 && b->len == 0)
		buf_puts(b, "line,reason,record\n");
	buf_printf(b, "%lld,", line);
	csv_put(b, reason, strlen(reason));
	buf_add(b, ",", 1);
	csv_put(b, record, len < REJECTS_RECORD ? len : REJECTS_RECORD);
	buf_add(b, "\n", 1);
}

int
rejects_flush(struct rejects *r, int64_t *octets, struct err *e)
{
	struct buf *b = &r->pending;
	size_t written = 0;
	ssize_t n;

	if (buf_failed(b))
		return err_set(e, ERR_FATAL, "out of memory for the rejects");
	if (b->len > 0 && r->fd < 0)
		r->fd = open(
		    r->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (b->len > 0 && r->fd < 0)
		return complain(r, e);
	while (written < b->len) {
		n = write(r->fd, b->data + written, b->len - written);
		if (n < 0 && errno != EINTR)
			return complain(r, e);
		written += n > 0 ? (size_t)n : 0;
	}
	if (written > 0 && fsync(r->fd) != 0)
		return complain(r, e);
	r->octets += (int64_t)written;
	b->len = 0;
	*octets = r->octets;
	return 0;
}
