/* SPDX-License-Identifier: ISC */
/*
 * site - what requests work with: configuration, keys and servers
 */
#ifndef WEB_SITE_H
#define WEB_SITE_H

#include <stdatomic.h>

#include "policy/change.h"
#include "policy/err.h"

struct conf;
struct flights;
struct keys;
struct share;
struct tally;

/* A snapshot; nothing in it is replaced while anybody holds it. */
struct site {
	struct conf *conf;
	struct keys *keys;
	struct share *share;
	struct store *reader; /* GET: a role that can only read */
	struct store *writer; /* POST: a role that can opt out */
	struct cache *cache;
	struct changer changer;	 /* of `writer` and `cache` */
	struct flights *flights; /* clicks under way */
	struct tally *tally;	 /* the process' */
	_Atomic unsigned int holders;
};

/* Reads the configuration at `path` and the keys it names, and sees that
 * PostgreSQL answers and is migrated.  Held once; NULL and an error. */
struct site *site_open(const char *path, struct tally *t, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Lets go of a snapshot, and releases it with its last holder; accepts NULL
 * and nulls the caller's pointer. */
void site_release(struct site **s) __attribute__((nonnull));

/* The place where the current snapshot stands. */
struct sites;

/* Takes over the caller's hold on `first`. NULL without memory. */
struct sites *sites_new(struct site *first)
    __attribute__((nonnull, warn_unused_result));
void sites_free(struct sites **all) __attribute__((nonnull));

/* The current snapshot, held for the caller. */
struct site *sites_hold(struct sites *all)
    __attribute__((nonnull, returns_nonnull, warn_unused_result));

/* Puts `next` in its place, taking over the caller's hold. */
void sites_swap(struct sites *all, struct site *next) __attribute__((nonnull));

#endif
