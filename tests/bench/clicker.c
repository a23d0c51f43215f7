/* SPDX-License-Identifier: ISC */
/*
 * clicker - mail programs that unsubscribe, one click after the other
 *
 * Seals the tokens of people who are numbered, as change.py has it, and posts
 * to each what RFC 8058 asks for, over connections that are kept.  Every click
 * must be answered with 200.  How long all of them took, without connecting,
 * is one JSON object on standard output.  Exit 0, 1 if a click was not
 * answered so, 2 on wrong usage.
 */

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "policy/clock.h"
#include "policy/err.h"
#include "policy/keys.h"
#include "policy/token.h"

#define BODY "List-Unsubscribe=One-Click"

enum { CLIENTS_MAX = 256, LINE = 1024, PATIENCE_SECONDS = 20 };

struct load {
	struct keys *keys;
	unsigned long port, purpose, clients, clicks, done;
	pthread_barrier_t ready;
};

struct client {
	pthread_t thread;
	struct load *load;
	unsigned long number;
	bool failed;
};

static FILE *
connected(unsigned long port)
{
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	const struct sockaddr_in to = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return NULL;
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
		close(fd);
		return NULL;
	}
	return fdopen(fd, "r");
}

/* The link of one of change.py's people. */
static void
seal(const struct client *c, unsigned long i, char out[TOKEN_URL])
{
	struct token_subject s = {
	    .purpose = (uint16_t)c->load->purpose,
	    .channel = CHANNEL_EMAIL,
	    .key.octets = {0xbe, (uint8_t)(c->number >> 8), (uint8_t)c->number},
	};
	struct token t;

	for (size_t n = 0; n < sizeof(i); n++)
		s.key.octets[ADDR_KEY - 1 - n] = (uint8_t)(i >> 8 * n);
	t = token_for(CAPABILITY_OPT_OUT, &s);
	token_seal_url(c->load->keys, &t, out);
}

static bool
post(FILE *f, const char *token)
{
	char text[LINE];
	int len = snprintf(text, sizeof(text),
	    "POST /u/%s HTTP/1.1\r\n"
	    "Host: optout.example.com\r\n"
	    "User-Agent: Mail/1.0\r\n"
	    "Content-Type: application/x-www-form-urlencoded\r\n"
	    "Content-Length: %zu\r\n\r\n" BODY,
	    token, strlen(BODY));

	return send(fileno(f), text, (size_t)len, MSG_NOSIGNAL) == len;
}

static bool
answered(FILE *f)
{
	static const char field[] = "Content-Length:";
	unsigned long body = 0;
	char line[LINE];
	bool good;

	if (fgets(line, sizeof(line), f) == NULL)
		return false;
	good = strncmp(line, "HTTP/1.1 200 ", 13) == 0;
	while (fgets(line, sizeof(line), f) != NULL && line[0] != '\r')
		if (strncasecmp(line, field, sizeof(field) - 1) == 0)
			body = strtoul(line + sizeof(field) - 1, NULL, 10);
	for (; body > 0 && getc(f) != EOF; body--)
		continue;
	return good && body == 0;
}

static bool
click(struct client *c, FILE *f, unsigned long i)
{
	char token[TOKEN_URL];

	seal(c, c->load->done + i, token);
	return post(f, token) && answered(f);
}

static void *
run(void *argument)
{
	struct client *c = argument;
	FILE *f = connected(c->load->port);

	c->failed = f == NULL || !click(c, f, 1);
	pthread_barrier_wait(&c->load->ready);
	for (unsigned long i = 2; i <= c->load->clicks && !c->failed; i++)
		c->failed = !click(c, f, i);
	if (f != NULL)
		fclose(f);
	return NULL;
}

static int
measure(struct load *load)
{
	struct client clients[CLIENTS_MAX] = {0};
	int64_t began;
	int rc = 0;

	pthread_barrier_init(
	    &load->ready, NULL, (unsigned int)load->clients + 1);
	for (unsigned long n = 0; n < load->clients; n++) {
		clients[n].load = load;
		clients[n].number = n;
		if (pthread_create(
			&clients[n].thread, NULL, run, &clients[n]) != 0)
			return 1;
	}
	pthread_barrier_wait(&load->ready);
	began = clock_now();
	for (unsigned long n = 0; n < load->clients; n++) {
		pthread_join(clients[n].thread, NULL);
		rc |= clients[n].failed;
	}
	printf("{\"clicks\": %lu, \"seconds\": %.6f}\n",
	    load->clients * (load->clicks - 1),
	    (double)(clock_now() - began) / CLOCK_S);
	return rc;
}

int
main(int argc, char **argv)
{
	struct load load = {0};
	struct err e;
	int rc;

	if (argc == 7) {
		load.port = strtoul(argv[2], NULL, 10);
		load.purpose = strtoul(argv[3], NULL, 10);
		load.clients = strtoul(argv[4], NULL, 10);
		load.done = strtoul(argv[5], NULL, 10);
		load.clicks = strtoul(argv[6], NULL, 10);
	}
	if (load.clients == 0 || load.clients > CLIENTS_MAX ||
	    load.clicks < 2) {
		fputs("usage: clicker KEYS PORT PURPOSE CLIENTS DONE CLICKS\n",
		    stderr);
		return 2;
	}
	load.keys = keys_load(argv[1], &e);
	if (load.keys == NULL) {
		fprintf(stderr, "clicker: %s\n", e.text);
		return 1;
	}
	rc = measure(&load);
	keys_free(&load.keys);
	return rc;
}
