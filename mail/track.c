/* SPDX-License-Identifier: ISC */
/*
 * track - images that report who reads, and links that report who clicks
 *
 * A target may itself be a redirector's link; it is unwrapped until it is not,
 * so that doing everything again changes nothing.  What cannot be read with
 * certainty stays as it is.
 */
#include "track.h"

#include <string.h>
#include <strings.h>

#include "edit.h"
#include "html.h"
#include "placeholder.h"
#include "policy/arena.h"
#include "splice.h"

enum { UNWRAP_MAX = 8 };

struct span {
	const char *s;
	size_t n;
};

static bool
begins(struct span u, const char *word)
{
	size_t n = strlen(word);

	return u.n >= n && strncasecmp(u.s, word, n) == 0;
}

static struct span
after(struct span u, size_t n)
{
	return (struct span){u.s + n, u.n - n};
}

/* The octets before the first of `stop`. */
static size_t
until(struct span u, const char *stop)
{
	size_t n = 0;

	while (n < u.n && strchr(stop, u.s[n]) == NULL)
		n++;
	return n;
}

/* Splits an http(s) address; false if it is none.  "//host" counts, as it does
 * in HTML. */
static bool
split(struct span url, struct span *host, struct span *rest)
{
	size_t n;

	if (begins(url, "https:"))
		url = after(url, 6);
	else if (begins(url, "http:"))
		url = after(url, 5);
	if (!begins(url, "//"))
		return false;
	url = after(url, 2);
	n = until(url, "/?#\\");
	*host = (struct span){url.s, n};
	*rest = after(url, n);
	for (size_t i = 0; i < host->n; i++)
		if (host->s[i] == '@')
			*host = after(*host, i + 1), i = (size_t)-1;
	host->n = until(*host, ":");
	return host->n > 0;
}

static bool
listed(const char *const *hosts, struct span host)
{
	for (; hosts != NULL && *hosts != NULL; hosts++) {
		size_t n = strlen(*hosts);

		if (n == 0 || host.n < n)
			continue;
		if (strncasecmp(host.s + host.n - n, *hosts, n) == 0 &&
		    (host.n == n || host.s[host.n - n - 1] == '.'))
			return true;
	}
	return false;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes one layer of percent signs; what an address cannot hold as it is
 * stays escaped. */
static bool
url_decode(struct arena *a, struct span in, struct span *out)
{
	char *s = arena_alloc(a, in.n + 1);
	size_t n = 0;

	if (s == NULL)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		char c = in.s[i];
		int v = -1;

		if (c == '%' && i + 2 < in.n && hex(in.s[i + 1]) >= 0 &&
		    hex(in.s[i + 2]) >= 0)
			v = hex(in.s[i + 1]) << 4 | hex(in.s[i + 2]);
		if (v > ' ' && v < 0x7f && strchr("\"<>\\^`", v) == NULL) {
			c = (char)v;
			i += 2;
		}
		s[n++] = c;
	}
	*out = (struct span){s, n};
	return true;
}

/* Whether this is a whole address that one may be led to. */
static bool
followable(struct span url)
{
	struct span host, rest;

	if (!begins(url, "http://") && !begins(url, "https://"))
		return false;
	for (size_t i = 0; i < url.n; i++)
		if ((unsigned char)url.s[i] <= ' ' || (url.s[i] & 0x80) != 0 ||
		    strchr("\"<>\\^`{}", url.s[i]) != NULL || url.s[i] == 0x7f)
			return false;
	return split(url, &host, &rest);
}

/* The address that a piece of a link is, once decoded; or the one that the
 * placeholder stands for that it is. */
static bool
target(const struct edit_plan *plan, struct arena *a, struct span piece,
    struct span *out)
{
	const char *value;

	if (!url_decode(a, piece, out))
		return false;
	value = placeholder_value(plan, out->s, out->n);
	if (value != NULL)
		*out = (struct span){value, strlen(value)};
	return followable(*out);
}

static bool
in_query(const struct edit_plan *plan, struct arena *a, struct span query,
    struct span *out)
{
	while (query.n > 0) {
		size_t n = until(query, "&;#");
		size_t name = until((struct span){query.s, n}, "=");

		if (name < n &&
		    target(plan, a,
			(struct span){query.s + name + 1, n - name - 1}, out))
			return true;
		if (n == query.n || query.s[n] == '#')
			return false;
		query = after(query, n + 1);
	}
	return false;
}

/* A segment of the path that is an address, or an address that the rest of the
 * link is. */
static bool
in_path(const struct edit_plan *plan, struct arena *a, struct span path,
    struct span *out)
{
	while (path.n > 0 && path.s[0] == '/') {
		struct span rest = after(path, 1);
		size_t n = until(rest, "/?#");

		if (followable(rest)) {
			*out = rest;
			return true;
		}
		if (target(plan, a, (struct span){rest.s, n}, out))
			return true;
		path = after(rest, n);
	}
	return false;
}

/* Where a redirector's link leads; false if it is none or does not say. */
static bool
unwrap(const struct edit_plan *plan, struct arena *a, struct span url,
    struct span *out)
{
	bool any = false;

	for (int i = 0; i < UNWRAP_MAX; i++) {
		struct span host, rest, query;
		size_t n;

		if (!split(url, &host, &rest) ||
		    !listed(plan->redirectors, host))
			break;
		n = until(rest, "?");
		query = after(rest, n < rest.n ? n + 1 : n);
		if (!in_query(plan, a, query, out) &&
		    !in_path(plan, a, rest, out))
			break;
		url = *out;
		any = true;
	}
	*out = url;
	return any;
}

static void
link_splice(const struct edit_plan *plan, size_t at, size_t len,
    struct span text, struct span url, struct splices *out)
{
	const char *prefix = plan->link_prefix;

	splice_add(out,
	    &(struct splice){
		.at = at,
		.len = len,
		.text = text.s,
		.text_len = text.n,
		.kind = SPLICE_LINK,
		.opt_out = prefix != NULL && begins(url, prefix),
	    });
}

/* An attribute's value without character references. */
static struct span
plain(struct arena *a, const struct html_attr *v)
{
	struct span url = {v->value, v->value_len};
	char *s, *w;

	while (url.n > 0 && (unsigned char)*url.s <= ' ')
		url = after(url, 1);
	while (url.n > 0 && (unsigned char)url.s[url.n - 1] <= ' ')
		url.n--;
	if (memchr(url.s, '&', url.n) == NULL)
		return url;
	s = w = arena_alloc(a, url.n + 1);
	for (size_t i = 0; s != NULL && i < url.n; w++) {
		size_t n = html_reference(url.s + i, url.n - i, w);

		if (n == 0)
			*w = url.s[i];
		i += n == 0 ? 1 : n;
	}
	return (struct span){
	    s == NULL ? "" : s, s == NULL ? 0 : (size_t)(w - s)};
}

static void
href(const struct edit_plan *plan, const struct html_reader *r,
    const struct html_token *t, struct splices *out)
{
	struct html_attr v;
	struct span url, escaped;
	char *s;

	if (!html_attr_get(r, t, "href", &v) || v.value == NULL ||
	    !unwrap(plan, out->arena, plain(out->arena, &v), &url))
		return;
	s = placeholder_escape(out->arena, url.s, url.n);
	if (s == NULL) {
		out->failed = true;
		return;
	}
	escaped = (struct span){s, strlen(s)};
	link_splice(
	    plan, (size_t)(v.value - r->text), v.value_len, escaped, url, out);
}

/* Whether a length is one pixel or none: "0", "1", "1px". */
static bool
tiny(struct span v)
{
	while (v.n > 0 && *v.s == ' ')
		v = after(v, 1);
	if (v.n == 0 || (*v.s != '0' && *v.s != '1'))
		return false;
	v = after(v, 1);
	return until(v, " ;!") == 0 || begins(v, "px");
}

/* The value of a property of a style attribute. */
static bool
property(struct span style, const char *name, struct span *value)
{
	while (style.n > 0) {
		size_t n = until(style, ";");
		struct span one = {style.s, n};

		style = after(style, n < style.n ? n + 1 : n);
		while (one.n > 0 && (unsigned char)*one.s <= ' ')
			one = after(one, 1);
		if (!begins(one, name))
			continue;
		one = after(one, strlen(name));
		while (one.n > 0 && (unsigned char)*one.s <= ' ')
			one = after(one, 1);
		if (one.n == 0 || *one.s != ':')
			continue;
		one = after(one, 1);
		while (one.n > 0 && (unsigned char)*one.s <= ' ')
			one = after(one, 1);
		*value = one;
		return true;
	}
	return false;
}

static bool
unseen(const struct html_reader *r, const struct html_token *t, struct arena *a)
{
	struct html_attr v;
	struct span style = {"", 0}, p;
	bool width = false, height = false;

	if (html_attr_get(r, t, "hidden", &v))
		return true;
	if (html_attr_get(r, t, "style", &v) && v.value != NULL)
		style = plain(a, &v);
	if (property(style, "display", &p) && begins(p, "none"))
		return true;
	if (property(style, "visibility", &p) && begins(p, "hidden"))
		return true;
	if (html_attr_get(r, t, "width", &v) && v.value != NULL)
		width = tiny(plain(a, &v));
	if (html_attr_get(r, t, "height", &v) && v.value != NULL)
		height = tiny(plain(a, &v));
	if (property(style, "width", &p))
		width = tiny(p);
	if (property(style, "height", &p))
		height = tiny(p);
	return width && height;
}

static void
image(const struct edit_plan *plan, const struct html_reader *r,
    const struct html_token *t, struct splices *out)
{
	struct html_attr v;
	struct span host, rest;

	if (!html_attr_get(r, t, "src", &v) || v.value == NULL ||
	    !split(plain(out->arena, &v), &host, &rest))
		return;
	if (!listed(plan->tracker_hosts, host) && !unseen(r, t, out->arena))
		return;
	splice_add(out,
	    &(struct splice){
		.at = t->at,
		.len = t->end - t->at,
		.text = "",
		.kind = SPLICE_PIXEL,
	    });
}

void
track_tag(const struct edit_plan *plan, const struct html_reader *r,
    const struct html_token *t, struct splices *out)
{
	if (html_named(r, t, "img"))
		image(plan, r, t, out);
	else if (html_named(r, t, "a") || html_named(r, t, "area"))
		href(plan, r, t, out);
}

void
track_text(const struct edit_plan *plan, const char *text, size_t len,
    struct splices *out)
{
	const char *p = text, *end = text + len;

	while ((p = memmem(p, (size_t)(end - p), "://", 3)) != NULL) {
		struct span url = {p, (size_t)(end - p)}, to;

		p += 3;
		if (url.s - text >= 5 &&
		    strncasecmp(url.s - 5, "https", 5) == 0)
			url = (struct span){url.s - 5, url.n + 5};
		else if (url.s - text >= 4 &&
		    strncasecmp(url.s - 4, "http", 4) == 0)
			url = (struct span){url.s - 4, url.n + 4};
		else
			continue;
		url.n = until(url, " \t\r\n\"<>");
		while (
		    url.n > 0 && strchr(".,;:!?)]'", url.s[url.n - 1]) != NULL)
			url.n--;
		if (url.n == 0 || url.s + url.n < p)
			continue;
		p = url.s + url.n;
		if (unwrap(plan, out->arena, url, &to))
			link_splice(
			    plan, (size_t)(url.s - text), url.n, to, to, out);
	}
}
