/* SPDX-License-Identifier: ISC */
/*
 * test_service - what the service manager hears, and nobody else
 */
#include "unit.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "policy/service.h"

/* A socket of the abstract namespace, as NOTIFY_SOCKET names it. */
static int
listen_as_manager(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char name[sizeof(sa.sun_path)];
	socklen_t len = sizeof(sa);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	/* Bound to its family alone it gets a name of its own. */
	assert_int_equal(
	    bind(fd, (struct sockaddr *)(void *)&sa, sizeof(sa.sun_family)), 0);
	assert_int_equal(
	    getsockname(fd, (struct sockaddr *)(void *)&sa, &len), 0);
	len -= sizeof(sa.sun_family);
	memcpy(name, sa.sun_path, len);
	name[0] = '@';
	name[len] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void
one_datagram_each(void **state)
{
	int fd = listen_as_manager();
	char text[32] = "";

	(void)state;
	service_tell("READY=1");
	assert_int_equal(recv(fd, text, sizeof(text), 0), 7);
	assert_memory_equal(text, "READY=1", 7);
	unsetenv("NOTIFY_SOCKET");
	service_tell("READY=1");
	assert_int_equal(recv(fd, text, sizeof(text), 0), -1);
	close(fd);
	/* Nobody listens any more. */
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	service_tell("READY=1");
}

static void
the_watchdog_is_told_in_time(void **state)
{
	(void)state;
	unsetenv("WATCHDOG_USEC");
	assert_int_equal(service_watchdog(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(service_watchdog(), INT64_C(10000000000));
}

static void
memory_is_private(void **state)
{
	(void)state;
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
	service_conceal();
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_datagram_each),
	    cmocka_unit_test(the_watchdog_is_told_in_time),
	    cmocka_unit_test(memory_is_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
