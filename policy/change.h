/* SPDX-License-Identifier: ISC */
/*
 * change - the write path: mark, commit, publish, then acknowledge
 *
 * Every door (page, API, command) changes consent through here, and may tell
 * its caller "done" only when a function here returned 0: then every check
 * that begins later, on every node, sees the change.  lookup.h has the
 * argument.
 */
#ifndef POLICY_CHANGE_H
#define POLICY_CHANGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "channel.h"
#include "err.h"

struct cache;
struct endpoint;
struct metric_histogram;
struct pg_param;
struct pg_statement;
struct store;

/* The acts, as in SQL's assent.act. */
#define CHANGE_ACTS(X)                                                         \
	X(CHANGE_PEND, "pend")                                                 \
	X(CHANGE_GRANT, "grant")                                               \
	X(CHANGE_WITHDRAW, "withdraw")                                         \
	X(CHANGE_OBJECT, "object")                                             \
	X(CHANGE_LIFT_OBJECTION, "lift-objection")                             \
	X(CHANGE_RESTRICT, "restrict")                                         \
	X(CHANGE_LIFT_RESTRICTION, "lift-restriction")                         \
	X(CHANGE_SUSPEND, "suspend")                                           \
	X(CHANGE_UNSUSPEND, "unsuspend")

enum change_act {
#define X(id, word) id,
	CHANGE_ACTS(X)
#undef X
};

struct change {
	enum change_act act;
	struct addr_key key;
	const struct endpoint *endpoint; /* what `key` is the key of */
	uint16_t purpose;		 /* 0: every purpose the contact has */
	enum channel channel;		 /* ignored when purpose is 0 */
	const char *expires; /* timestamp of a grant's end, or NULL */
	const char *at;	     /* when the person acted; NULL: now */
	const char *source;  /* which door: "page", "one-click", "operator" */
	const char *proof;   /* JSON object of personal fields, or NULL */
	int text; /* the number of the text that was shown, 0: not known */
};

struct changer {
	struct store *store;
	struct cache *cache;  /* NULL: changes count as unmarked */
	int64_t lease;	      /* the nodes' lease, nanoseconds */
	pthread_mutex_t lock; /* PTHREAD_MUTEX_INITIALIZER */
	/* The newest generation and timeline seen, and since when; all start
	 * at 0. */
	int64_t generation, seen_at;
	int timeline;
	/* From commits until they are in force everywhere; NULL: not told. */
	struct metric_histogram *in_force;
};

/* The name and the help of that histogram. */
#define CHANGE_IN_FORCE "assent_in_force_seconds"
#define CHANGE_IN_FORCE_HELP                                                   \
	"From a change's commit until every node goes by it."

/*
 * Applies `c`.  0 when it is in force everywhere; `*changed` says whether it
 * changed anything (withdrawing twice does not).  -1: ERR_REFUSED for what the
 * rules forbid or do not know; otherwise it must not be acknowledged, though
 * it may have been committed: trying again is safe.
 * Blocks for the database's and the cache's timeouts, and for lease_wait()
 * when Redis could not be marked.
 */
int change_apply(struct changer *ch, const struct change *c, bool *changed,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* The opt-out behind a link: withdraws one purpose on one channel for whoever
 * has `key`.  A key nobody has is no error: it is kept for whoever gets it. */
int change_opt_out(struct changer *ch, const struct addr_key *key,
    uint16_t purpose, enum channel channel, const char *source,
    const char *proof, bool *changed, struct err *e)
    __attribute__((nonnull(1, 2, 5, 7, 8), warn_unused_result));

/* What is pressed on a preferences page, in PostgreSQL's spelling of arrays of
 * purposes; `texts` are the texts that were shown for `join`, 0 for none. */
struct change_preferences {
	uint16_t purpose; /* whose brand's page it is */
	enum channel channel;
	const char *leave, *join, *texts;
	bool all;   /* leave everything */
	bool gives; /* may agree to what is not in force */
	const char *proof;
};

/* Does so for whoever has `key`, as change_opt_out(). */
int change_preferences(struct changer *ch, const struct addr_key *key,
    const struct change_preferences *p, bool *changed, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Confirms the sign-up that `reference`, of `len` octets, refers to, and with
 * it whatever it asked for: whoever has `key` has then agreed to it.  As
 * change_apply(); one that is over changes nothing. */
int change_sign_up(struct changer *ch, const struct addr_key *key,
    const uint8_t *reference, size_t len, const char *proof, bool *changed,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* What the holder of a profile's link does: an act of SQL's
 * assent.profile_act(), and the JSON object that says to what. */
struct change_profile {
	const uint8_t *reference;
	size_t len;
	const char *act, *detail, *proof;
};

/* Does so to whoever has `key`, whose link it is.  As change_apply(); a link
 * that opens nothing changes nothing. */
int change_profile(struct changer *ch, const struct addr_key *key,
    const struct change_profile *p, bool *changed, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Confirms the address of `key`, which `reference` refers to, as whoever's
 * asked for it on a profile.  As change_apply(); ERR_REFUSED when another
 * contact has it, or it was forgotten; one that is over changes nothing. */
int change_address(struct changer *ch, const struct addr_key *key,
    const uint8_t *reference, size_t len, bool *changed, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Withdraws whatever lets a brand follow what the contact with `key` opens and
 * clicks: every brand's purpose for monitoring.  Otherwise as change_apply().
 */
int change_monitoring_off(struct changer *ch, const struct addr_key *key,
    const char *source, bool *changed, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Gives the contact with `of` the endpoint whose key is `key`, too; and takes
 * the endpoint of `key` from its contact, who keeps another.  As
 * change_apply(); ERR_REFUSED when nobody has the address, or another contact
 * has the new one, or it is the only one. */
int change_endpoint_add(struct changer *ch, const struct addr_key *of,
    const struct addr_key *key, const struct endpoint *endpoint,
    const char *source, bool *changed, struct err *e)
    __attribute__((nonnull, warn_unused_result));
int change_endpoint_remove(struct changer *ch, const struct addr_key *key,
    const char *source, bool *changed, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* How much was erased, and whether the address was not erased already. */
struct change_forgotten {
	bool changed;
	int64_t addresses, consents, events;
};

/* Forgets whoever has `key`, with all their addresses; and the key itself when
 * nobody has it. 0 and `*out`, or -1 as change_apply(). */
int change_forget(struct changer *ch, const struct addr_key *key,
    const char *source, struct change_forgotten *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Runs a function of SQL that changes consent for whoever has `key` and returns
 * what assent.change does; for other files that know one.  Its first parameter
 * is what was marked, and is filled in here.  Otherwise as change_opt_out(). */
int change_run(struct changer *ch, const struct addr_key *key,
    const struct pg_statement *st, struct pg_param *params, size_t n,
    bool *changed, struct err *e) __attribute__((nonnull, warn_unused_result));

/* Makes a Redis that answered without being its slots' owner that, so that
 * what it is asked again counts.  False: there was none, or it failed. */
bool change_claim(struct changer *ch)
    __attribute__((nonnull, warn_unused_result));

/* Returns when everything that was committed before is in force on every node,
 * also what nobody marked. -1 when the database cannot be asked. */
int change_wait(struct changer *ch, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
