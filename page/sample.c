/* SPDX-License-Identifier: ISC */
/*
 * sample - what a page is filled with when there is nobody to show it to
 *
 * The views that the handlers of web/ make, of a person who is none.
 */
#include "page/sample.h"

#include <stddef.h>

static const char common[] =
    "{\"known\": true, \"gives\": true, \"undo\": true, \"may_explain\": true,"
    " \"address\": \"a***@e***.com\", \"purpose\": \"Newsletter\","
    " \"takes\": {\"titles\": [\"Tips\"]}, \"took\": {\"titles\": [\"Tips\"]},"
    " \"keeps\": {\"titles\": [\"Offers\"]}, \"preferences\": \"#\","
    " \"first_day\": \"2000-01-01\", \"last_day\": \"2099-12-31\","
    " \"reference\": \"00\", \"shown\": \"1:1:1,2:0:0,\", \"purposes\": ["
    "{\"id\": \"1\", \"title\": \"Newsletter\", \"on\": true,"
    " \"body\": \"What is new, once a week.\", \"version\": \"1\","
    " \"leaves\": \"Tips\"},"
    "{\"id\": \"2\", \"title\": \"Offers\"}]}";

/* Parts that show something else under the same names. */
static const struct {
	enum page page;
	const char *view;
} others[] = {
    {PAGE_SIGN_UP,
	"{\"address\": \"\", \"purposes\": ["
	"{\"id\": \"1\", \"title\": \"Newsletter\","
	" \"body\": \"What is new, once a week.\", \"version\": \"1\"},"
	"{\"id\": \"2\", \"title\": \"Offers\"}]}"},
    {PAGE_REVIEW, "{\"stops\": {\"titles\": [\"Tips\"]}, \"ticked\": [\"1\"]}"},
    {PAGE_ASK, "{\"brand\": \"Example\", \"address\": \"\"}"},
    {PAGE_PROFILE,
	"{\"since\": \"2026-01-02 03:04\", \"form\": \"00\", \"add_address\": "
	"true,"
	" \"facts\": [{\"name\": \"city\", \"value\": \"Rome\"}],"
	" \"addresses\": {\"list\": [{\"kind\": {\"email\": true},"
	" \"address\": \"a@example.com\", \"number\": 0,"
	" \"since\": \"2026-01-02 03:04\"}]},"
	" \"consents\": {\"list\": [{\"purpose\": \"Newsletter\","
	" \"brand\": \"Example\", \"pair\": \"1:email\","
	" \"channel\": {\"email\": true}, \"standing\": {\"granted\": true},"
	" \"since\": \"2026-01-02 03:04\", \"can_withdraw\": true}]},"
	" \"events\": {\"list\": [{\"happened\": \"2026-01-02 03:04\","
	" \"act\": {\"grant\": true}, \"purpose\": \"Newsletter\","
	" \"brand\": \"Example\", \"channel\": {\"email\": true}}]}}"},
    {PAGE_CONFIRM, "{\"purposes\": [\"Newsletter\", \"Offers\"]}"},
    {PAGE_CONFIRMED, "{\"purposes\": [\"Newsletter\", \"Offers\"]}"},
};

json_t *
sample_view(enum page p)
{
	json_t *view = json_loads(common, 0, NULL), *other;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].page == p) {
			other = json_loads(others[i].view, 0, NULL);
			json_object_update(view, other);
			json_decref(other);
		}
	return view;
}
