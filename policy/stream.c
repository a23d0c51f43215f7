/* SPDX-License-Identifier: ISC */
/*
 * stream - which message belongs to which class of traffic
 */
#include "stream.h"

#include <fnmatch.h>
#include <string.h>

#include "network.h"

static bool
glob(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, FNM_CASEFOLD | FNM_NOESCAPE) == 0;
}

static bool
any_glob(const char *const *patterns, const char *text)
{
	if (patterns[0] == NULL)
		return true;
	for (; *patterns != NULL; patterns++)
		if (glob(*patterns, text))
			return true;
	return false;
}

static bool
any_network(const char *const *patterns, const struct sockaddr *client)
{
	if (patterns[0] == NULL)
		return true;
	for (; client != NULL && *patterns != NULL; patterns++)
		if (network_has(*patterns, client))
			return true;
	return false;
}

static bool
takes(const struct stream_match *m, const struct stream_facts *f)
{
	return any_glob(m->listener, f->listener) &&
	    any_glob(m->login, f->login) && any_glob(m->sender, f->sender) &&
	    any_network(m->client, f->client);
}

const struct stream *
stream_classify(
    const struct stream *streams, size_t n, const struct stream_facts *f)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < streams[i].n_matches; j++)
			if (takes(&streams[i].matches[j], f))
				return &streams[i];
	return NULL;
}

const struct stream_purpose *
stream_purpose(const struct stream *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->n_purposes; i++)
		if (strlen(s->purposes[i].name) == len &&
		    memcmp(s->purposes[i].name, name, len) == 0)
			return &s->purposes[i];
	return NULL;
}
