/* SPDX-License-Identifier: ISC */
/*
 * topology - who has which slots, as one server says
 *
 * Each question has a connection of its own: whom to ask changes each time,
 * and it is asked seldom.  Nothing is kept here.
 */
#include "topology.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "redis_url.h"

/* The one server that has all. */
static int
add_only(struct topology *t, const char *host, const char *port, struct err *e)
{
	t->servers[0] = (struct redis_server){
	    .host = strdup(host),
	    .port = atoi(port),
	};
	if (t->servers[0].host == NULL)
		return err_set(e, ERR_FATAL, "out of memory for the cache");
	t->n = 1;
	t->of[0] = 1;
	return 0;
}

static int
ask_sentinel(const struct redis_url *u, const struct redis_server *s,
    struct redis *r, struct topology *out, struct err *e)
{
	const struct redis_command who = {
	    .word = {"SENTINEL", "get-master-addr-by-name", u->master},
	};
	struct redis_reply reply;
	int rc = -1;

	if (redis_ask(r, &who, &reply, e) != 0)
		return -1;
	if (redis_item(&reply, 0) != NULL && redis_item(&reply, 1) != NULL)
		rc = add_only(
		    out, redis_item(&reply, 0), redis_item(&reply, 1), e);
	else if (reply.type != REDIS_ERROR)
		err_set(e, ERR_UNREACHABLE,
		    "Sentinel %s:%d knows no master \"%s\"", s->host, s->port,
		    u->master);
	redis_reply_free(&reply);
	return rc;
}

/* A reply to CLUSTER NODES, to be freed. */
static int
ask_nodes(struct redis *r, struct redis_reply *reply, struct err *e)
{
	static const struct redis_command nodes = {
	    .word = {"CLUSTER", "NODES"}};

	if (redis_ask(r, &nodes, reply, e) != 0)
		return -1;
	if (reply->type == REDIS_TEXT)
		return 0;
	redis_reply_free(reply);
	return -1;
}

/* The node's place in the list, from 1; 0: it has none.  One that does not know
 * its own address yet has that of who was asked. */
static size_t
add_node(struct topology *t, const struct slots_node *node,
    const struct redis_server *asked)
{
	struct redis_server s = {.host = NULL};
	struct err ignored;

	if (t->n == TOPOLOGY_SERVERS)
		return 0;
	if (redis_server_parse(
		&s, node->address, node->address_len, 0, &ignored) != 0)
		s = (struct redis_server){
		    .host = node->myself ? strdup(asked->host) : NULL,
		    .port = asked->port,
		};
	if (s.host == NULL)
		return 0;
	t->servers[t->n++] = s;
	return t->n;
}

static int
ask_cluster(const struct redis_server *s, struct redis *r, struct topology *out,
    struct err *e)
{
	struct redis_reply reply;
	struct slots_node node;
	const char *text;

	if (ask_nodes(r, &reply, e) != 0)
		return -1;
	for (text = reply.text; slots_next(&text, &node);) {
		unsigned int first, last;
		size_t at = 0;

		while (node.master && slots_range(&node, &first, &last)) {
			if (at == 0)
				at = add_node(out, &node, s);
			for (unsigned int i = first; i <= last; i++)
				out->of[i] = (uint16_t)at;
		}
	}
	redis_reply_free(&reply);
	return 0;
}

int
topology_ask(const struct redis_url *u, const struct redis_server *server,
    int64_t timeout, struct topology *out, struct err *e)
{
	bool sentinel = u->mode == REDIS_SENTINEL;
	struct redis *r = sentinel
	    ? redis_open_sentinel(server, &u->login, timeout, e)
	    : redis_open_node(server, &u->login, timeout, e);
	int rc;

	if (r == NULL)
		return -1;
	memset(out, 0, sizeof(*out));
	rc = sentinel ? ask_sentinel(u, server, r, out, e)
		      : ask_cluster(server, r, out, e);
	redis_close(r);
	return rc;
}

/* Any question will do: who answers it is what matters. */
static int
confirm(struct redis *r, struct err *e)
{
	static const struct redis_command ping = {.word = {"PING"}};
	struct redis_reply reply;

	if (redis_ask(r, &ping, &reply, e) != 0)
		return -1;
	redis_reply_free(&reply);
	return 0;
}

int
topology_served(
    const struct redis_url *u, struct redis *r, struct buf *out, struct err *e)
{
	struct redis_reply reply;
	struct slots_node node;
	unsigned int first, last;
	const char *text;

	if (u->mode != REDIS_CLUSTER) {
		buf_puts(out, "{[0,0]}");
		return confirm(r, e);
	}
	if (ask_nodes(r, &reply, e) != 0)
		return -1;
	buf_puts(out, "{");
	for (text = reply.text; slots_next(&text, &node);)
		while (node.myself && slots_range(&node, &first, &last))
			buf_printf(out, "%s[%u,%u]", out->len > 1 ? "," : "",
			    first, last);
	buf_puts(out, "}");
	redis_reply_free(&reply);
	return 0;
}
