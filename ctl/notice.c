/* SPDX-License-Identifier: ISC */
/*
 * notice - tell the operator why a change takes so long
 *
 * A change that could not be marked in Redis is acknowledged only when every
 * milter's right to trust its cache has run out, and for a while after such a
 * change others wait, too.  Somebody who waits in front of a silent terminal
 * presses Ctrl-C, and then does not know what holds; so after a second a
 * thread looks whether Redis is what is missing, and says what it found.
 */
#include "ctl.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

#include "out.h"
#include "policy/cache.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/lease.h"

struct notice {
	struct ctl *ctl;
	sem_t done;
	pthread_t thread;
	bool watched;
};

static void
tell(struct ctl *c)
{
	struct err why;
	char text[sizeof(why.text) + 160];

	if (cache_ping(c->cache, &why) == 0)
		err_set(&why, ERR_FATAL, "it was out of date a moment ago");
	snprintf(text, sizeof(text),
	    "waiting for up to %.1f s, until no milter trusts what is cached "
	    "any more: %s",
	    (double)lease_wait(c->conf->cache.lease) / (double)CLOCK_S,
	    why.text);
	out_error(text);
}

static void *
watch(void *arg)
{
	struct notice *n = arg;
	struct timespec until;
	int rc;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	do
		rc = sem_timedwait(&n->done, &until);
	while (rc != 0 && errno == EINTR);
	if (rc != 0)
		tell(n->ctl);
	return NULL;
}

static void
begin(struct notice *n, struct ctl *c)
{
	n->ctl = c;
	sem_init(&n->done, 0, 0);
	n->watched = pthread_create(&n->thread, NULL, watch, n) == 0;
}

static void
end(struct notice *n)
{
	sem_post(&n->done);
	if (n->watched)
		pthread_join(n->thread, NULL);
	sem_destroy(&n->done);
}

int
ctl_apply(
    struct ctl *c, const struct change *change, bool *changed, struct err *e)
{
	struct notice n;
	int rc;

	begin(&n, c);
	rc = change_apply(&c->changer, change, changed, e);
	end(&n);
	return rc;
}

int
ctl_forget(struct ctl *c, const struct addr_key *key,
    struct change_forgotten *out, struct err *e)
{
	struct notice n;
	int rc;

	begin(&n, c);
	rc = change_forget(&c->changer, key, "operator", out, e);
	end(&n);
	return rc;
}
