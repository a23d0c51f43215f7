/* SPDX-License-Identifier: ISC */
/*
 * address - the link by which a new address of a profile is confirmed
 */
#ifndef WEB_ADDRESS_H
#define WEB_ADDRESS_H

#include "web/request.h"

request_handler address_show;	 /* GET: the question */
request_handler address_confirm; /* POST: the contact's from now on */

#endif
