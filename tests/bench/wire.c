/* SPDX-License-Identifier: ISC */
/*
 * wire - the mail server's end of the milter protocol, version 6
 *
 * Packets are a 32-bit length, a command octet and data. What is sent is
 * gathered and leaves in one write when an answer is awaited, as Postfix does
 * it; what is received is parsed in place. The negotiation offers everything,
 * so the filter alone decides which steps are left out and go unanswered.
 *
 * Memory running out ends the program: a benchmark has nothing better to do.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include "wire.h"

enum {
	PACKET_MAX = 1 << 20,
	READ_SIZE = 1 << 16,
};

__attribute__((format(printf, 2, 3))) static int
fail(struct wire *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
	return -1;
}

static void
reserve(struct wire_buf *b, size_t more)
{
	size_t size = b->size != 0 ? b->size : 4096;
	char *base;

	if (b->size - b->len >= more)
		return;
	while (size - b->len < more)
		size *= 2;
	base = realloc(b->base, size);
	if (base == NULL) {
		perror("mclient");
		exit(1);
	}
	b->base = base;
	b->size = size;
}

static uint32_t
get32(const char *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return ntohl(n);
}

static void
add32(struct wire *w, uint32_t n)
{
	n = htonl(n);
	wire_add(w, &n, sizeof(n));
}

void
wire_begin(struct wire *w, char command)
{
	w->packet_start = w->out.len;
	add32(w, 0);
	wire_add(w, &command, 1);
}

void
wire_add(struct wire *w, const void *data, size_t len)
{
	reserve(&w->out, len);
	memcpy(w->out.base + w->out.len, data, len);
	w->out.len += len;
}

void
wire_add_string(struct wire *w, const char *s)
{
	wire_add(w, s, strlen(s) + 1);
}

void
wire_end(struct wire *w)
{
	uint32_t n;

	n = htonl((uint32_t)(w->out.len - w->packet_start - sizeof(n)));
	memcpy(w->out.base + w->packet_start, &n, sizeof(n));
}

int
wire_flush(struct wire *w)
{
	size_t sent = 0;
	ssize_t n;

	while (sent < w->out.len) {
		n = send(
		    w->fd, w->out.base + sent, w->out.len - sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(w, "sending: %s", strerror(errno));
		sent += (size_t)n;
	}
	w->out.len = 0;
	return 0;
}

/* Receives until at least want octets lie unread in w->in. */
static int
fill(struct wire *w, size_t want)
{
	ssize_t n;

	while (w->in.len - w->in_pos < want) {
		if (w->in_pos == w->in.len)
			w->in_pos = w->in.len = 0;
		reserve(&w->in, READ_SIZE);
		n = recv(
		    w->fd, w->in.base + w->in.len, w->in.size - w->in.len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return fail(w, "no answer in time");
		if (n < 0)
			return fail(w, "receiving: %s", strerror(errno));
		if (n == 0)
			return fail(w, "the filter closed the connection");
		w->in.len += (size_t)n;
	}
	return 0;
}

int
wire_get(struct wire *w, struct wire_packet *p)
{
	uint32_t len;

	if (wire_flush(w) != 0 || fill(w, sizeof(len)) != 0)
		return -1;
	len = get32(w->in.base + w->in_pos);
	if (len == 0 || len > PACKET_MAX)
		return fail(w, "a packet of %u octets", (unsigned)len);
	if (fill(w, sizeof(len) + len) != 0)
		return -1;
	p->command = w->in.base[w->in_pos + sizeof(len)];
	p->data = w->in.base + w->in_pos + sizeof(len) + 1;
	p->len = len - 1;
	w->in_pos += sizeof(len) + len;
	return 0;
}

/* The optional tail of the filter's answer: stage, macro names, NUL; ... */
static int
take_macro_lists(struct wire *w, const char *p, size_t len)
{
	const char *nul;
	uint32_t stage;
	size_t list;

	for (; len > sizeof(stage); p = nul + 1, len -= list + 1) {
		stage = get32(p);
		p += sizeof(stage);
		len -= sizeof(stage);
		nul = memchr(p, '\0', len);
		if (stage >= WIRE_STAGES || nul == NULL)
			return fail(w, "a malformed list of macros");
		list = (size_t)(nul - p);
		if (list >= WIRE_LISTS)
			return fail(w, "a list of macros that is too long");
		memcpy(w->macros[stage], p, list + 1);
		w->asked[stage] = true;
	}
	return 0;
}

static int
negotiate(struct wire *w)
{
	struct wire_packet p;

	wire_begin(w, SMFIC_OPTNEG);
	add32(w, SMFI_PROT_VERSION);
	add32(w, SMFI_CURR_ACTS);
	add32(w, SMFI_CURR_PROT);
	wire_end(w);
	if (wire_get(w, &p) != 0)
		return -1;
	if (p.command != SMFIC_OPTNEG || p.len < MILTER_OPTLEN)
		return fail(w, "the filter does not negotiate");
	if (get32(p.data) != SMFI_PROT_VERSION)
		return fail(w, "protocol version %u", get32(p.data));
	w->actions = get32(p.data + 4);
	w->proto = get32(p.data + 8);
	if ((w->actions & ~(uint32_t)SMFI_CURR_ACTS) != 0 ||
	    (w->proto & ~(uint32_t)SMFI_CURR_PROT) != 0)
		return fail(w, "the filter asks for what was not offered");
	return take_macro_lists(
	    w, p.data + MILTER_OPTLEN, p.len - MILTER_OPTLEN);
}

int
wire_open(struct wire *w, const char *path, int timeout)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct timeval tv = {.tv_sec = timeout};

	*w = (struct wire){.fd = -1};
	if (strlen(path) >= sizeof(sun.sun_path))
		return fail(w, "%s: the path is too long", path);
	memcpy(sun.sun_path, path, strlen(path));
	w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		return fail(w, "socket: %s", strerror(errno));
	if (setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) != 0 ||
	    setsockopt(w->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) != 0)
		return fail(w, "setsockopt: %s", strerror(errno));
	if (connect(w->fd, (struct sockaddr *)&sun, sizeof(sun)) != 0)
		return fail(w, "%s: %s", path, strerror(errno));
	return negotiate(w);
}

void
wire_close(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	free(w->out.base);
	free(w->in.base);
	w->out = w->in = (struct wire_buf){0};
}

const char *
wire_macros(const struct wire *w, int stage)
{
	return w->asked[stage] ? w->macros[stage] : NULL;
}
