/* SPDX-License-Identifier: ISC */
/*
 * footer - the end of a message, filled in for one recipient
 *
 * Filled in once, from left to right: a value that looks like a placeholder
 * is not filled in again, so that a brand's name cannot smuggle a link.
 */
#include "footer.h"

#include <stddef.h>
#include <string.h>

#include "arena.h"
#include "buf.h"

static const struct {
	const char *name;
	size_t offset;
} placeholders[] = {
    {"{{unsubscribe_url}}", offsetof(struct footer_values, unsubscribe_url)},
    {"{{preferences_url}}", offsetof(struct footer_values, preferences_url)},
    {"{{why_url}}", offsetof(struct footer_values, why_url)},
    {"{{brand}}", offsetof(struct footer_values, brand)},
    {"{{purpose}}", offsetof(struct footer_values, purpose)},
};

/* The value of the placeholder that `at` begins with, and its length. */
static const char *
value_at(const char *at, const struct footer_values *v, size_t *len)
{
	for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]);
	     i++) {
		*len = strlen(placeholders[i].name);
		if (strncmp(at, placeholders[i].name, *len) == 0)
			return *(
			    const char *const *)(const void *)((const char *)v +
			    placeholders[i].offset);
	}
	return NULL;
}

static void
put(struct buf *b, const char *value, bool html)
{
	static const char special[] = "&<>\"'";
	static const char *const entities[] = {
	    "&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
	const char *found;

	for (; *value != '\0'; value++) {
		found = html ? strchr(special, *value) : NULL;
		if (found != NULL)
			buf_puts(b, entities[found - special]);
		else
			buf_add(b, value, 1);
	}
}

const char *
footer_fill(struct arena *a, const char *template, bool html,
    const struct footer_values *v)
{
	const char *value, *out = NULL;
	struct buf b = {0};
	size_t len;

	for (const char *p = template; *p != '\0'; p += len) {
		value = *p == '{' ? value_at(p, v, &len) : NULL;
		if (value != NULL) {
			put(&b, value, html);
			continue;
		}
		len = 1 + strcspn(p + 1, "{");
		buf_add(&b, p, len);
	}
	if (!buf_failed(&b))
		out = arena_strndup(a, b.data == NULL ? "" : b.data, b.len);
	buf_free(&b);
	return out;
}
