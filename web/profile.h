/* SPDX-License-Identifier: ISC */
/*
 * profile - all that is held about a person, shown to that person
 */
#ifndef WEB_PROFILE_H
#define WEB_PROFILE_H

#include "web/request.h"

request_handler profile_show;  /* GET: one button; or a page's request form */
request_handler profile_press; /* POST: opens it, or does what was pressed */

#endif
