/* SPDX-License-Identifier: ISC */
/*
 * preferences - the page on which a person chooses what to receive
 */
#ifndef WEB_PREFERENCES_H
#define WEB_PREFERENCES_H

#include "web/request.h"

/* GET /m/TOKEN: what the brand, and the companies above it, may send on the
 * channel of the link. */
void preferences_show(struct request *r, struct response *w)
    __attribute__((nonnull));

/* POST /m/TOKEN: changes what was shown and nothing else, or pauses it until a
 * day, then shows how it stands. */
void preferences_save(struct request *r, struct response *w)
    __attribute__((nonnull));

#endif
