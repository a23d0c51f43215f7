/* SPDX-License-Identifier: ISC */
/*
 * redis - a connection to one Redis server
 *
 * The only file that knows hiredis.  A server can stop being the master, or
 * come back as one, while a connection stays open; so what is known of it is
 * asked for again, in front of a command and answered with it.
 */
#include "redis.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define ROLE_MASTER "\nrole:master"

enum { ID = 40 }; /* of a run, and of a replication */

struct redis {
	redisContext *context;
	bool master, clustered;
	int64_t confirmed;
	char run[ID];
	uint8_t identity[REDIS_IDENTITY];
	char name[]; /* for errors */
};

static int
complain(const struct redis *r, const redisReply *reply, struct err *e)
{
	const redisContext *c = r->context;
	const char *what = "out of memory";

	if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
		what = reply->str;
	else if (c != NULL && c->err == REDIS_ERR_IO &&
	    (errno == EAGAIN || errno == EWOULDBLOCK))
		what = "no answer in time";
	else if (c != NULL && c->err != 0)
		what = c->errstr;
	else if (reply != NULL)
		what = "an answer that makes no sense";
	return err_set(e, ERR_UNREACHABLE, "Redis %s: %s", r->name, what);
}

/* The value after `name`, which is "\nkey:", and how long it is at least. */
static const char *
fact(const redisReply *reply, const char *name, size_t min)
{
	const char *found;

	if (reply == NULL || reply->type != REDIS_REPLY_STRING)
		return NULL;
	found = strstr(reply->str, name);
	if (found == NULL || strlen(found + strlen(name)) < min)
		return NULL;
	return found + strlen(name);
}

/* What INFO, and in a cluster CLUSTER INFO, tell about who this is. */
static int
learn(struct redis *r, const redisReply *info, const redisReply *cluster,
    struct err *e)
{
	const char *replication = fact(info, "\nmaster_replid:", ID);
	const char *epoch = fact(cluster, "\ncluster_my_epoch:", 1);
	crypto_generichash_state st;

	if (replication == NULL || (r->clustered && epoch == NULL))
		return complain(r, replication == NULL ? info : cluster, e);
	if (fact(info, ROLE_MASTER, 0) == NULL)
		return err_set(e, ERR_UNREACHABLE,
		    "Redis %s: a replica, not a master", r->name);
	crypto_generichash_init(&st, NULL, 0, REDIS_IDENTITY);
	crypto_generichash_update(&st, (const uint8_t *)r->run, ID);
	crypto_generichash_update(&st, (const uint8_t *)replication, ID);
	if (r->clustered)
		crypto_generichash_update(
		    &st, (const uint8_t *)epoch, strcspn(epoch, "\r"));
	crypto_generichash_final(&st, r->identity, REDIS_IDENTITY);
	return 0;
}

/* Reads the answers to ask_who(), which may be the first of several. */
static int
read_who(struct redis *r, struct err *e)
{
	void *info = NULL, *cluster = NULL;
	int rc;

	if (redisGetReply(r->context, &info) != REDIS_OK ||
	    (r->clustered && redisGetReply(r->context, &cluster) != REDIS_OK))
		rc = complain(r, NULL, e);
	else
		rc = learn(r, info, cluster, e);
	freeReplyObject(info);
	freeReplyObject(cluster);
	return rc;
}

static void
ask_who(struct redis *r)
{
	r->confirmed = clock_boot();
	redisAppendCommand(r->context, "INFO replication");
	if (r->clustered)
		redisAppendCommand(r->context, "CLUSTER INFO");
}

static int
introduce(struct redis *r, struct err *e)
{
	redisReply *reply = redisCommand(r->context, "INFO");
	const char *run = fact(reply, "\nrun_id:", ID);
	int rc = 0;

	if (run == NULL) {
		rc = complain(r, reply, e);
	} else {
		memcpy(r->run, run, ID);
		r->clustered = fact(reply, "\ncluster_enabled:1", 0) != NULL;
	}
	freeReplyObject(reply);
	if (rc != 0)
		return -1;
	r->master = true;
	ask_who(r);
	return read_who(r, e);
}

/* Sends AUTH, SELECT and the like; their only good answer is OK. */
static int
expect_ok(struct redis *r, const char *const *argv, int argc, struct err *e)
{
	redisReply *reply =
	    redisCommandArgv(r->context, argc, (const char **)argv, NULL);
	int rc = 0;

	if (reply == NULL || reply->type != REDIS_REPLY_STATUS)
		rc = complain(r, reply, e);
	freeReplyObject(reply);
	return rc;
}

static int
authenticate(struct redis *r, const struct redis_login *l, struct err *e)
{
	const char *auth[] = {
	    "AUTH", l->user == NULL ? l->password : l->user, l->password};

	return l->password == NULL
	    ? 0
	    : expect_ok(r, auth, l->user == NULL ? 2 : 3, e);
}

static int
select_database(struct redis *r, const struct redis_login *l, struct err *e)
{
	char number[16];
	const char *select[] = {"SELECT", number};

	snprintf(number, sizeof(number), "%d", l->database);
	return l->database == 0 ? 0 : expect_ok(r, select, 2, e);
}

static struct redis *
make(const struct redis_server *s, struct err *e)
{
	size_t size = strlen(s->host) + 16;
	struct redis *r = calloc(1, sizeof(*r) + size);

	if (r == NULL) {
		err_set(e, ERR_FATAL, "out of memory for a connection");
		return NULL;
	}
	if (s->host[0] == '/')
		memcpy(r->name, s->host, strlen(s->host));
	else
		snprintf(r->name, size, "%s:%d", s->host, s->port);
	return r;
}

static struct redis *
dial(const struct redis_server *s, int64_t timeout, struct err *e)
{
	struct redis *r = make(s, e);
	struct timeval tv = {
	    .tv_sec = timeout / CLOCK_S,
	    .tv_usec = timeout % CLOCK_S / 1000,
	};

	if (r == NULL)
		return NULL;
	r->context = s->host[0] == '/'
	    ? redisConnectUnixWithTimeout(s->host, tv)
	    : redisConnectWithTimeout(s->host, s->port, tv);
	if (r->context != NULL && r->context->err == 0 &&
	    redisSetTimeout(r->context, tv) == REDIS_OK)
		return r;
	complain(r, NULL, e);
	redis_close(r);
	return NULL;
}

struct redis *
redis_open_master(const struct redis_server *s, const struct redis_login *l,
    int64_t timeout, struct err *e)
{
	struct redis *r = dial(s, timeout, e);

	if (r == NULL)
		return NULL;
	if (authenticate(r, l, e) == 0 && select_database(r, l, e) == 0 &&
	    introduce(r, e) == 0)
		return r;
	redis_close(r);
	return NULL;
}

struct redis *
redis_open_node(const struct redis_server *s, const struct redis_login *l,
    int64_t timeout, struct err *e)
{
	struct redis *r = dial(s, timeout, e);

	if (r == NULL || authenticate(r, l, e) == 0)
		return r;
	redis_close(r);
	return NULL;
}

struct redis *
redis_open_sentinel(const struct redis_server *s, const struct redis_login *l,
    int64_t timeout, struct err *e)
{
	struct redis *r = dial(s, timeout, e);
	struct err ignored;

	/* One that wants a password will say so to the first question. */
	if (r != NULL && authenticate(r, l, &ignored) != 0 &&
	    r->context->err != 0) {
		*e = ignored;
		redis_close(r);
		return NULL;
	}
	return r;
}

void
redis_close(struct redis *r)
{
	if (r->context != NULL)
		redisFree(r->context);
	free(r);
}

const uint8_t *
redis_identity(const struct redis *r)
{
	return r->identity;
}

static void
describe(redisReply *reply, struct redis_reply *out)
{
	*out = (struct redis_reply){.handle = reply};
	switch (reply->type) {
	case REDIS_REPLY_ERROR:
		out->type = REDIS_ERROR;
		break;
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
		out->type = REDIS_TEXT;
		break;
	case REDIS_REPLY_NIL:
		out->type = REDIS_NIL;
		return;
	case REDIS_REPLY_ARRAY:
		out->type = REDIS_LIST;
		return;
	default:
		return;
	}
	out->text = reply->str;
	out->len = reply->len;
}

int
redis_ask(struct redis *r, const struct redis_command *cmd,
    struct redis_reply *out, struct err *e)
{
	bool who = r->master && clock_boot() - r->confirmed >= REDIS_CONFIRM;
	size_t len[REDIS_WORDS];
	void *reply = NULL;
	int n;

	for (n = 0; n < REDIS_WORDS && cmd->word[n] != NULL; n++)
		len[n] = cmd->len[n] > 0 ? cmd->len[n] : strlen(cmd->word[n]);
	if (who)
		ask_who(r);
	redisAppendCommandArgv(r->context, n, (const char **)cmd->word, len);
	if (who && read_who(r, e) != 0)
		return -1;
	if (redisGetReply(r->context, &reply) != REDIS_OK)
		return complain(r, NULL, e);
	describe(reply, out);
	if (out->type == REDIS_ERROR)
		complain(r, reply, e);
	return 0;
}

void
redis_reply_free(struct redis_reply *reply)
{
	freeReplyObject(reply->handle);
	*reply = (struct redis_reply){0};
}

const char *
redis_item(const struct redis_reply *reply, size_t i)
{
	const redisReply *list = reply->handle;

	if (reply->type != REDIS_LIST || i >= list->elements ||
	    list->element[i]->type != REDIS_REPLY_STRING)
		return NULL;
	return list->element[i]->str;
}
