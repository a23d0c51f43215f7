/* SPDX-License-Identifier: ISC */
/*
 * form - the fields of a request's body
 *
 * The same for multipart and urlencoded bodies.  Values are octets from
 * outside: nothing here says that they are text.  The body's size is bounded
 * by whoever reads it, the number of fields here.
 */
#include "web/form.h"

#include <string.h>

void
form_add(
    struct form *f, const char *name, const char *value, size_t len, bool more)
{
	struct form_field *at;

	if (!more) {
		if (f->n == FORM_FIELDS) {
			f->broken = true;
			return;
		}
		buf_puts(&f->field[f->n++].name, name);
	}
	if (f->n == 0 || f->broken)
		return;
	at = &f->field[f->n - 1];
	buf_add(&at->value, len > 0 ? value : "", len);
	if (buf_failed(&at->name) || buf_failed(&at->value))
		f->broken = true;
}

static const struct buf *
find(const struct form *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct form_field *at = &f->field[i];

		if (!buf_failed(&at->name) && !buf_failed(&at->value) &&
		    strcmp(at->name.data, name) == 0)
			return &at->value;
	}
	return NULL;
}

const char *
form_get(const struct form *f, const char *name)
{
	const struct buf *value = find(f, name);

	return value == NULL ? NULL : value->data;
}

void
form_text(const struct form *f, const char *name, struct buf *out)
{
	const struct buf *value = find(f, name);

	if (value != NULL)
		buf_add_text(out, value->data, value->len);
}

void
form_free(struct form *f)
{
	while (f->n > 0) {
		f->n--;
		buf_free(&f->field[f->n].name);
		buf_free(&f->field[f->n].value);
	}
	f->broken = false;
}
