/* SPDX-License-Identifier: ISC */
/*
 * lookup - the read path: cache, else PostgreSQL and fill, else defer
 *
 * The lease is asked for before Redis and not again after: a check begins
 * when it begins.  The ticket is taken before PostgreSQL is asked: that order
 * is what keeps an old permit out of the cache.
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
ask_cache(const struct lookup *l, int64_t epoch, const struct addr_key *key,
    struct lookup_result *out, struct err *e)
{
	size_t len = 0;
	enum cache_answer answer = cache_get(
	    l->cache, epoch, key, out->octets, sizeof(out->octets), &len, e);

	if (answer == CACHE_HIT &&
	    permit_decode(out->octets, len, &out->permit, e) != 0)
		return CACHE_DOWN;
	return answer;
}

static int
ask_store(const struct lookup *l, const struct addr_key *key,
    struct lookup_result *out, size_t *len, struct err *e)
{
	long n =
	    store_permit(l->store, key, out->octets, sizeof(out->octets), e);

	if (n < 0)
		return -1;
	*len = (size_t)n;
	return permit_decode(out->octets, *len, &out->permit, e);
}

int
lookup_permit(const struct lookup *l, const struct addr_key *key,
    struct lookup_result *out, struct err *cache_err, struct err *e)
{
	enum cache_answer answer = CACHE_DOWN;
	struct cache_nonce ticket;
	struct err ignored;
	int64_t epoch;
	size_t len;

	out->source = LOOKUP_NONE;
	if (cache_err == NULL)
		cache_err = &ignored;
	if (!lease_holds(l->lease, &epoch))
		err_set(cache_err, ERR_UNREACHABLE, "no lease on the cache");
	else
		answer = ask_cache(l, epoch, key, out, cache_err);
	if (answer == CACHE_HIT) {
		out->source = LOOKUP_CACHE;
		return 0;
	}
	if (answer == CACHE_MISS)
		answer = cache_ticket(l->cache, epoch, key, &ticket, cache_err);
	if (ask_store(l, key, out, &len, e) != 0)
		return -1;
	out->source = LOOKUP_STORE;
	if (answer == CACHE_MISS &&
	    cache_fill(l->cache, epoch, key, &ticket, out->octets, len,
		cache_err) == 0)
		out->source = LOOKUP_FILLED;
	return 0;
}
