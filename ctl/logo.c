/* SPDX-License-Identifier: ISC */
/*
 * logo - an image file as a URI that holds it
 *
 * What a file is, its octets say and not its name: how it begins, and how it
 * ends, so that half a file is none.  SVG is a document that can do more than
 * be looked at, so it is not among them.
 */
#include "logo.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "policy/arena.h"
#include "policy/buf.h"

static const struct {
	const char *type, *begin, *end;
	size_t begin_len, end_len;
} types[] = {
    {"image/png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
	"\0\0\0\0IEND\xae\x42\x60\x82", 16, 12},
    {"image/jpeg", "\xff\xd8\xff", "\xff\xd9", 3, 2},
};

/* NULL when it is none that is allowed. */
static const char *
type_of(const struct buf *b)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (b->len >= types[i].begin_len + types[i].end_len &&
		    memcmp(b->data, types[i].begin, types[i].begin_len) == 0 &&
		    memcmp(b->data + b->len - types[i].end_len, types[i].end,
			types[i].end_len) == 0)
			return types[i].type;
	return NULL;
}

static const char *
uri_of(struct arena *a, const char *type, const struct buf *b, struct err *e)
{
	size_t size =
	    sodium_base64_encoded_len(b->len, sodium_base64_VARIANT_ORIGINAL);
	char *text = arena_alloc(a, size), *uri = NULL;

	if (text != NULL) {
		sodium_bin2base64(text, size, (const unsigned char *)b->data,
		    b->len, sodium_base64_VARIANT_ORIGINAL);
		uri = arena_printf(a, "data:%s;base64,%s", type, text);
	}
	if (uri == NULL)
		err_set(e, ERR_FATAL, "out of memory");
	return uri;
}

const char *
logo_read(struct arena *a, const char *path, struct err *e)
{
	struct buf b = {0};
	const char *type, *uri = NULL;

	if (file_read(path, &b, e) == 0) {
		type = type_of(&b);
		if (b.len > LOGO_MAX)
			err_set(e, ERR_REFUSED, "%s: a logo has %d KB at most",
			    path, LOGO_MAX / 1024);
		else if (type == NULL)
			err_set(e, ERR_REFUSED,
			    "%s: this is no whole PNG or JPEG file", path);
		else
			uri = uri_of(a, type, &b, e);
	}
	buf_free(&b);
	return uri;
}
