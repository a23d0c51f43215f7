/* SPDX-License-Identifier: ISC */
/*
 * proof - from where a person acted
 */
#ifndef WEB_PROOF_H
#define WEB_PROOF_H

#include "web/request.h"

/* IP address and user agent as a JSON object, for free(); NULL without memory:
 * then the record would not stand up, and nothing must be done. */
char *proof_of(const struct request *r)
    __attribute__((nonnull, warn_unused_result));

#endif
