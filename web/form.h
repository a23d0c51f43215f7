/* SPDX-License-Identifier: ISC */
/*
 * form - the fields of a request's body
 */
#ifndef WEB_FORM_H
#define WEB_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/buf.h"

enum { FORM_FIELDS = 128 };

struct form {
	size_t n;
	struct form_field {
		struct buf name, value;
	} field[FORM_FIELDS];
	bool broken; /* fields were lost: too many, or no memory */
};

/* Adds `len` octets of the value of a field; `more`: they continue the field
 * that was added last. */
void form_add(struct form *f, const char *name, const char *value, size_t len,
    bool more) __attribute__((nonnull(1, 2)));

/* The value of the first field of that name, NUL-terminated, alive as long as
 * the form; NULL if there is none. */
const char *form_get(const struct form *f, const char *name)
    __attribute__((nonnull));

/* Adds the value of the first field of that name, whole and as text, to `out`;
 * nothing if there is none. */
void form_text(const struct form *f, const char *name, struct buf *out)
    __attribute__((nonnull));

/* Releases the fields and leaves an empty form. */
void form_free(struct form *f) __attribute__((nonnull));

#endif
