/* SPDX-License-Identifier: ISC */
/*
 * link - the address of a link, and where a redirector's one leads
 */
#ifndef MAIL_LINK_H
#define MAIL_LINK_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* A piece of text. */
struct span {
	const char *s;
	size_t n;
};

bool span_begins(struct span u, const char *word)
    __attribute__((nonnull, warn_unused_result));
struct span span_after(struct span u, size_t n);
/* Without white space at its begin. */
struct span span_trim(struct span u);
/* The octets before the first of `stop`, or NUL. */
size_t span_until(struct span u, const char *stop) __attribute__((nonnull));

/* Whether an http or https address, or "//host", is of a host in the list or
 * one below it.  The list ends in NULL, or is NULL. */
bool link_listed(struct span url, const char *const *hosts)
    __attribute__((warn_unused_result));
bool link_remote(struct span url) __attribute__((warn_unused_result));

/*
 * Where a link of one of these redirectors leads, when it says so: in a
 * parameter, or in the path.  False if it is none, does not say, or leads to
 * anything but a plain http or https address.  `out` lies in `a` or in `url`.
 */
bool link_unwrap(struct arena *a, struct span url,
    const char *const *redirectors, struct span *out)
    __attribute__((nonnull(1, 4), warn_unused_result));

#endif
