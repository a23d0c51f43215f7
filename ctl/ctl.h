/* SPDX-License-Identifier: ISC */
/*
 * ctl - what the commands work with: configuration, keys, database, cache
 *
 * Each is had when a command first asks for it, so that a command fails only
 * for want of what it needs: keys can be made before there is a database.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/addr.h"
#include "policy/change.h"
#include "policy/endpoint.h"
#include "policy/err.h"

struct arena;
struct cache;
struct conf;
struct keys;
struct pg;
struct store;
struct store_purpose;

struct ctl {
	const char *conf_path;
	struct conf *conf;
	struct keys *keys;
	struct store *store;
	struct cache *cache;
	struct changer changer; /* ready when its store is set */
	struct arena *arena;	/* one command's strings */
};

/* 0, or -1 without memory. */
int ctl_init(struct ctl *c, const char *conf_path)
    __attribute__((nonnull, warn_unused_result));
void ctl_release(struct ctl *c) __attribute__((nonnull));

/* Each makes sure that `c` has the one named: 0, or -1 and an error that says
 * what to do.  The store speaks as the operator role and has its schema
 * compared; both it and the changer wait for the database's timeout. */
int ctl_conf(struct ctl *c, struct err *e)
    __attribute__((nonnull, warn_unused_result));
int ctl_keys(struct ctl *c, struct err *e)
    __attribute__((nonnull, warn_unused_result));
int ctl_store(struct ctl *c, struct err *e)
    __attribute__((nonnull, warn_unused_result));
int ctl_changer(struct ctl *c, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Reads an endpoint given as an argument, of `kind` or (NULL) of the kind that
 * can be told from it; its strings and the key live until the command ends.
 * Needs no server. */
int ctl_endpoint(struct ctl *c, const char *kind, const char *text,
    struct endpoint *out, struct addr_key *key, struct err *e)
    __attribute__((nonnull(1, 3, 4, 5, 6), warn_unused_result));

/* The option of every command that takes an ADDRESS. */
#define CTL_KIND                                                               \
	{                                                                      \
		"kind", "KIND", "the address's: postal, device or im"          \
	}

/* Reads a channel given as an option; `word` NULL: the only one that endpoints
 * of `kind` are for, if there is only one. */
int ctl_channel(const char *word, const char *kind, enum channel *out,
    struct err *e) __attribute__((nonnull(2, 3, 4), warn_unused_result));

/* Looks up a purpose given as BRAND/NAME, or as NAME when only one brand has
 * it. */
int ctl_purpose(struct ctl *c, const char *text, struct store_purpose *out,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* "brand/purpose", in the command's arena; NULL without memory. */
const char *ctl_purpose_name(struct ctl *c, const struct store_purpose *p)
    __attribute__((nonnull, warn_unused_result));

/* Has the database read a point in time given for `option`, in any way that
 * PostgreSQL knows, and returns it in ISO 8601, UTC.  NULL and `e`, which
 * names the option. */
const char *ctl_time(struct ctl *c, const char *option, const char *text,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* The same, but a day without a time is its last moment, or now if it is today:
 * what is taken away that day is not given back by what was given on it. */
const char *ctl_time_last(struct ctl *c, const char *option, const char *text,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* Whether `text` can name a brand or a purpose; `e` says of `what` how. */
int ctl_slug(const char *what, const char *text, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Whether `text` is a language tag, such as en, pl or pt-BR, as SQL has it. */
int ctl_language(const char *text, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Whether `text`, given for `option`, is words that people can read; NULL is,
 * too.  `e` names the option. */
int ctl_legible(const char *option, const char *text, struct err *e)
    __attribute__((nonnull(1, 3), warn_unused_result));

/* change_apply(); while it waits for long, says on standard error why. */
int ctl_apply(struct ctl *c, const struct change *change, bool *changed,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* change_forget(), likewise. */
int ctl_forget(struct ctl *c, const struct addr_key *key,
    struct change_forgotten *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* Connects as the user that `url` names, NULL being the configuration's: the
 * owner of the database. NULL and `e`. */
struct pg *ctl_owner(struct ctl *c, const char *url, struct err *e)
    __attribute__((nonnull(1, 3), warn_unused_result));

/* After a change of the trees: computes the permits concerned anew, with a
 * progress line on standard error, and returns when they are in force; how many
 * became others is added to `*permits`.  Nothing to do is 0, too. */
int ctl_repack(struct ctl *c, long long *permits, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
