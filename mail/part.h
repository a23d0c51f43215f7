/* SPDX-License-Identifier: ISC */
/*
 * part - what is done to one text part
 */
#ifndef MAIL_PART_H
#define MAIL_PART_H

#include <stdbool.h>
#include <stddef.h>

#include "codec.h"
#include "edit.h"
#include "text.h"

struct arena;
struct mime_part;

struct part_edit {
	const char *content; /* as it is to be sent; NULL if unchanged */
	size_t len;
	bool utf8;	  /* its charset is UTF-8 now */
	enum codec codec; /* its transfer encoding now */
	struct text_done done;
};

/*
 * Edits the part whose content is `raw`.  `charset_fixed` says that its charset
 * cannot be changed.  EDIT_UNREADABLE leaves this part alone; EDIT_SIGNED,
 * EDIT_ENCRYPTED and EDIT_TOO_BIG are reasons to leave the message alone.
 */
enum edit_skip part_edit(struct arena *a, const struct mime_part *p,
    const char *raw, size_t len, const struct edit_plan *plan,
    bool charset_fixed, struct part_edit *out)
    __attribute__((nonnull, warn_unused_result));

#endif
