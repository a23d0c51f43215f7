/* SPDX-License-Identifier: ISC */
/*
 * optout - the link that ends one kind of mail
 */
#ifndef WEB_OPTOUT_H
#define WEB_OPTOUT_H

#include "web/request.h"

/* GET /u/TOKEN: asks, with one button, and says what leaving takes along and
 * what it leaves; the plain question when the link opens nothing, or nobody
 * can be asked. */
request_handler optout_ask;

/* GET /u/: the link of a message that went to several people. */
request_handler optout_explain;

/* POST /u/TOKEN (RFC 8058, 3.2): opts out, whatever the body says, but for the
 * other buttons of a page of ours: what was pressed is taken back, or a reason
 * is kept.  Answers 200 only when the opt-out is in force on every node, or
 * when there was none to carry out because the token is not one of ours; 503
 * otherwise. */
request_handler optout_act;

#endif
