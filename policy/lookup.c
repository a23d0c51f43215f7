/* SPDX-License-Identifier: ISC */
/*
 * lookup - the read path: cache, else PostgreSQL and fill, else defer
 *
 * The lease is asked for before anybody else and not again after: a check
 * begins when it begins.  The ticket is taken before PostgreSQL is asked: that
 * order is what keeps an old permit out of the cache.
 */
#include "lookup.h"

#include "addr.h"
#include "cache.h"
#include "lease.h"
#include "store.h"

const char *
lookup_source_word(enum lookup_source s)
{
	static const char *const words[LOOKUP_SOURCES] = {
	    [LOOKUP_NONE] = "none",
	    [LOOKUP_CACHE] = "cache",
	    [LOOKUP_FILLED] = "filled",
	    [LOOKUP_STORE] = "database",
	};

	return words[s];
}

static enum cache_answer
ask_cache(const struct lookup *l, const struct cache_trust *t,
    const struct addr_key *key, struct lookup_result *out, struct err *e)
{
	size_t len = 0;
	enum cache_answer answer = cache_get(
	    l->cache, t, key, out->octets, sizeof(out->octets), &len, e);

	if (answer == CACHE_HIT &&
	    permit_decode(out->octets, len, &out->permit, e) != 0)
		return CACHE_DOWN;
	return answer;
}

static int
ask_store(const struct lookup *l, int timeline, const struct addr_key *key,
    struct lookup_result *out, size_t *len, struct err *e)
{
	long n = store_permit(
	    l->store, timeline, key, out->octets, sizeof(out->octets), e);

	if (n < 0)
		return -1;
	*len = (size_t)n;
	return permit_decode(out->octets, *len, &out->permit, e);
}

int
lookup_permit(const struct lookup *l, const struct addr_key *key,
    struct lookup_result *out, struct err *cache_err, struct err *e)
{
	enum cache_answer answer;
	struct cache_nonce ticket;
	struct lease_term term;
	struct err ignored;
	size_t len;

	out->source = LOOKUP_NONE;
	if (cache_err == NULL)
		cache_err = &ignored;
	if (!lease_holds(l->lease, cache_slot(l->cache, key), &term))
		return err_set(e, ERR_UNREACHABLE,
		    "PostgreSQL has not proved to be the primary (no lease)");
	answer = ask_cache(l, &term.trust, key, out, cache_err);
	if (answer == CACHE_HIT) {
		out->source = LOOKUP_CACHE;
		return 0;
	}
	if (answer == CACHE_MISS)
		answer = cache_ticket(
		    l->cache, &term.trust, key, &ticket, cache_err);
	if (ask_store(l, term.timeline, key, out, &len, e) != 0)
		return -1;
	out->source = LOOKUP_STORE;
	if (answer == CACHE_MISS &&
	    cache_fill(l->cache, &term.trust, key, &ticket, out->octets, len,
		cache_err) == 0)
		out->source = LOOKUP_FILLED;
	return 0;
}
