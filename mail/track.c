/* SPDX-License-Identifier: ISC */
/*
 * track - images that report who reads, and links that report who clicks
 *
 * Conditional comments are looked into as well: there are readers that show
 * them.  What is in them is not counted as removed from anybody's sight, but
 * removed all the same.
 */
#include "track.h"

#include <string.h>
#include <strings.h>

#include "edit.h"
#include "html.h"
#include "link.h"
#include "placeholder.h"
#include "policy/arena.h"
#include "splice.h"

/* An attribute's value without character references and outer white space;
 * empty if there is none. */
static struct span
value(struct arena *a, const struct html_reader *r, const struct html_token *t,
    const char *name)
{
	struct html_attr v;
	struct span s;
	char *plain;
	size_t n = 0;

	if (!html_attr_get(r, t, name, &v) || v.value == NULL)
		return (struct span){"", 0};
	s = span_trim((struct span){v.value, v.value_len});
	while (s.n > 0 && (unsigned char)s.s[s.n - 1] <= ' ')
		s.n--;
	if (memchr(s.s, '&', s.n) == NULL)
		return s;
	plain = arena_alloc(a, s.n + 1);
	if (plain == NULL)
		return (struct span){"", 0};
	for (size_t i = 0; i < s.n; n++) {
		size_t used = html_reference(s.s + i, s.n - i, plain + n);

		if (used == 0)
			plain[n] = s.s[i];
		i += used == 0 ? 1 : used;
	}
	return (struct span){plain, n};
}

static void
follow(const struct edit_plan *plan, const struct html_reader *r,
    const struct html_token *t, struct splices *out, struct track *count)
{
	struct html_attr v;
	struct span url;
	char *s;

	if (!link_unwrap(out->arena, value(out->arena, r, t, "href"),
		plan->redirectors, &url) ||
	    !html_attr_get(r, t, "href", &v))
		return;
	s = placeholder_escape(out->arena, url.s, url.n);
	if (s == NULL) {
		out->failed = true;
		return;
	}
	splice_add(out,
	    &(struct splice){
		.at = (size_t)(v.value - r->text),
		.len = v.value_len,
		.text = s,
		.text_len = strlen(s),
	    });
	count->links++;
}

/* Whether a length is one pixel or none: "0", "1", "1px". */
static bool
tiny(struct span v)
{
	if (v.n == 0 || (*v.s != '0' && *v.s != '1'))
		return false;
	v = span_after(v, 1);
	return span_until(v, " ;!") == 0 || span_begins(v, "px");
}

/* The value of a property of a style attribute, the first if there are more;
 * empty if there is none. */
static struct span
property(struct span style, const char *name)
{
	while (style.n > 0) {
		size_t n = span_until(style, ";");
		struct span one = span_trim((struct span){style.s, n});

		style = span_after(style, n < style.n ? n + 1 : n);
		if (!span_begins(one, name))
			continue;
		one = span_trim(span_after(one, strlen(name)));
		if (one.n > 0 && *one.s == ':')
			return span_trim(span_after(one, 1));
	}
	return (struct span){"", 0};
}

static bool
unseen(const struct html_reader *r, const struct html_token *t, struct arena *a)
{
	const struct span style = value(a, r, t, "style");
	struct span width = property(style, "width");
	struct span height = property(style, "height");
	struct html_attr hidden;

	if (html_attr_get(r, t, "hidden", &hidden) ||
	    span_begins(property(style, "display"), "none") ||
	    span_begins(property(style, "visibility"), "hidden"))
		return true;
	if (width.n == 0)
		width = value(a, r, t, "width");
	if (height.n == 0)
		height = value(a, r, t, "height");
	return tiny(width) && tiny(height);
}

static void
image(const struct edit_plan *plan, const struct html_reader *r,
    const struct html_token *t, struct splices *out, struct track *count)
{
	const struct span src = value(out->arena, r, t, "src");
	/* What was apart must not become a tag. */
	const bool apart = t->at > 0 && r->text[t->at - 1] == '<';

	if (!link_remote(src) ||
	    (!link_listed(src, plan->tracker_hosts) &&
		!unseen(r, t, out->arena)))
		return;
	splice_add(out,
	    &(struct splice){
		.at = t->at,
		.len = t->end - t->at,
		.text = " ",
		.text_len = apart ? 1 : 0,
	    });
	count->pixels++;
}

void
track_html(const struct edit_plan *plan, const char *text, size_t len,
    struct splices *out, struct track *count)
{
	struct html_reader r = {.text = text, .len = len};
	struct html_token t;

	while (html_next(&r, &t)) {
		if (t.kind != HTML_OPEN)
			continue;
		if ((t.traits & HTML_IMAGE) != 0)
			image(plan, &r, &t, out, count);
		else if ((t.traits & HTML_LINK) != 0)
			follow(plan, &r, &t, out, count);
	}
}

/* Whether the scheme of an address ends at `p`, and how many octets it has. */
static size_t
scheme(const char *text, const char *p)
{
	if (p - text >= 5 && strncasecmp(p - 5, "https", 5) == 0)
		return 5;
	return p - text >= 4 && strncasecmp(p - 4, "http", 4) == 0 ? 4 : 0;
}

void
track_text(const struct edit_plan *plan, const char *text, size_t len,
    struct splices *out, struct track *count)
{
	const char *p = text, *end = text + len;

	while ((p = memmem(p, (size_t)(end - p), "://", 3)) != NULL) {
		size_t n = scheme(text, p);
		struct span url = {p - n, (size_t)(end - p) + n}, to;

		url.n = span_until(url, " \t\r\n\"<>");
		while (strchr(".,;:!?)]'", url.s[url.n - 1]) != NULL)
			url.n--;
		p += 3;
		if (n == 0 || url.s + url.n < p)
			continue;
		p = url.s + url.n;
		if (!link_unwrap(out->arena, url, plan->redirectors, &to))
			continue;
		splice_add(out,
		    &(struct splice){
			.at = (size_t)(url.s - text),
			.len = url.n,
			.text = to.s,
			.text_len = to.n,
		    });
		count->links++;
	}
}
