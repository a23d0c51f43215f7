/* SPDX-License-Identifier: ISC */
/*
 * link - the address of a link, and where a redirector's one leads
 *
 * A target may itself be a redirector's link; it is unwrapped until it is not,
 * so that doing everything again changes nothing.  Links that are longer, or
 * nested deeper, than any in use are left alone.
 */
#include "link.h"

#include <string.h>
#include <strings.h>

#include "ascii.h"
#include "policy/arena.h"

enum { LINK_MAX = 2048, NESTED_MAX = 8 };

bool
span_begins(struct span u, const char *word)
{
	size_t n = strlen(word);

	return u.n >= n && strncasecmp(u.s, word, n) == 0;
}

struct span
span_after(struct span u, size_t n)
{
	return (struct span){u.s + n, u.n - n};
}

struct span
span_trim(struct span u)
{
	while (u.n > 0 && (unsigned char)*u.s <= ' ')
		u = span_after(u, 1);
	return u;
}

size_t
span_until(struct span u, const char *stop)
{
	size_t n = 0;

	while (n < u.n && strchr(stop, u.s[n]) == NULL)
		n++;
	return n;
}

/* Splits an address; false if it is none. */
static bool
split(struct span url, struct span *host, struct span *rest)
{
	const char *at;

	if (span_begins(url, "https:"))
		url = span_after(url, 6);
	else if (span_begins(url, "http:"))
		url = span_after(url, 5);
	if (!span_begins(url, "//"))
		return false;
	url = span_after(url, 2);
	*host = (struct span){url.s, span_until(url, "/?#\\")};
	*rest = span_after(url, host->n);
	at = memrchr(host->s, '@', host->n);
	if (at != NULL)
		*host = span_after(*host, (size_t)(at - host->s) + 1);
	host->n = span_until(*host, ":");
	return host->n > 0;
}

bool
link_remote(struct span url)
{
	struct span host, rest;

	return split(url, &host, &rest);
}

bool
link_listed(struct span url, const char *const *hosts)
{
	struct span host, rest;

	if (hosts == NULL || !split(url, &host, &rest))
		return false;
	for (; *hosts != NULL; hosts++) {
		size_t n = strlen(*hosts);

		if (n == 0 || host.n < n)
			continue;
		if (strncasecmp(host.s + host.n - n, *hosts, n) == 0 &&
		    (host.n == n || host.s[host.n - n - 1] == '.'))
			return true;
	}
	return false;
}

/* Whether an address can hold it as it is (RFC 3986, 2). */
static bool
literal(char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' &&
	    c != '\\' && c != '^' && c != '`' && c != '{' && c != '}';
}

/* Undoes one layer of percent signs; what an address cannot hold as it is
 * stays escaped. */
static bool
decode(struct arena *a, struct span in, struct span *out)
{
	char *s = arena_alloc(a, in.n + 1);
	size_t n = 0;

	if (s == NULL)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		int v = -1;

		if (in.s[i] == '%' && i + 2 < in.n &&
		    ascii_hex(in.s[i + 1]) >= 0 && ascii_hex(in.s[i + 2]) >= 0)
			v = ascii_hex(in.s[i + 1]) << 4 |
			    ascii_hex(in.s[i + 2]);
		if (v >= 0 && literal((char)v)) {
			s[n++] = (char)v;
			i += 2;
		} else {
			s[n++] = in.s[i];
		}
	}
	*out = (struct span){s, n};
	return true;
}

/* Whether this is a whole address that one may be led to. */
static bool
followable(struct span url)
{
	if (!span_begins(url, "http://") && !span_begins(url, "https://"))
		return false;
	for (size_t i = 0; i < url.n; i++)
		if (!literal(url.s[i]))
			return false;
	return link_remote(url);
}

static bool
in_query(struct arena *a, struct span rest, struct span *out)
{
	size_t n = span_until(rest, "?#");

	while (n < rest.n && rest.s[n] != '#') {
		size_t name;

		rest = span_after(rest, n + 1);
		n = span_until(rest, "&;#");
		name = span_until((struct span){rest.s, n}, "=");
		if (name < n &&
		    decode(a, (struct span){rest.s + name + 1, n - name - 1},
			out) &&
		    followable(*out))
			return true;
	}
	return false;
}

/* A segment that is an address, or an address that is the rest of the link. */
static bool
in_path(struct arena *a, struct span rest, struct span *out)
{
	while (rest.n > 0 && rest.s[0] == '/') {
		size_t n;

		rest = span_after(rest, 1);
		n = span_until(rest, "/?#");
		*out = rest;
		if (followable(rest))
			return true;
		if (decode(a, (struct span){rest.s, n}, out) &&
		    followable(*out))
			return true;
		rest = span_after(rest, n);
	}
	return false;
}

bool
link_unwrap(struct arena *a, struct span url, const char *const *redirectors,
    struct span *out)
{
	struct span host, rest;
	int nested = 0;

	if (url.n > LINK_MAX)
		return false;
	while (link_listed(url, redirectors) && split(url, &host, &rest) &&
	    (in_query(a, rest, out) || in_path(a, rest, out))) {
		url = *out;
		if (++nested > NESTED_MAX)
			return false;
	}
	*out = url;
	return nested > 0;
}
