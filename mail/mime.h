/* SPDX-License-Identifier: ISC */
/*
 * mime - the text parts of a message and where they are
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include <stdbool.h>
#include <stddef.h>

#include "codec.h"
#include "edit.h"

struct arena;

enum { MIME_PARTS_MAX = 16 };

/* A text part: octets of the body. */
struct mime_part {
	bool top;	   /* it is the body, its fields are the message's */
	bool later;	   /* text was found before it: no footer goes here */
	size_t head;	   /* where its header fields begin */
	size_t start, end; /* its content */
	bool touching;	   /* the next boundary follows without a line break */
	bool html, flowed;
	enum codec codec;
	const char *charset; /* NULL if there is none */
};

struct mime_parts {
	struct mime_part list[MIME_PARTS_MAX];
	size_t n;
};

/*
 * The text parts that are the message's body, in their order.  Anything but
 * EDIT_DONE says why there are none to be edited.  Takes the size of the
 * message and at most 512 KB outside of the arena, and gives it back.
 */
enum edit_skip mime_read(struct arena *a, const struct edit_message *m,
    struct mime_parts *out) __attribute__((nonnull, warn_unused_result));

#endif
