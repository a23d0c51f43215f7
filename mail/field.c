/* SPDX-License-Identifier: ISC */
/*
 * field - the header fields of a part, as octets
 */
#include "field.h"

#include <string.h>
#include <strings.h>

#include "policy/arena.h"

static size_t
line_end(const char *block, size_t len, size_t at)
{
	const char *eol = memchr(block + at, '\n', len - at);

	return eol == NULL ? len : (size_t)(eol - block) + 1;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
field_next(const char *block, size_t len, size_t *at, struct field *out)
{
	size_t end, i;

	*out = (struct field){.at = *at};
	if (*at >= len || block[*at] == '\n' ||
	    (block[*at] == '\r' && *at + 1 < len && block[*at + 1] == '\n'))
		return false;
	end = line_end(block, len, *at);
	while (end < len && (block[end] == ' ' || block[end] == '\t'))
		end = line_end(block, len, end);
	for (i = *at;
	     i < end && block[i] > ' ' && block[i] < 0x7f && block[i] != ':';
	     i++)
		;
	out->end = *at = end;
	out->value_end = end;
	while (out->value_end > i && blank(block[out->value_end - 1]))
		out->value_end--;
	out->name_len = i - out->at;
	for (; i < end && (block[i] == ' ' || block[i] == '\t'); i++)
		out->spaced = true;
	if (i < end && block[i] == ':')
		i++;
	else
		out->name_len = 0;
	while (i < out->value_end && blank(block[i]))
		i++;
	out->value = i;
	if (out->value_end < i)
		out->value_end = i;
	return true;
}

size_t
field_find(const char *block, size_t len, const char *name, struct field *out)
{
	const size_t name_len = strlen(name);
	struct field f;
	size_t at = 0, n = 0;

	while (field_next(block, len, &at, &f))
		if (f.name_len == name_len &&
		    strncasecmp(block + f.at, name, name_len) == 0 && n++ == 0)
			*out = f;
	return n;
}

/* The octets of a quoted string or a comment, to its end. */
static size_t
enclosed(const char *s, size_t len, size_t at)
{
	const char close = s[at] == '"' ? '"' : ')';

	for (at++; at < len && s[at] != close; at++)
		if (s[at] == '\\')
			at++;
	return at < len ? at + 1 : len;
}

/* The end of a token. */
static size_t
token(const char *s, size_t len, size_t at)
{
	while (at < len && s[at] > ' ' && s[at] < 0x7f &&
	    strchr("()<>@,;:\\\"[]?=", s[at]) == NULL)
		at++;
	return at;
}

char *
field_charset(
    struct arena *a, const char *value, size_t len, const char *charset)
{
	size_t at = token(value, len, 0), from = 0, to = 0;
	const size_t type = at;

	while (at < len) {
		size_t name = at, end;

		if (value[at] == '"' || value[at] == '(') {
			at = enclosed(value, len, at);
			continue;
		}
		end = token(value, len, at);
		at = end == at ? at + 1 : end;
		if (end - name < 7 ||
		    strncasecmp(value + name, "charset", 7) != 0)
			continue;
		/* Split, encoded (RFC 2231), doubled or spaced out: not sure.
		 */
		if (end - name != 7 || end == len || value[end] != '=' ||
		    from != 0)
			return NULL;
		from = end + 1;
		if (from < len && value[from] == '"') {
			at = enclosed(value, len, from);
			from++;
			to = at - 1;
		} else {
			at = to = token(value, len, from);
		}
		if (to <= from)
			return NULL;
	}
	if (type == 0)
		return NULL;
	if (from == 0)
		return arena_printf(a, "%.*s; charset=%s%.*s", (int)type, value,
		    charset, (int)(len - type), value + type);
	return arena_printf(a, "%.*s%s%.*s", (int)from, value, charset,
	    (int)(len - to), value + to);
}
