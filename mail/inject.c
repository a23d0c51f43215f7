/* SPDX-License-Identifier: ISC */
/*
 * inject - hand messages to the MTA by SMTP
 *
 * The only file that knows libcurl.  libcurl connects and says EHLO; what
 * follows is said here (CURLOPT_CONNECT_ONLY), because its own way of sending
 * mail has no place for the envelope's parameters (BODY, SMTPUTF8, and those
 * of delivery status notifications), which a copy must keep.
 *
 * A connection that has been used may have been closed by the MTA meanwhile:
 * so the first command of a message is said again on a new one, once.
 */
#include "inject.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edit.h"
#include "policy/clock.h"

enum { CHUNK = 16384, LINE = 1024, COMMAND = 2048 };

struct inject {
	CURL *curl; /* NULL: not connected */
	const char *url;
	char in[LINE]; /* received, not yet read as a line */
	size_t have;
	char reply[INJECT_REPLY];
};

int
inject_init(struct err *e)
{
	if (curl_global_init(CURL_GLOBAL_NOTHING) != 0)
		return err_set(e, ERR_FATAL, "libcurl does not start");
	return 0;
}

struct inject *
inject_open(const char *url)
{
	struct inject *c = calloc(1, sizeof(*c));

	if (c != NULL)
		c->url = url;
	return c;
}

static void
disconnect(struct inject *c)
{
	if (c->curl != NULL)
		curl_easy_cleanup(c->curl);
	c->curl = NULL;
	c->have = 0;
}

static int
connect_by(struct inject *c, int64_t deadline, struct err *e)
{
	CURLcode rc;

	c->curl = curl_easy_init();
	if (c->curl == NULL)
		return err_set(e, ERR_FATAL, "no memory for libcurl");
	curl_easy_setopt(c->curl, CURLOPT_URL, c->url);
	curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "smtp");
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_CONNECT_ONLY, 1L);
	/* Zero would be for ever. */
	curl_easy_setopt(
	    c->curl, CURLOPT_TIMEOUT_MS, (long)clock_left_ms(deadline) + 1);
	rc = curl_easy_perform(c->curl);
	if (rc == CURLE_OK)
		return 0;
	disconnect(c);
	return err_set(
	    e, ERR_UNREACHABLE, "%s: %s", c->url, curl_easy_strerror(rc));
}

static int
lost(struct inject *c, const char *what, struct err *e)
{
	disconnect(c);
	return err_set(e, ERR_UNREACHABLE, "%s: %s", c->url, what);
}

static bool
wait_for(const struct inject *c, short events, int64_t deadline)
{
	struct pollfd fd = {.events = events};
	curl_socket_t s;
	int rc;

	if (curl_easy_getinfo(c->curl, CURLINFO_ACTIVESOCKET, &s) != CURLE_OK)
		return false;
	fd.fd = s;
	do
		rc = poll(&fd, 1, clock_left_ms(deadline));
	while (rc < 0 && clock_left_ms(deadline) > 0);
	return rc > 0;
}

static int
put(struct inject *c, const char *octets, size_t len, int64_t deadline,
    struct err *e)
{
	CURLcode rc;
	size_t n;

	for (; len > 0; octets += n, len -= n) {
		n = 0;
		rc = curl_easy_send(c->curl, octets, len, &n);
		if (rc == CURLE_AGAIN && !wait_for(c, POLLOUT, deadline))
			return lost(c, "no answer in time", e);
		if (rc != CURLE_OK && rc != CURLE_AGAIN)
			return lost(c, curl_easy_strerror(rc), e);
	}
	return 0;
}

/* Moves one line into c->reply; false when more octets are needed. */
static bool
take_line(struct inject *c)
{
	char *end = memchr(c->in, '\n', c->have);
	size_t n;

	if (end == NULL)
		return false;
	n = (size_t)(end - c->in);
	snprintf(c->reply, sizeof(c->reply), "%.*s",
	    (int)(n > 0 && end[-1] == '\r' ? n - 1 : n), c->in);
	c->have -= n + 1;
	memmove(c->in, end + 1, c->have);
	return true;
}

/* Reads a reply to its last line, which c->reply then holds. */
static int
get_reply(struct inject *c, int64_t deadline, struct err *e)
{
	CURLcode rc;
	size_t n;

	for (;;) {
		while (take_line(c))
			if (strlen(c->reply) < 4 || c->reply[3] != '-')
				return 0;
		if (c->have == sizeof(c->in))
			return lost(c, "a line without end", e);
		rc = curl_easy_recv(
		    c->curl, c->in + c->have, sizeof(c->in) - c->have, &n);
		if (rc == CURLE_AGAIN && !wait_for(c, POLLIN, deadline))
			return lost(c, "no answer in time", e);
		if (rc == CURLE_OK && n == 0)
			return lost(c, "it hung up", e);
		if (rc == CURLE_OK)
			c->have += n;
		else if (rc != CURLE_AGAIN)
			return lost(c, curl_easy_strerror(rc), e);
	}
}

/* The reply must begin with `want`. */
static int
expect(struct inject *c, char want, int64_t deadline, struct err *e)
{
	if (get_reply(c, deadline, e) != 0)
		return -1;
	if (c->reply[0] == want)
		return 0;
	if (strncmp(c->reply, "421", 3) == 0)
		return lost(c, c->reply, e);
	return err_set(e, ERR_BUSY, "%s: %s", c->url, c->reply);
}

static int
say(struct inject *c, const char *line, char want, int64_t deadline,
    struct err *e)
{
	if (put(c, line, strlen(line), deadline, e) != 0)
		return -1;
	return expect(c, want, deadline, e);
}

/* Says `verb`, an address in brackets, and parameters. */
static int
say_path(struct inject *c, const char *verb, const char *address,
    const char *parameters, int64_t deadline, struct err *e)
{
	char line[COMMAND];

	if (snprintf(line, sizeof(line), "%s<%s>%s\r\n", verb, address,
		parameters) >= (int)sizeof(line)) {
		/* RFC 5321, 4.5.3.1.4: no MTA need take it. */
		snprintf(c->reply, sizeof(c->reply),
		    "500 5.5.2 the envelope is too long");
		return err_set(e, ERR_BUSY, "%s: %s", c->url, c->reply);
	}
	return say(c, line, '2', deadline, e);
}

/* Begins a message, on a connection that works. */
static int
say_mail(struct inject *c, const struct inject_mail *mail, int64_t deadline,
    struct err *e)
{
	bool used = c->curl != NULL;
	int rc;

	do {
		if (c->curl == NULL && connect_by(c, deadline, e) != 0)
			return -1;
		rc = say_path(c, "MAIL FROM:", mail->from,
		    mail->from_parameters, deadline, e);
	} while (rc != 0 && c->curl == NULL && used && !(used = false));
	return rc;
}

/* RFC 5321, 4.5.2: a dot that begins a line is doubled.  Also after a lone LF,
 * which some take for the end of a line. */
static int
put_text(struct inject *c, const char *p, size_t len, bool *line_start,
    int64_t deadline, struct err *e)
{
	char out[CHUNK];
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (n + 2 > sizeof(out)) {
			if (put(c, out, n, deadline, e) != 0)
				return -1;
			n = 0;
		}
		if (*line_start && p[i] == '.')
			out[n++] = '.';
		out[n++] = p[i];
		*line_start = p[i] == '\n';
	}
	return put(c, out, n, deadline, e);
}

/* After a no to the recipient or the text: whether it is for good.  A no to
 * MAIL or DATA is about what all messages share, the sender and the set-up. */
static int
weigh(const struct inject *c, struct err *e)
{
	if (e->kind == ERR_BUSY && c->reply[0] == '5')
		e->kind = ERR_REFUSED;
	return -1;
}

static int
transfer(struct inject *c, const struct inject_mail *mail, int64_t deadline,
    struct err *e)
{
	bool line_start = true;

	if (say_mail(c, mail, deadline, e) != 0)
		return -1;
	if (say_path(
		c, "RCPT TO:", mail->to, mail->to_parameters, deadline, e) != 0)
		return weigh(c, e);
	if (say(c, "DATA\r\n", '3', deadline, e) != 0)
		return -1;
	for (size_t i = 0; i < mail->n_text; i++)
		if (put_text(c, mail->text[i].data, mail->text[i].len,
			&line_start, deadline, e) != 0)
			return -1;
	if (say(c, line_start ? ".\r\n" : "\r\n.\r\n", '2', deadline, e) != 0)
		return weigh(c, e);
	return 0;
}

static bool
has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return true;
	return false;
}

/* Forgets the message that failed, but not what was said to it. */
static void
reset(struct inject *c, int64_t deadline)
{
	char said[INJECT_REPLY];
	struct err ignored;

	memcpy(said, c->reply, sizeof(said));
	if (c->curl != NULL && say(c, "RSET\r\n", '2', deadline, &ignored) != 0)
		disconnect(c);
	memcpy(c->reply, said, sizeof(said));
}

int
inject_send(struct inject *c, const struct inject_mail *mail, int64_t deadline,
    struct err *e)
{
	/* What could say more than one command. */
	if (has_control(mail->from) || has_control(mail->from_parameters) ||
	    has_control(mail->to) || has_control(mail->to_parameters))
		return err_set(e, ERR_FATAL, "an address with a line break");
	if (transfer(c, mail, deadline, e) == 0)
		return 0;
	reset(c, deadline);
	return -1;
}

const char *
inject_reply(const struct inject *c)
{
	return c->reply;
}

void
inject_close(struct inject **c)
{
	struct err ignored;

	if (*c == NULL)
		return;
	/* Without waiting for the answer: nothing is at stake any more. */
	if ((*c)->curl != NULL &&
	    put(*c, "QUIT\r\n", 6, clock_now(), &ignored) == 0)
		disconnect(*c);
	free(*c);
	*c = NULL;
}
