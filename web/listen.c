/* SPDX-License-Identifier: ISC */
/*
 * listen - the socket that requests come in by
 *
 * Opened here and not by the HTTP library, so that "address in use" is told
 * with the address, and before anything else has started.
 */
#include "web/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX "unix:"

static int
open_at(
    const struct sockaddr *sa, socklen_t len, const char *where, struct err *e)
{
	int fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int yes = 1;

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (fd >= 0 && bind(fd, sa, len) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	err_set(e, ERR_FATAL, "web: cannot listen on %s: %s%s", where,
	    strerror(errno),
	    errno == EADDRINUSE ? " (is another assent-web running?)" : "");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Whether there is a socket at the path and somebody answers on it. */
static bool
in_use(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answered = fd >= 0 &&
	    connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0;

	if (fd >= 0)
		close(fd);
	return answered;
}

static int
open_unix(const char *where, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	const char *path = where + strlen(UNIX);
	struct stat st;

	if (strlen(path) >= sizeof(sa.sun_path))
		return err_set(e, ERR_FATAL,
		    "web: %s: longer than a unix socket's path may be", where);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode) && !in_use(&sa))
		unlink(path);
	return open_at((struct sockaddr *)&sa, sizeof(sa), where, e);
}

static int
open_tcp(const char *where, struct err *e)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
			    .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
			*found = NULL;
	const char *colon = strrchr(where, ':');
	const char *from = where, *to = colon;
	char host[256];
	int fd, rc;

	if (colon == NULL || colon - where >= (long)sizeof(host))
		return err_set(e, ERR_FATAL,
		    "web: cannot listen on %s: HOST:PORT, [IPV6]:PORT or "
		    "unix:PATH is needed",
		    where);
	if (*from == '[' && to[-1] == ']')
		from++, to--;
	snprintf(host, sizeof(host), "%.*s", (int)(to - from), from);
	rc = getaddrinfo(
	    host[0] == '\0' ? NULL : host, colon + 1, &hints, &found);
	if (rc != 0)
		return err_set(e, ERR_FATAL, "web: cannot listen on %s: %s",
		    where, gai_strerror(rc));
	fd = open_at(found->ai_addr, found->ai_addrlen, where, e);
	freeaddrinfo(found);
	return fd;
}

int
listen_open(const char *where, struct err *e)
{
	return strncmp(where, UNIX, strlen(UNIX)) == 0 ? open_unix(where, e)
						       : open_tcp(where, e);
}

void
listen_close(int fd, const char *where)
{
	close(fd);
	if (strncmp(where, UNIX, strlen(UNIX)) == 0)
		unlink(where + strlen(UNIX));
}
