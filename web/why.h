/* SPDX-License-Identifier: ISC */
/*
 * why - the page that says what a message rests on
 */
#ifndef WEB_WHY_H
#define WEB_WHY_H

#include "web/request.h"

/* GET /w/TOKEN: for which purpose, since when, from which source and under
 * which text; the address is masked. */
void why_show(struct request *r, struct response *w) __attribute__((nonnull));

#endif
