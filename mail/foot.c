/* SPDX-License-Identifier: ISC */
/*
 * foot - the footer as it goes into a part
 *
 * Lines end as the lines of the text do.
 */
#include "foot.h"

#include <string.h>

#include "policy/arena.h"
#include "splice.h"

static const char *
line_break(const char *text, size_t len)
{
	const char *lf = memchr(text, '\n', len);

	return lf == NULL || (lf > text && lf[-1] == '\r') ? "\r\n" : "\n";
}

/* One line; RFC 3676, 4.4: stuffed, and never flowing into the next. */
static char *
put_line(char *w, const char *line, size_t n, bool flowed)
{
	if (n > 0 && line[n - 1] == '\r')
		n--;
	if (flowed) {
		while (n > 0 && line[n - 1] == ' ')
			n--;
		if (n > 0 &&
		    (line[0] == ' ' || line[0] == '>' ||
			(n >= 5 && memcmp(line, "From ", 5) == 0)))
			*w++ = ' ';
	}
	return mempcpy(w, line, n);
}

/* The footer's lines, the last one without a line break. */
static char *
put_lines(char *w, const char *s, const char *nl, bool flowed)
{
	size_t len = strlen(s);

	while (len > 0 && (s[len - 1] == '\n' || s[len - 1] == '\r'))
		len--;
	for (;;) {
		const char *lf = memchr(s, '\n', len);
		size_t n = lf == NULL ? len : (size_t)(lf - s);

		w = put_line(w, s, n, flowed);
		if (lf == NULL)
			return w;
		w = stpcpy(w, nl);
		s += n + 1;
		len -= n + 1;
	}
}

/* The begin of the last line that is "-- "; `len` if there is none. */
static size_t
signature(const char *text, size_t len)
{
	for (size_t i = len; i-- > 0;) {
		if (text[i] != '-' || (i > 0 && text[i - 1] != '\n') ||
		    len - i < 4 || memcmp(text + i, "-- ", 3) != 0)
			continue;
		if (text[i + 3] == '\n' || text[i + 3] == '\r')
			return i;
	}
	return len;
}

/* What parts the footer from the text before it. */
static char *
put_gap(char *w, const char *text, size_t at, const char *nl)
{
	if (at == 0)
		return w;
	if (text[at - 1] != '\n')
		w = stpcpy(w, nl);
	return stpcpy(w, nl);
}

bool
foot_text(struct arena *a, const char *footer, const char *text, size_t len,
    bool flowed, bool before_signature, struct splice *out)
{
	const char *nl = line_break(text, len);
	size_t at = before_signature ? signature(text, len) : len;
	char *s = arena_alloc(a, 2 * strlen(footer) + 16), *w = s;

	if (s == NULL)
		return false;
	w = put_lines(put_gap(w, text, at, nl), footer, nl, flowed);
	if (at < len || (len > 0 && text[len - 1] == '\n'))
		w = stpcpy(w, nl);
	if (at < len)
		w = stpcpy(w, nl);
	*out = (struct splice){
	    .at = at,
	    .text = s,
	    .text_len = (size_t)(w - s),
	};
	return true;
}

bool
foot_html(struct arena *a, const char *footer, const char *text, size_t len,
    size_t at, const char *closers, struct splice *out)
{
	const char *nl = line_break(text, len);
	char *s = arena_alloc(a, 2 * strlen(footer) + strlen(closers) + 16);
	char *w = s;

	if (s == NULL)
		return false;
	if (at > 0 && text[at - 1] != '\n')
		w = stpcpy(w, nl);
	w = put_lines(stpcpy(w, closers), footer, nl, false);
	w = stpcpy(w, nl);
	*out = (struct splice){
	    .at = at,
	    .text = s,
	    .text_len = (size_t)(w - s),
	};
	return true;
}
