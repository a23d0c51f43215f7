/* SPDX-License-Identifier: ISC */
/*
 * part - what is done to one text part
 *
 * Decode, look at the ASCII view, collect splices, put them into the part's
 * character set, and splice them into the encoded octets.  Two things make that
 * impossible, and then the part is written anew: text that its character set
 * has not got makes it UTF-8, and octets or lines that its transfer encoding
 * does not allow make that quoted-printable.  HTML needs neither for its
 * characters, since it can refer to them.
 */
#include "part.h"

#include <stdint.h>
#include <string.h>

#include "ascii.h"
#include "charset.h"
#include "mime.h"
#include "policy/arena.h"
#include "text.h"

struct work {
	struct arena *arena;
	const struct mime_part *part;
	const struct edit_plan *plan;
	const char *octets; /* the text, decoded */
	size_t len;
	struct charset charset;
	struct text text;
};

/* Begins in ASCII, whatever the text before was in. */
static const char *
escape_first(struct arena *a, const char *octets, size_t *len)
{
	char *out = arena_alloc(a, *len + 4);

	if (out == NULL)
		return NULL;
	memcpy(out, "\x1b(B", 3);
	memcpy(out + 3, octets, *len);
	*len += 3;
	return out;
}

/* The octets of a splice in the part's character set; NULL if it has not got
 * them, or seven bits should do. */
static const char *
octets(struct work *w, const struct splice *s, size_t *len)
{
	const char *out;

	if (w->part->html && w->part->codec == CODEC_7BIT &&
	    w->charset.kind == CHARSET_OCTETS &&
	    !ascii_only(s->text, s->text_len))
		return NULL;
	out = charset_encode(w->arena, &w->charset, s->text, s->text_len, len);
	if (out != NULL && !charset_in_ascii(&w->charset, w->octets, s->at))
		out = escape_first(w->arena, out, len);
	return out;
}

/* Turns the splices from UTF-8 and units into octets of the text.  False if it
 * cannot be done for one, and they must not be used. */
static bool
localize(struct work *w)
{
	for (size_t i = 0; i < w->text.splices.n; i++) {
		struct splice *s = &w->text.splices.list[i];
		size_t len;
		const char *out = octets(w, s, &len);

		if (out == NULL)
			return false;
		s->text = out;
		s->text_len = len;
		s->at *= w->charset.width;
		s->len *= w->charset.width;
	}
	return true;
}

/* Everything to be done about the octets as they are now. */
static enum edit_skip
collect(struct work *w, bool ascii)
{
	struct text *t = &w->text;

	*t = (struct text){.splices = {.arena = w->arena},
	    .html = w->part->html,
	    .flowed = w->part->flowed,
	    .later = w->part->later,
	    .ascii = ascii};
	if (w->charset.kind == CHARSET_OPAQUE ||
	    (w->charset.kind == CHARSET_WIDE && codec_plain(w->part->codec)))
		return EDIT_UNREADABLE;
	t->view =
	    charset_view(w->arena, &w->charset, w->octets, w->len, &t->len);
	if (t->view == NULL)
		return EDIT_TOO_BIG;
	return text_edit(t, w->plan);
}

/* Starts again with the text in UTF-8, if that can be. */
static bool
become_utf8(struct work *w)
{
	size_t len;
	char *utf8 =
	    charset_to_utf8(w->arena, &w->charset, w->octets, w->len, &len);

	if (utf8 == NULL)
		return false;
	if (len != w->len || memcmp(utf8, w->octets, len) != 0)
		w->octets = utf8;
	w->len = len;
	charset_of("utf-8", w->octets, w->len, &w->charset);
	return true;
}

/* The encoding for text that quoted-printable or base64 has to carry. */
static enum codec
carrier(const struct work *w)
{
	size_t high = 0;

	for (size_t i = 0; i < w->len; i++)
		high += (w->octets[i] & 0x80) != 0;
	return high > w->len / 4 ? CODEC_BASE64 : CODEC_QP;
}

/* Whether the edited text can be sent as it is in the encoding of the part. */
static bool
fits(const struct work *w, const char *edited, size_t len, bool same_text)
{
	const struct splices *s = &w->text.splices;
	bool seven = w->part->codec == CODEC_7BIT;

	for (size_t i = 0; seven && i < s->n; i++)
		if (!ascii_only(s->list[i].text, s->list[i].text_len))
			return false;
	if (seven && !same_text && !ascii_only(w->octets, w->len))
		return false;
	return !codec_overlong(edited, len);
}

/* Text that stands for itself; encoded if it cannot any more. */
static void
encode_plain(struct work *w, bool same_text, struct part_edit *out)
{
	size_t len;
	char *edited = splice_apply(
	    w->arena, w->octets, w->len, 0, &w->text.splices, &len);

	if (edited == NULL)
		return;
	if (!fits(w, edited, len, same_text))
		out->codec = carrier(w);
	if (!codec_plain(out->codec))
		edited = codec_encode(w->arena, out->codec, edited, len, &len);
	out->content = edited;
	out->len = len;
}

/* The same for text in quoted-printable or base64: spliced where the text is
 * what it was, otherwise all is new. */
static void
encode_again(struct work *w, const char *raw, size_t raw_len, bool same_text,
    struct part_edit *out)
{
	char *edited;
	size_t len;

	if (same_text) {
		out->content = codec_splice(w->arena, out->codec, raw, raw_len,
		    w->octets, w->len, &w->text.splices, &out->len);
		return;
	}
	edited = splice_apply(
	    w->arena, w->octets, w->len, 0, &w->text.splices, &len);
	if (edited != NULL)
		out->content =
		    codec_encode(w->arena, out->codec, edited, len, &out->len);
}

enum edit_skip
part_edit(struct arena *a, const struct mime_part *p, const char *raw,
    size_t len, const struct edit_plan *plan, bool charset_fixed,
    struct part_edit *out)
{
	struct work w = {.arena = a, .part = p, .plan = plan};
	const char *decoded = codec_decode(a, p->codec, raw, len, &w.len);
	enum edit_skip skip;

	*out = (struct part_edit){.codec = p->codec};
	if (decoded == NULL)
		return EDIT_UNREADABLE;
	w.octets = decoded;
	charset_of(p->charset, w.octets, w.len, &w.charset);
	skip = collect(&w, false);
	if (skip != EDIT_DONE || w.text.splices.n == 0)
		return skip;
	if (!localize(&w)) {
		out->utf8 = !p->html && !charset_fixed && become_utf8(&w);
		skip = collect(&w, !out->utf8);
		if (skip != EDIT_DONE)
			return skip;
		if (!localize(&w))
			return EDIT_TOO_BIG;
	}
	out->done = w.text.done;
	if (codec_plain(p->codec))
		encode_plain(&w, w.octets == decoded, out);
	else
		encode_again(&w, raw, len, w.octets == decoded, out);
	return out->content == NULL ? EDIT_TOO_BIG : EDIT_DONE;
}
