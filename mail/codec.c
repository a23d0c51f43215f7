/* SPDX-License-Identifier: ISC */
/*
 * codec - the transfer encoding of a part
 */
#include "codec.h"

#include <string.h>
#include <strings.h>

#include "base64.h"
#include "policy/arena.h"
#include "qp.h"
#include "splice.h"

static const char *const names[] = {
    [CODEC_UNKNOWN] = "",
    [CODEC_7BIT] = "7bit",
    [CODEC_8BIT] = "8bit",
    [CODEC_BINARY] = "binary",
    [CODEC_QP] = "quoted-printable",
    [CODEC_BASE64] = "base64",
};

enum codec
codec_of(const char *name)
{
	if (name == NULL)
		return CODEC_7BIT;
	for (enum codec c = CODEC_7BIT; c <= CODEC_BASE64; c++)
		if (strcasecmp(name, names[c]) == 0)
			return c;
	return CODEC_UNKNOWN;
}

const char *
codec_name(enum codec c)
{
	return names[c];
}

bool
codec_plain(enum codec c)
{
	return c == CODEC_7BIT || c == CODEC_8BIT || c == CODEC_BINARY;
}

const char *
codec_decode(
    struct arena *a, enum codec c, const char *raw, size_t len, size_t *out_len)
{
	switch (c) {
	case CODEC_UNKNOWN:
		return NULL;
	case CODEC_7BIT:
	case CODEC_8BIT:
	case CODEC_BINARY:
		*out_len = len;
		return raw;
	case CODEC_QP:
		return qp_decode(a, raw, len, out_len);
	case CODEC_BASE64:
		return base64_decode(a, raw, len, out_len);
	}
	return NULL;
}

char *
codec_splice(struct arena *a, enum codec c, const char *raw, size_t len,
    const char *text, size_t text_len, const struct splices *s, size_t *out_len)
{
	if (c == CODEC_QP)
		return qp_splice(a, raw, len, s, out_len);
	if (c == CODEC_BASE64)
		return base64_splice(a, raw, len, text, text_len, s, out_len);
	return splice_apply(a, raw, len, 0, s, out_len);
}

char *
codec_encode(struct arena *a, enum codec c, const char *text, size_t len,
    size_t *out_len)
{
	if (c == CODEC_QP)
		return qp_encode(a, text, len, out_len);
	if (c == CODEC_BASE64)
		return base64_encode(a, text, len, out_len);
	*out_len = len;
	return arena_strndup(a, text, len);
}

bool
codec_overlong(const char *text, size_t len)
{
	const char *end = text + len, *eol;

	for (; (size_t)(end - text) > CODEC_LINE_MAX; text = eol + 1) {
		eol = memchr(text, '\n', (size_t)(end - text));
		if (eol == NULL)
			return true;
		if (eol - text - (eol > text && eol[-1] == '\r') >
		    CODEC_LINE_MAX)
			return true;
	}
	return false;
}
