/* SPDX-License-Identifier: ISC */
/*
 * link - the token in the path of a request
 */
#include "web/link.h"

#include <string.h>

#include "web/site.h"

int
link_open(const struct request *r, enum capability want, struct token *t,
    bool *good, struct err *e)
{
	int rc = token_open_fresh(
	    r->site->keys, want, r->argument, strlen(r->argument), t, e);

	*good = rc > 0;
	return rc < 0 ? -1 : 0;
}
