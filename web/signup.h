/* SPDX-License-Identifier: ISC */
/*
 * signup - the forms by which people ask for mail, behind /s/FORM
 */
#ifndef WEB_SIGNUP_H
#define WEB_SIGNUP_H

#include "web/request.h"

/* GET: the form, in the reader's language.  POST: keeps what was asked for and
 * queues the mail that asks back; the answer is the same for every address. */
request_handler signup_show, signup_ask;

#endif
