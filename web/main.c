/* SPDX-License-Identifier: ISC */
/*
 * assent-web - the pages behind the links
 *
 * Runs in the foreground.  What is wrong at start is said on standard error
 * and ends it; Redis alone may be down, as clicks only get slower without it.
 * The main thread does nothing but wait for signals: every other thread has
 * them blocked, so that no handler ever runs.
 *
 * SIGHUP reloads keys and configuration.  A configuration that could not have
 * started the program changes nothing.  SIGTERM and SIGINT stop it, after the
 * requests that have arrived are answered.
 */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/cache.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/log.h"
#include "policy/service.h"
#include "web/http.h"
#include "web/listen.h"
#include "web/sender.h"
#include "web/site.h"
#include "web/tally.h"

#define NAME "assent-web"

enum { EXIT_USAGE = 2 };

struct options {
	const char *conf;
	bool check;
};

/* What lasts from start to stop. */
struct program {
	struct tally *tally;
	struct sites *sites;
	struct sender *sender;
	struct http *http;
	const char *path;
	char *listen; /* where; the configuration may change */
	int fd;
};

static void
usage(FILE *out)
{
	fputs("usage: " NAME " -c CONF [--check]\n"
	      "\n"
	      "Serves the pages behind the links of outgoing mail.\n"
	      "\n"
	      "  -c, --config CONF  the configuration file\n"
	      "      --check        see whether it could start, then exit\n"
	      "  -h, --help         this text\n"
	      "  -V, --version      the version\n"
	      "\n"
	      "SIGHUP reloads configuration and keys, SIGTERM stops.\n"
	      "Exit status: 0 done, 1 failed, 2 usage.\n",
	    out);
}

static void
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"check", no_argument, NULL, 'C'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->conf = optarg;
			break;
		case 'C':
			o->check = true;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			puts(NAME " " ASSENT_VERSION);
			exit(EXIT_SUCCESS);
		default:
			usage(stderr);
			exit(EXIT_USAGE);
		}
	}
	if (o->conf == NULL || optind < argc) {
		usage(stderr);
		exit(EXIT_USAGE);
	}
}

static void
block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void
warn_cache(struct site *s)
{
	struct err e;

	if (cache_ping(s->cache, &e) != 0)
		log_line(LOG_WARN, "cache error=\"%s\"", e.text);
}

/* What a running process cannot change about itself. */
static void
warn_fixed(const struct conf *old, const struct conf *new)
{
	const struct {
		const char *what;
		bool same;
	} fixed[] = {
	    {"web.listen", strcmp(old->web.listen, new->web.listen) == 0},
	    {"web.threads", old->web.threads == new->web.threads},
	    {"web.connections", old->web.connections == new->web.connections},
	    {"log.to", old->log.to == new->log.to},
	    {"log.level", old->log.level == new->log.level},
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (!fixed[i].same)
			log_line(
			    LOG_WARN, "reload needs-restart=%s", fixed[i].what);
}

static void
reload(struct program *p)
{
	struct site *old, *new;
	struct err e;

	new = site_open(p->path, p->tally, &e);
	if (new == NULL) {
		log_line(LOG_ERROR,
		    "reload-refused error=\"%s\" the old "
		    "configuration stays in force",
		    e.text);
		return;
	}
	old = sites_hold(p->sites);
	warn_fixed(old->conf, new->conf);
	site_release(&old);
	warn_cache(new);
	sites_swap(p->sites, new);
	log_line(LOG_INFORM, "reload done");
}

static int
start(struct program *p, struct site **first, struct err *e)
{
	const struct conf *c = (*first)->conf;

	p->listen = strdup(c->web.listen);
	p->fd = p->listen == NULL ? -1 : listen_open(p->listen, e);
	if (p->fd < 0)
		return -1;
	p->sites = sites_new(*first);
	if (p->sites == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	*first = NULL;
	p->sender = sender_start(p->sites, e);
	if (p->sender == NULL)
		return -1;
	p->http = http_start(&c->web, p->fd, p->sites, p->tally, e);
	return p->http == NULL ? -1 : 0;
}

/* The next signal; meanwhile tells the watchdog that requests can begin. */
static int
await_signal(struct program *p, const sigset_t *signals)
{
	int64_t pause = service_watchdog();
	const struct timespec ts = {
	    .tv_sec = pause / CLOCK_S,
	    .tv_nsec = pause % CLOCK_S,
	};
	struct site *s;
	int number;

	while ((number = sigtimedwait(signals, NULL, pause == 0 ? NULL : &ts)) <
	    0) {
		s = sites_hold(p->sites);
		site_release(&s);
		service_tell("WATCHDOG=1");
	}
	return number;
}

static void
run(struct program *p, const sigset_t *signals)
{
	int number;

	service_tell("READY=1");
	log_line(LOG_INFORM, "start version=%s listen=%s", ASSENT_VERSION,
	    p->listen);
	while ((number = await_signal(p, signals)) == SIGHUP)
		reload(p);
	service_tell("STOPPING=1");
	log_line(LOG_INFORM, "stop signal=%s", sigabbrev_np(number));
}

static void
finish(struct program *p)
{
	http_stop(&p->http);
	sender_stop(&p->sender);
	if (p->fd >= 0)
		listen_close(p->fd, p->listen);
	sites_free(&p->sites);
	tally_free(&p->tally);
	free(p->listen);
}

int
main(int argc, char **argv)
{
	struct options o = {0};
	struct program p = {.fd = -1};
	struct site *first;
	struct err e;
	sigset_t signals;
	int rc = 0;

	parse_options(argc, argv, &o);
	block_signals(&signals);
	service_conceal();
	err_set(&e, ERR_FATAL, "out of memory");
	p.path = o.conf;
	p.tally = tally_new();
	first = p.tally == NULL ? NULL : site_open(o.conf, p.tally, &e);
	if (first == NULL) {
		rc = -1;
	} else if (!o.check) {
		log_open(NAME, (enum log_target)first->conf->log.to,
		    (enum log_level)first->conf->log.level);
		warn_cache(first);
		rc = start(&p, &first, &e);
		if (rc == 0)
			run(&p, &signals);
	} else {
		printf("%s: assent-web can start\n", o.conf);
	}
	if (rc != 0)
		fprintf(stderr, NAME ": %s\n", e.text);
	finish(&p);
	site_release(&first);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
