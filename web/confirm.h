/* SPDX-License-Identifier: ISC */
/*
 * confirm - the link in the mail that asks back, behind /c/TOKEN
 */
#ifndef WEB_CONFIRM_H
#define WEB_CONFIRM_H

#include "web/request.h"

/* GET: the question, and one button; it changes nothing.  POST: confirms, once
 * and again alike. */
request_handler confirm_ask, confirm_act;

#endif
