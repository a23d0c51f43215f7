/* SPDX-License-Identifier: ISC */
/*
 * redis_url - where Redis is, as cache.url in assent.conf says it
 *
 * Read from left to right: scheme, login, servers, and what may follow them.
 * A password is never part of an error.
 */
#include "redis_url.h"

#include <stdlib.h>
#include <string.h>

enum { PORT = 6379, SENTINEL_PORT = 26379, DATABASES = 1 << 16 };

static const struct scheme {
	const char *prefix;
	enum redis_mode mode;
	int port;
} schemes[] = {
    {"redis://", REDIS_ONE, PORT},
    {"sentinel://", REDIS_SENTINEL, SENTINEL_PORT},
    {"cluster://", REDIS_CLUSTER, PORT},
};

/* All digits of `text`, up to `max`; -1 for anything else. */
static int
number(const char *text, size_t len, int max)
{
	int n = 0;

	if (len == 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		n = n * 10 + (text[i] - '0');
		if (n > max)
			return -1;
	}
	return n;
}

int
redis_server_parse(struct redis_server *s, const char *text, size_t len,
    int port, struct err *e)
{
	bool brackets = len > 0 && text[0] == '[';
	const char *colon = memrchr(text, ':', len);
	const char *end = memchr(text, ']', len);
	size_t host;

	if (brackets && end == NULL)
		return err_set(e, ERR_FATAL, "\"[\" without \"]\"");
	if (colon != NULL && brackets && colon < end)
		colon = NULL;
	host = colon == NULL ? len : (size_t)(colon - text);
	s->port =
	    colon == NULL ? port : number(colon + 1, len - host - 1, 65535);
	if (s->port < 1)
		return err_set(e, ERR_FATAL, "\"%.*s\" is no port",
		    (int)(len - host), text + host);
	if (brackets && end != text + host - 1)
		return err_set(e, ERR_FATAL, "after \"]\" there must be :PORT");
	if (brackets) {
		text++;
		host -= 2;
	}
	if (host == 0 || memchr(text, '/', host) != NULL)
		return err_set(e, ERR_FATAL, "no host in it");
	s->host = strndup(text, host);
	return s->host != NULL ? 0 : err_set(e, ERR_FATAL, "out of memory");
}

static int
parse_servers(
    struct redis_url *u, const char *text, size_t len, int port, struct err *e)
{
	for (const char *end = text + len, *next; text <= end;
	     text = next + 1) {
		next = memchr(text, ',', (size_t)(end - text));
		if (next == NULL)
			next = end;
		if (u->n == REDIS_SERVERS)
			return err_set(e, ERR_FATAL, "more than %d servers",
			    REDIS_SERVERS);
		if (redis_server_parse(&u->servers[u->n], text,
			(size_t)(next - text), port, e) != 0)
			return -1;
		u->n++;
	}
	if (u->n > 1 && u->mode == REDIS_ONE)
		return err_set(e, ERR_FATAL,
		    "several servers: they need sentinel:// or cluster://");
	return 0;
}

/* What stands before the "@"; the text after it. */
static const char *
parse_login(struct redis_login *l, const char *text)
{
	const char *at = strrchr(text, '@');
	const char *colon, *secret;

	if (at == NULL)
		return text;
	colon = memchr(text, ':', (size_t)(at - text));
	secret = colon == NULL ? text : colon + 1;
	if (colon != NULL && colon > text)
		l->user = strndup(text, (size_t)(colon - text));
	l->password = strndup(secret, (size_t)(at - secret));
	return at + 1;
}

/* "/MASTER" and "/DATABASE", as far as the mode has them. */
static int
parse_path(struct redis_url *u, const char *path, struct err *e)
{
	size_t len;

	if (u->mode == REDIS_SENTINEL) {
		len = path[0] == '/' ? strcspn(path + 1, "/") : 0;
		if (len == 0)
			return err_set(e, ERR_FATAL,
			    "after the sentinels there must be /MASTER, the "
			    "name they know it by");
		u->master = strndup(path + 1, len);
		path += 1 + len;
	}
	if (path[0] == '\0')
		return 0;
	if (u->mode == REDIS_CLUSTER)
		return err_set(
		    e, ERR_FATAL, "a cluster has no other database than 0");
	u->login.database = number(path + 1, strlen(path + 1), DATABASES);
	if (u->login.database < 0)
		return err_set(
		    e, ERR_FATAL, "\"%s\" is no number of a database", path);
	return 0;
}

static int
parse_rest(struct redis_url *u, const struct scheme *s, const char *text,
    struct err *e)
{
	size_t len;

	u->mode = s->mode;
	text = parse_login(&u->login, text);
	len = strcspn(text, "/");
	if (parse_servers(u, text, len, s->port, e) != 0)
		return -1;
	return parse_path(u, text + len, e);
}

int
redis_url_parse(struct redis_url *u, const char *text, struct err *e)
{
	*u = (struct redis_url){.mode = REDIS_ONE};
	if (strncmp(text, "unix:", 5) == 0 && text[5] == '/') {
		u->servers[0].host = strdup(text + 5);
		u->n = 1;
		return u->servers[0].host != NULL
		    ? 0
		    : err_set(e, ERR_FATAL, "out of memory for cache url");
	}
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const struct scheme *s = &schemes[i];
		size_t len = strlen(s->prefix);

		if (strncmp(text, s->prefix, len) == 0)
			return parse_rest(u, s, text + len, e) == 0
			    ? 0
			    : err_prefix(e, "cache url");
	}
	return err_set(e, ERR_FATAL,
	    "cache url: neither unix:/PATH nor redis://, sentinel:// or "
	    "cluster://, see assent.conf(5)");
}

void
redis_url_free(struct redis_url *u)
{
	for (size_t i = 0; i < u->n; i++)
		free(u->servers[i].host);
	free(u->login.user);
	free(u->login.password);
	free(u->master);
	*u = (struct redis_url){0};
}
