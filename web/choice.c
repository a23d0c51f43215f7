/* SPDX-License-Identifier: ISC */
/*
 * choice - what was ticked and unticked on a preferences page
 *
 * "shown" has the number, text and state of each purpose that was there to be
 * ticked: one that was added since, or agreed to elsewhere, is none of them.
 */
#include "web/choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/form.h"

/* Whether the box of a purpose was ticked. */
static bool
ticked(const struct form *f, long purpose)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->field[i].name.data, "on") == 0 &&
		    strtol(f->field[i].value.data, NULL, 10) == purpose)
			return true;
	return false;
}

static void
add(struct buf *b, long number)
{
	buf_printf(b, "%c%ld", b->len == 0 ? '{' : ',', number);
}

bool
choice_read(const struct form *f, struct choice *c)
{
	const char *at = form_get(f, "shown");
	long purpose, text;
	int on, n;

	for (; at != NULL && *at != '\0'; at += n) {
		n = 0;
		if (sscanf(at, "%5ld:%9ld:%1d,%n", &purpose, &text, &on, &n) <
			3 ||
		    n == 0 || purpose <= 0 || text < 0)
			return false;
		if (ticked(f, purpose)) {
			add(&c->join, purpose);
			add(&c->texts, text);
		} else if (on == 1) {
			add(&c->leave, purpose);
		}
	}
	for (struct buf *b = &c->leave; b <= &c->texts; b++)
		buf_puts(b, b->len == 0 ? "{}" : "}");
	return at != NULL && !f->broken && !buf_failed(&c->leave) &&
	    !buf_failed(&c->join) && !buf_failed(&c->texts);
}

void
choice_free(struct choice *c)
{
	buf_free(&c->leave);
	buf_free(&c->join);
	buf_free(&c->texts);
}
