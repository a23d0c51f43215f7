/* SPDX-License-Identifier: ISC */
/*
 * link - the token in the path of a request
 *
 * The milter may sign with a new key before this program was told to reload:
 * a token that the keys at hand do not open is tried with those in the file
 * when that has changed since.
 */
#include "web/link.h"

#include <stddef.h>
#include <string.h>

#include "policy/conf.h"
#include "policy/keys.h"
#include "web/site.h"

int
link_open(const struct request *r, enum capability want, struct token *t,
    bool *good, struct err *e)
{
	const struct keys *k = r->site->keys;
	size_t len = strlen(r->argument);
	struct keys *fresh;

	*good = token_open(k, want, r->argument, len, t);
	if (*good || !keys_outdated(k))
		return 0;
	fresh = keys_load(r->site->conf->keys.file, e);
	if (fresh == NULL)
		return -1;
	*good = token_open(fresh, want, r->argument, len, t);
	keys_free(&fresh);
	return 0;
}
