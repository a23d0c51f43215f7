/* SPDX-License-Identifier: ISC */
/*
 * splice - places of a text that get other octets
 *
 * A plain array that doubles; what it outgrew stays behind in the arena, which
 * is at most as much again.
 */
#include "splice.h"

#include <stdlib.h>
#include <string.h>

#include "policy/arena.h"

void
splice_add(struct splices *s, const struct splice *one)
{
	if (s->n == s->size) {
		size_t size = s->size == 0 ? 16 : 2 * s->size;
		struct splice *list =
		    arena_alloc(s->arena, size * sizeof(*list));

		if (list == NULL) {
			s->failed = true;
			return;
		}
		if (s->n > 0)
			memcpy(list, s->list, s->n * sizeof(*list));
		s->list = list;
		s->size = size;
	}
	s->list[s->n++] = *one;
}

static int
order(const void *va, const void *vb)
{
	const struct splice *a = va, *b = vb;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if (a->len != b->len)
		return a->len > b->len ? -1 : 1;
	return 0;
}

void
splice_settle(struct splices *s)
{
	size_t kept = 0, end = 0;

	if (s->n > 1)
		qsort(s->list, s->n, sizeof(*s->list), order);
	for (size_t i = 0; i < s->n; i++) {
		if (kept > 0 && s->list[i].at < end)
			continue;
		end = s->list[i].at + s->list[i].len;
		s->list[kept++] = s->list[i];
	}
	s->n = kept;
}

char *
splice_apply(struct arena *a, const char *text, size_t len, size_t from,
    const struct splices *s, size_t *out_len)
{
	size_t size = len - from;
	char *out, *p;

	for (size_t i = 0; i < s->n; i++)
		size += s->list[i].text_len - s->list[i].len;
	out = p = arena_alloc(a, size + 1);
	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		const struct splice *one = &s->list[i];

		p = mempcpy(p, text + from, one->at - from);
		p = mempcpy(p, one->text, one->text_len);
		from = one->at + one->len;
	}
	memcpy(p, text + from, len - from);
	*out_len = size;
	return out;
}
