/* SPDX-License-Identifier: ISC */
/*
 * splice - places of a text that get other octets
 *
 * A plain array that doubles; what it outgrew stays behind in the arena, which
 * is at most as much again.
 */
#include "splice.h"

#include <stdint.h>
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

/* Writes splices as the stretches of a text come by, kept ones and new ones. */
struct writer {
	struct splices *out;
	size_t at; /* up to here the text is taken care of */
	const char *text;
	size_t text_len; /* what is new since */
};

static void
kept(struct writer *w, size_t at, size_t len)
{
	if (at > w->at || w->text_len > 0)
		splice_add(w->out,
		    &(struct splice){w->at, at - w->at, w->text, w->text_len});
	w->at = at + len;
	w->text_len = 0;
}

static void
added(struct writer *w, const char *text, size_t len)
{
	char *both;

	if (w->text_len == 0) {
		w->text = text;
		w->text_len = len;
		return;
	}
	both = arena_alloc(w->out->arena, w->text_len + len + 1);
	if (both == NULL) {
		w->out->failed = true;
		return;
	}
	memcpy(mempcpy(both, w->text, w->text_len), text, len);
	w->text = both;
	w->text_len += len;
}

/* Reads a text with splices made, stretch by stretch. */
struct reader {
	const struct splices *splices;
	size_t next;	/* the splice that comes next */
	size_t at, len; /* of the text */
	size_t within;	/* octets of the next splice's text that are read */
};

/* Passes `n` octets on, or drops them where there is no writer. */
static void
pass(struct reader *r, size_t n, struct writer *w)
{
	const struct splice end = {.at = r->len}, *s;

	while (n > 0 && (r->at < r->len || r->next < r->splices->n)) {
		const bool more = r->next < r->splices->n;
		bool fresh;
		size_t run;

		s = more ? &r->splices->list[r->next] : &end;
		fresh = more && s->at == r->at;
		run = fresh ? s->text_len - r->within : s->at - r->at;

		if (run > n)
			run = n;
		if (w != NULL && run > 0 && fresh)
			added(w, s->text + r->within, run);
		else if (w != NULL && run > 0)
			kept(w, r->at, run);
		n -= run;
		if (!fresh) {
			r->at += run;
			continue;
		}
		r->within += run;
		if (r->within == s->text_len) {
			r->at += s->len;
			r->within = 0;
			r->next++;
		}
	}
}

void
splice_then(struct splices *s, size_t len, const struct splices *next)
{
	struct splices out = {.arena = s->arena};
	struct reader r = {.splices = s, .len = len};
	struct writer w = {.out = &out, .text = ""};
	size_t at = 0;

	for (size_t i = 0; i < next->n; i++) {
		const struct splice *one = &next->list[i];

		pass(&r, one->at - at, &w);
		if (one->text_len > 0)
			added(&w, one->text, one->text_len);
		pass(&r, one->len, NULL);
		at = one->at + one->len;
	}
	pass(&r, SIZE_MAX, &w);
	kept(&w, len, 0);
	out.failed |= s->failed | next->failed;
	*s = out;
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
