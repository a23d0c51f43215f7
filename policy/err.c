/* SPDX-License-Identifier: ISC */
/*
 * err - what went wrong, in words
 *
 * An error lives on its caller's stack and allocates nothing, so that running
 * out of memory can still be reported.
 */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
mark_cut(struct err *e, int wanted)
{
	if (wanted >= (int)sizeof(e->text))
		memcpy(e->text + sizeof(e->text) - 4, "...", 4);
}

int
err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;
	int n;

	e->kind = kind;
	va_start(ap, fmt);
	n = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	mark_cut(e, n);
	return -1;
}

int
err_prefix(struct err *e, const char *fmt, ...)
{
	char prefix[256], old[sizeof(e->text)];
	va_list ap;
	int n;

	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	memcpy(old, e->text, sizeof(old));
	n = snprintf(e->text, sizeof(e->text), "%s: %s", prefix, old);
	mark_cut(e, n);
	return -1;
}
