/* SPDX-License-Identifier: ISC */
/*
 * message - editing a message with a plan that asks for everything
 */
#ifndef TESTS_FUZZ_MESSAGE_H
#define TESTS_FUZZ_MESSAGE_H

#include <strings.h>

#include "mail/edit.h"
#include "mail/field.h"
#include "policy/arena.h"
#include "policy/buf.h"

/* The header with changed fields in place of the old ones. */
static inline void
message_head(const struct edit_message *m, const struct edit_result *r,
    struct buf *out)
{
	struct field f;
	size_t at = 0;

	for (size_t i = 0; i < r->n_fields; i++)
		buf_printf(
		    out, "%s: %s\n", r->fields[i].name, r->fields[i].value);
	while (field_next(m->head, m->head_len, &at, &f)) {
		size_t i = 0;

		while (i < r->n_fields &&
		    (strlen(r->fields[i].name) != f.name_len ||
			strncasecmp(r->fields[i].name, m->head + f.at,
			    f.name_len) != 0))
			i++;
		if (i == r->n_fields)
			buf_add(out, m->head + f.at, f.end - f.at);
	}
}

/* Edits a message into a new one, `*body` octets into which its body begins;
 * false if there was nothing to do. */
static inline bool
message_edit(const char *s, size_t len, size_t *body, struct buf *out)
{
	static const char *const hosts[] = {"t.example", NULL};
	static const struct edit_alias aliases[] = {
	    {"*|U|*", EDIT_UNSUBSCRIBE}};
	static const struct edit_plan plan = {
	    .unsubscribe_url = "https://o.example/u/x",
	    .preferences_url = "https://o.example/m/x",
	    .brand = "\xc5\xbb & Co",
	    .aliases = aliases,
	    .n_aliases = 1,
	    .footer_text = "see\n> \xc4\x99 https://o.example/u/x",
	    .footer_html = "<p>\xc4\x99<a href=https://o.example/u/x>x</a>",
	    .link_prefix = "https://o.example/u/",
	    .before_signature = true,
	    .strip_tracking = true,
	    .tracker_hosts = hosts,
	    .redirectors = hosts,
	};
	const struct edit_message m = {s, *body, s + *body, len - *body};
	struct arena *a = arena_new(EDIT_ROOM(len));
	struct edit_result r;

	edit_message(a, &m, &plan, &r);
	message_head(&m, &r, out);
	*body = out->len;
	for (size_t i = 0; i < r.n_body; i++)
		buf_add(out, r.body[i].data, r.body[i].len);
	arena_free(&a);
	return r.n_body > 0;
}

#endif
