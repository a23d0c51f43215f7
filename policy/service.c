/* SPDX-License-Identifier: ISC */
/*
 * service - a daemon's words with the service manager, and its privacy
 *
 * The protocol is one datagram to the socket that NOTIFY_SOCKET names, so
 * libsystemd is not needed for it.  What cannot be told is not told: the
 * service manager finds out.
 *
 * Keys are kept out of core dumps already (keys.h); the addresses of messages
 * under way, and what libraries copied, are not.
 */
#include "service.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"

void
service_conceal(void)
{
	prctl(PR_SET_DUMPABLE, 0);
}

void
service_tell(const char *what)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path == NULL ? 0 : strlen(path);
	ssize_t sent;
	int fd;

	if (len == 0 || len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	sent = sendto(fd, what, strlen(what), 0, (struct sockaddr *)(void *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	(void)sent;
	close(fd);
}

int64_t
service_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC");

	return usec == NULL ? 0 : strtoll(usec, NULL, 10) * 1000 / 3;
}
