/* SPDX-License-Identifier: ISC */
/*
 * mclient - a milter's mail server, without the mail server
 *
 * Speaks the milter protocol to a filter on a unix socket over any number of
 * connections at once, one thread each, and sends messages as fast as the
 * filter answers. It measures how long each message took, from MAIL (or from
 * connecting, where a message opens its connection) to the final answer, and
 * holds every verdict against the one that was wanted: a fast filter that
 * answers wrongly has not been fast.
 *
 * What was measured is one JSON object on standard output. Exit 0 if every
 * verdict was right, 1 if not, 2 on wrong usage.
 */

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "talk.h"

enum {
	STACK_SIZE = 256 * 1024,
	RECONNECT_NS = 10 * 1000 * 1000,
};

struct load {
	struct plan plan;
	size_t messages, connections, per_connection;
	bool hold;
	uint64_t *took; /* ns by message; 0: not finished */
	atomic_size_t next, opened, complaints;
};

struct worker {
	pthread_t thread;
	struct load *load;
	struct tally tally;
};

static const char usage_text[] =
    "usage: mclient [OPTION]... SOCKET\n"
    "\n"
    "Sends messages to the milter on the unix socket SOCKET and checks its\n"
    "verdicts.\n"
    "\n"
    "  -n, --messages N        how many in all (1000)\n"
    "  -c, --connections N     how many at once (1)\n"
    "  -m, --per-connection N  messages before a connection is renewed\n"
    "                          (0: never)\n"
    "  -r, --rcpt ADDR[=CODE[:TEXT]]\n"
    "                          a recipient and the reply it must get (250);\n"
    "                          TEXT must occur in the reply; %d in ADDR is\n"
    "                          replaced by a number; may be repeated, and\n"
    "                          messages take them in turn (granted@rcpt.test)\n"
    "  -R, --range FIRST-LAST  the numbers for %d (2-9)\n"
    "  -k, --rcpts N           recipients of one message (1)\n"
    "  -f, --sender ADDR       the envelope sender (news@news.example.com)\n"
    "  -d, --daemon-name NAME  {daemon_name} (campaigns)\n"
    "  -l, --login NAME        {auth_authen} (none)\n"
    "  -F, --message FILE      headers and body (about 4 KB of its own)\n"
    "  -E, --eom CODE          what each message must get in the end (250)\n"
    "  -e, --edits N           how often each must be edited (any)\n"
    "  -p, --pass              each must be accepted before its headers\n"
    "  -t, --timeout SECONDS   of one wait (30)\n"
    "  -H, --hold              a message on each connection, and before their\n"
    "                          end all wait: \"held\" is printed, and a line\n"
    "                          of standard input lets them go on at once\n"
    "  -h, --help              this text\n"
    "\n"
    "Prints JSON: sessions (messages finished), connections (opened),\n"
    "seconds, rate (sessions per second), p50_us, p99_us, accepted, refused,\n"
    "deferred (recipients), edits, errors. Exit 1 if there were errors.\n";

static const struct option options[] = {
    {"messages", required_argument, NULL, 'n'},
    {"connections", required_argument, NULL, 'c'},
    {"per-connection", required_argument, NULL, 'm'},
    {"rcpt", required_argument, NULL, 'r'},
    {"range", required_argument, NULL, 'R'},
    {"rcpts", required_argument, NULL, 'k'},
    {"sender", required_argument, NULL, 'f'},
    {"daemon-name", required_argument, NULL, 'd'},
    {"login", required_argument, NULL, 'l'},
    {"message", required_argument, NULL, 'F'},
    {"eom", required_argument, NULL, 'E'},
    {"edits", required_argument, NULL, 'e'},
    {"pass", no_argument, NULL, 'p'},
    {"timeout", required_argument, NULL, 't'},
    {"hold", no_argument, NULL, 'H'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

__attribute__((noreturn, format(printf, 1, 2))) static void
usage(const char *fmt, ...)
{
	va_list ap;

	fputs("mclient: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("; see mclient --help\n", stderr);
	exit(2);
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* A number from min to a hundred million, ending at a character of ends. */
static size_t
number(const char *s, size_t min, char end, const char **rest)
{
	char *p;
	unsigned long n;

	errno = 0;
	n = strtoul(s, &p, 10);
	if (*s < '0' || *s > '9' || *p != end || errno != 0 || n < min ||
	    n > 100000000)
		usage("%s: not a number that makes sense here", s);
	if (rest != NULL)
		*rest = p + 1;
	return n;
}

static void
add_rcpt(struct plan *plan, char *arg)
{
	struct want *w = &plan->rcpt[plan->rcpts];
	char *equals = strrchr(arg, '=');
	char *colon;

	if (plan->rcpts == TALK_RCPTS)
		usage("more than %d recipients", TALK_RCPTS);
	*w = (struct want){.address = arg, .code = 250, .text = ""};
	plan->rcpts++;
	if (equals == NULL)
		return;
	*equals = '\0';
	colon = strchr(equals + 1, ':');
	if (colon != NULL) {
		*colon = '\0';
		w->text = colon + 1;
	}
	w->code = (int)number(equals + 1, 200, '\0', NULL);
}

static void
set_range(struct plan *plan, const char *arg)
{
	const char *rest;

	plan->first = number(arg, 0, '-', &rest);
	plan->last = number(rest, plan->first, '\0', NULL);
}

static void
set_option(struct load *load, int opt, char *arg, const char **file)
{
	struct plan *plan = &load->plan;

	switch (opt) {
	case 'n':
		load->messages = number(arg, 1, '\0', NULL);
		return;
	case 'c':
		load->connections = number(arg, 1, '\0', NULL);
		return;
	case 'm':
		load->per_connection = number(arg, 0, '\0', NULL);
		return;
	case 'r':
		add_rcpt(plan, arg);
		return;
	case 'R':
		set_range(plan, arg);
		return;
	case 'k':
		plan->rcpts_each = number(arg, 1, '\0', NULL);
		return;
	case 'f':
		plan->sender = arg;
		return;
	case 'd':
		plan->daemon_name = arg;
		return;
	case 'l':
		plan->login = arg;
		return;
	case 'F':
		*file = arg;
		return;
	case 'E':
		plan->eom_code = (int)number(arg, 200, '\0', NULL);
		return;
	case 'e':
		plan->edits = (long)number(arg, 0, '\0', NULL);
		return;
	case 'p':
		plan->pass = true;
		return;
	case 't':
		plan->timeout = (int)number(arg, 1, '\0', NULL);
		return;
	case 'H':
		load->hold = true;
		return;
	case 'h':
		fputs(usage_text, stdout);
		exit(0);
	default:
		usage("wrong usage");
	}
}

static void
configure(struct load *load, int argc, char *argv[])
{
	const char *file = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "n:c:m:r:R:k:f:d:l:F:E:e:pt:Hh",
		    options, NULL)) != -1)
		set_option(load, opt, optarg, &file);
	if (argc - optind != 1)
		usage("one socket is needed");
	load->plan.socket = argv[optind];
	if (strncmp(load->plan.socket, "unix:", 5) == 0)
		load->plan.socket += 5;
	if (load->plan.rcpts == 0)
		load->plan.rcpt[load->plan.rcpts++] =
		    (struct want){.address = "granted@rcpt.test", 250, ""};
	if (load->connections > load->messages)
		load->connections = load->messages;
	if (load->hold)
		load->messages = load->connections;
	if (letter_load(&load->plan.letter, file) != 0)
		exit(1);
}

static int
open_talk(struct worker *w, struct talk *t)
{
	struct timespec pause = {.tv_nsec = RECONNECT_NS};

	atomic_fetch_add(&w->load->opened, 1);
	if (talk_open(t, &w->load->plan, &w->tally) == 0)
		return 0;
	talk_complain(&w->tally, "connecting: %s", t->wire.why);
	talk_close(t);
	nanosleep(&pause, NULL);
	return -1;
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct load *load = w->load;
	struct talk t;
	size_t n, sent = 0;
	bool open = false;
	uint64_t start;

	while ((n = atomic_fetch_add(&load->next, 1)) < load->messages) {
		start = now_ns();
		if (!open && open_talk(w, &t) != 0)
			continue;
		open = true;
		sent++;
		if (talk_message(&t, n) == 0) {
			load->took[n] = now_ns() - start;
			if (sent != load->per_connection)
				continue;
		} else {
			talk_complain(&w->tally, "message: %s", t.wire.why);
		}
		talk_close(&t);
		open = false;
		sent = 0;
	}
	if (open)
		talk_close(&t);
	return NULL;
}

static void
add_tally(struct tally *sum, const struct tally *t)
{
	sum->accepted += t->accepted;
	sum->refused += t->refused;
	sum->deferred += t->deferred;
	sum->edits += t->edits;
	sum->errors += t->errors;
}

/* Lets all messages come to their end, and on when standard input says so. */
static void
hold(struct load *load)
{
	pthread_barrier_wait(load->plan.hold);
	puts("held");
	fflush(stdout);
	(void)getchar();
	pthread_barrier_wait(load->plan.hold);
}

static void
run(struct load *load, struct tally *sum)
{
	struct worker *workers = calloc(load->connections, sizeof(*workers));
	pthread_barrier_t barrier;
	pthread_attr_t attr;
	struct worker *w;

	load->took = calloc(load->messages, sizeof(*load->took));
	if (workers == NULL || load->took == NULL ||
	    pthread_attr_init(&attr) != 0 ||
	    pthread_barrier_init(
		&barrier, NULL, (unsigned int)load->connections + 1) != 0 ||
	    pthread_attr_setstacksize(&attr, STACK_SIZE) != 0) {
		perror("mclient");
		exit(1);
	}
	load->plan.hold = load->hold ? &barrier : NULL;
	for (size_t i = 0; i < load->connections; i++) {
		w = &workers[i];
		w->load = load;
		w->tally.complaints = &load->complaints;
		errno = pthread_create(&w->thread, &attr, work, w);
		if (errno != 0) {
			perror("mclient: thread");
			exit(1);
		}
	}
	if (load->hold)
		hold(load);
	for (size_t i = 0; i < load->connections; i++) {
		pthread_join(workers[i].thread, NULL);
		add_tally(sum, &workers[i].tally);
	}
	pthread_attr_destroy(&attr);
	pthread_barrier_destroy(&barrier);
	free(workers);
}

static int
by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The value that the given share of the n sorted ones does not exceed. */
static double
percentile_us(const uint64_t *took, size_t n, size_t percent)
{
	return n == 0 ? 0 : (double)took[(n * percent + 99) / 100 - 1] / 1000;
}

static void
report(struct load *load, const struct tally *sum, double seconds)
{
	uint64_t *took = load->took;
	size_t lost = 0, n;

	qsort(took, load->messages, sizeof(*took), by_size);
	while (lost < load->messages && took[lost] == 0)
		lost++;
	took += lost;
	n = load->messages - lost;
	printf("{\"sessions\": %zu, \"connections\": %zu, \"seconds\": %.6f, "
	       "\"rate\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
	       "\"accepted\": %zu, \"refused\": %zu, \"deferred\": %zu, "
	       "\"edits\": %zu, \"errors\": %zu}\n",
	    n, atomic_load(&load->opened), seconds, (double)n / seconds,
	    percentile_us(took, n, 50), percentile_us(took, n, 99),
	    sum->accepted, sum->refused, sum->deferred, sum->edits,
	    sum->errors);
}

int
main(int argc, char *argv[])
{
	struct load load = {
	    .plan =
		{
		    .sender = "news@news.example.com",
		    .daemon_name = "campaigns",
		    .rcpts_each = 1,
		    .first = 2,
		    .last = 9,
		    .eom_code = 250,
		    .edits = -1,
		    .timeout = 30,
		},
	    .messages = 1000,
	    .connections = 1,
	};
	struct tally sum = {0};
	uint64_t start;

	configure(&load, argc, argv);
	start = now_ns();
	run(&load, &sum);
	report(&load, &sum, (double)(now_ns() - start) / 1e9);
	free(load.took);
	letter_free(&load.plan.letter);
	return sum.errors == 0 ? 0 : 1;
}
