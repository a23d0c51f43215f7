/* SPDX-License-Identifier: ISC */
/*
 * ask - the form by which people ask for the link to their profile
 */
#ifndef WEB_ASK_H
#define WEB_ASK_H

#include "web/request.h"

request_handler ask_show; /* GET /p/ and GET /p/PAGE */
request_handler ask_post; /* POST to either: 200, or 422 with the form */

/* Answers who comes with a profile's link that opens nothing: 404, with the way
 * to the form where there is one. */
void ask_instead(struct request *r, struct response *w)
    __attribute__((nonnull));

#endif
