/* SPDX-License-Identifier: ISC */
/*
 * keyfile - fixed keys, so that a seed's token opens
 */
#ifndef TESTS_FUZZ_KEYFILE_H
#define TESTS_FUZZ_KEYFILE_H

#include <strings.h>

#include "policy/keys.h"

#define KEYFILE                                                                \
	"index AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"                 \
	"token 7 BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n"

static inline const struct keys *
keyfile(void)
{
	static struct keys *k;
	struct err e;

	if (k == NULL)
		k = keys_load(fuzz_file(KEYFILE, sizeof(KEYFILE) - 1), &e);
	assert(k != NULL);
	return k;
}

#endif
