/* SPDX-License-Identifier: ISC */
/*
 * main - assent-milter, the data plane
 *
 * libmilter runs in a thread of its own and would take SIGHUP for "stop": it
 * waits for SIGHUP, SIGTERM and SIGINT with sigwait(3), which takes what is
 * pending for the process even while the handler of this thread is on its way.
 * So the sigwait that libmilter finds is ours and never returns, and this
 * thread is alone in hearing signals: its handler only writes to an eventfd.
 *
 * SIGTERM: no new message is begun (the MTA is told to try again), those under
 * way are finished, then the process ends.
 */
#include <errno.h>
#include <getopt.h>
#include <libmilter/mfapi.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "callback.h"
#include "engine.h"
#include "policy/clock.h"
#include "mail/edit.h"
#include "mail/inject.h"
#include "policy/conf.h"
#include "policy/log.h"
#include "policy/service.h"
#include "scrape.h"

enum { BACKLOG = 1024 };

/* Longest wait for messages under way after SIGTERM. */
#define DRAIN (30 * CLOCK_S)
#define GRACE (200 * CLOCK_MS)

/* Signal flags: all that a handler may touch.  It runs on any thread, so they
 * are atomic, and without a lock. */
static atomic_bool want_reload, want_stop;
_Static_assert(ATOMIC_BOOL_LOCK_FREE == 2, "signal flags need no lock");
static int wake = -1;

static void
on_signal(int number)
{
	const uint64_t one = 1;
	int saved = errno;
	ssize_t n;

	if (number == SIGHUP)
		want_reload = true;
	else
		want_stop = true;
	n = write(wake, &one, sizeof(one));
	(void)n;
	errno = saved;
}

static int
catch_signals(struct err *e)
{
	const struct sigaction handle = {
	    .sa_handler = on_signal,
	    .sa_flags = SA_RESTART,
	};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake < 0 || sigaction(SIGHUP, &handle, NULL) != 0 ||
	    sigaction(SIGTERM, &handle, NULL) != 0 ||
	    sigaction(SIGINT, &handle, NULL) != 0 ||
	    sigaction(SIGPIPE, &ignore, NULL) != 0)
		return err_set(e, ERR_FATAL, "signals: %s", strerror(errno));
	return 0;
}

/* For libmilter's signal thread, in the place of libc's: nothing comes. */
int
sigwait(const sigset_t *restrict set, int *restrict number)
{
	(void)set;
	(void)number;
	for (;;)
		pause();
}

/* libmilter's thread; whether it has ended. */
struct service {
	atomic_bool ended;
};

static void *
serve(void *arg)
{
	struct service *s = arg;
	const uint64_t one = 1;
	ssize_t n;

	(void)smfi_main();
	s->ended = true;
	n = write(wake, &one, sizeof(one));
	(void)n;
	return NULL;
}

/* Connects to a unix socket and hangs up; whether anybody was there. */
static bool
knock(const char *spec)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	bool there;
	int fd;

	if (strncmp(spec, "unix:", 5) != 0 ||
	    strlen(spec + 5) >= sizeof(sa.sun_path))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	memcpy(sa.sun_path, spec + 5, strlen(spec + 5));
	there = connect(fd, (struct sockaddr *)(void *)&sa, sizeof(sa)) == 0 ||
	    errno == EAGAIN;
	close(fd);
	return there;
}

static int
open_socket(const char *spec, struct err *e)
{
	/* libmilter would take the socket away from who is there. */
	if (knock(spec))
		return err_set(e, ERR_FATAL,
		    "milter.socket: another program listens on %s", spec);
	if (smfi_setconn((char *)spec) != MI_SUCCESS ||
	    smfi_setbacklog(BACKLOG) != MI_SUCCESS ||
	    smfi_opensocket(true) != MI_SUCCESS)
		return err_set(e, ERR_FATAL,
		    "milter.socket: cannot listen on %s: %s", spec,
		    errno != 0 ? strerror(errno) : "is its folder there?");
	return 0;
}

static int
start_service(struct service *s, struct err *e)
{
	pthread_t thread;

	s->ended = false;
	if (pthread_create(&thread, NULL, serve, s) != 0)
		return err_set(e, ERR_FATAL, "no thread for libmilter");
	pthread_detach(thread);
	return 0;
}

static void
reload(struct engine *en)
{
	struct err e;

	if (engine_reload(en, &e) == 0)
		log_line(LOG_INFORM, "reloaded");
	else
		log_line(LOG_ERROR,
		    "reload-refused error=\"%s\" the old "
		    "configuration stays in force",
		    e.text);
}

/* Tells the watchdog that messages can begin: an engine that is stuck would
 * keep this thread, too. */
static void
show_life(struct engine *en)
{
	struct snapshot *s = engine_begin(en);

	engine_end(en, &s);
	service_tell("WATCHDOG=1");
}

/* Hears signals until one says stop, or libmilter ends by itself. */
static void
attend(struct engine *en, const struct service *s)
{
	struct pollfd fd = {.fd = wake, .events = POLLIN};
	int64_t watchdog = service_watchdog();
	int pause = watchdog == 0 ? -1 : (int)(watchdog / CLOCK_MS);
	uint64_t n;

	while (!want_stop && !s->ended) {
		if (poll(&fd, 1, pause) > 0 && read(wake, &n, sizeof(n)) < 0)
			continue;
		if (watchdog > 0)
			show_life(en);
		if (atomic_exchange(&want_reload, false))
			reload(en);
	}
}

/* Ends the process.  smfi_stop() is left out: libmilter would take up to five
 * seconds to notice and cut off who is connected just the same.  Its threads,
 * which may be in any callback, live on until the process is gone: nothing is
 * freed under them, and no exit handler runs beside them. */
static _Noreturn void
wind_up(struct engine *en, bool failed, const char *socket_spec)
{
	unsigned int left = engine_drain(en, clock_now() + DRAIN);

	/* The last reply may still be on its way from libmilter's thread. */
	clock_sleep_until(clock_now() + GRACE);
	if (strncmp(socket_spec, "unix:", 5) == 0)
		unlink(socket_spec + 5);
	if (failed)
		log_line(LOG_ERROR, "libmilter ended by itself");
	if (left > 0)
		log_line(LOG_WARN,
		    "%u messages were under way; the MTA will try them again",
		    left);
	log_line(LOG_INFORM, "stopped");
	_exit(failed || left > 0);
}

static int
run(const char *path, const struct conf *c, struct err *e)
{
	struct service service;
	struct scrape *scrape;
	struct engine *en;

	edit_init();
	if (catch_signals(e) != 0 || inject_init(e) != 0)
		return -1;
	en = engine_new(path, e);
	if (en == NULL)
		return -1;
	scrape = scrape_start(c->milter.metrics, en, e);
	if (scrape == NULL || callback_register(en, e) != 0 ||
	    open_socket(c->milter.socket, e) != 0 ||
	    start_service(&service, e) != 0) {
		scrape_stop(&scrape);
		engine_free(&en);
		return -1;
	}
	log_line(LOG_INFORM, "started version=%s socket=%s streams=%zu",
	    ASSENT_VERSION, c->milter.socket, c->n_streams);
	service_tell("READY=1");
	attend(en, &service);
	service_tell("STOPPING=1");
	scrape_stop(&scrape);
	wind_up(en, !want_stop, c->milter.socket);
}

static void
usage(FILE *out)
{
	fputs("usage: assent-milter [-c FILE] [--check] [--help] [--version]\n"
	      "\n"
	      "Checks the consent of every recipient of marketing mail for an\n"
	      "MTA that speaks the milter protocol (Postfix, Sendmail).\n"
	      "\n"
	      "  -c, --config FILE  the configuration "
	      "(/etc/assent/assent.conf)\n"
	      "      --check        read the configuration, then exit\n"
	      "\n"
	      "SIGHUP reloads the configuration and the keys; SIGTERM ends\n"
	      "after the messages under way. See assent-milter(8).\n",
	    out);
}

struct options {
	const char *path;
	bool check;
};

/* Returns -1 to go on, or the exit status. */
static int
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"check", no_argument, NULL, 'n'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'v'},
	    {0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
		switch (c) {
		case 'c':
			o->path = optarg;
			break;
		case 'n':
			o->check = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'v':
			puts("assent-milter " ASSENT_VERSION);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	if (optind == argc)
		return -1;
	usage(stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	struct options o = {.path = "/etc/assent/assent.conf"};
	struct err e = {.text = ""};
	struct conf *c;
	int rc = parse_options(argc, argv, &o);

	if (rc >= 0)
		return rc;
	service_conceal();
	c = conf_load(o.path, &e);
	if (c != NULL && !o.check) {
		log_open("assent-milter", (enum log_target)c->log.to,
		    (enum log_level)c->log.level);
		rc = run(o.path, c, &e);
	} else if (c != NULL) {
		rc = 0;
	}
	conf_free(&c);
	if (rc < 0) {
		fprintf(stderr, "assent-milter: %s\n", e.text);
		return 1;
	}
	return rc;
}
