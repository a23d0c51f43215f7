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

int
ctl_apply(
    struct ctl *c, const struct change *change, bool *changed, struct err *e)
{
	struct notice n = {.ctl = c};
	pthread_t thread;
	bool watched;
	int rc;

	sem_init(&n.done, 0, 0);
	watched = pthread_create(&thread, NULL, watch, &n) == 0;
	rc = change_apply(&c->changer, change, changed, e);
	sem_post(&n.done);
	if (watched)
		pthread_join(thread, NULL);
	sem_destroy(&n.done);
	return rc;
}
