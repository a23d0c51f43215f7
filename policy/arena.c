/* SPDX-License-Identifier: ISC */
/*
 * arena - memory with one lifetime
 *
 * A chain of blocks, the newest first.  The first block is kept over a reset,
 * so that a connection which carries many messages allocates once.
 */
#include "arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 4096 - 64, NEXT_BLOCK = 16384 - 64 };

struct block {
	struct block *next;
	size_t size, used;
	alignas(max_align_t) unsigned char data[];
};

struct arena {
	size_t cap, handed;
	struct block *top;
};

static struct block *
block_new(size_t size, struct block *next)
{
	struct block *b = malloc(sizeof(*b) + size);

	if (b == NULL)
		return NULL;
	b->next = next;
	b->size = size;
	b->used = 0;
	return b;
}

struct arena *
arena_new(size_t cap)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->cap = cap;
	a->top = block_new(FIRST_BLOCK, NULL);
	if (a->top == NULL) {
		free(a);
		return NULL;
	}
	return a;
}

void
arena_reset(struct arena *a)
{
	while (a->top->next != NULL) {
		struct block *b = a->top;

		a->top = b->next;
		free(b);
	}
	a->top->used = 0;
	a->handed = 0;
}

void
arena_free(struct arena **a)
{
	if (*a == NULL)
		return;
	arena_reset(*a);
	free((*a)->top);
	free(*a);
	*a = NULL;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);
	size_t size;
	void *p;

	if (n > SIZE_MAX - align || n > a->cap || a->cap - n < a->handed)
		return NULL;
	size = (n + align - 1) / align * align;
	if (a->top->size - a->top->used < size) {
		struct block *b =
		    block_new(size > NEXT_BLOCK ? size : NEXT_BLOCK, a->top);

		if (b == NULL)
			return NULL;
		a->top = b;
	}
	p = a->top->data + a->top->used;
	a->top->used += size;
	a->handed += n;
	return memset(p, 0, size);
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p;

	if (n == SIZE_MAX)
		return NULL;
	p = arena_alloc(a, n + 1);
	if (p != NULL)
		memcpy(p, s, n);
	return p;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	char brief[512];
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(brief, sizeof(brief), fmt, ap);
	va_end(ap);
	assert(n >= 0);
	if ((size_t)n < sizeof(brief))
		return arena_strndup(a, brief, (size_t)n);
	p = arena_alloc(a, (size_t)n + 1);
	if (p == NULL)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}
