/* SPDX-License-Identifier: ISC */
/*
 * proof - from where a person acted
 */
#include "web/proof.h"

#include <jansson.h>
#include <string.h>

enum { USER_AGENT_MAX = 256 };

/* `text` cut to a length at a character's border; what is not UTF-8 becomes
 * ASCII with question marks. */
static json_t *
bounded_text(const char *text)
{
	char ascii[USER_AGENT_MAX];
	size_t n = strnlen(text, USER_AGENT_MAX + 1);
	json_t *json;

	if (n > USER_AGENT_MAX)
		for (n = USER_AGENT_MAX; n > 0 && (text[n] & 0xc0) == 0x80;)
			n--;
	json = json_stringn(text, n);
	if (json != NULL)
		return json;
	for (size_t i = 0; i < n; i++)
		ascii[i] = (text[i] & 0x80) != 0 ? '?' : text[i];
	return json_stringn(ascii, n);
}

char *
proof_of(const struct request *r)
{
	json_t *fields = json_object();
	char *text;

	if (r->client[0] != '\0')
		json_object_set_new(fields, "ip", json_string(r->client));
	if (r->user_agent != NULL)
		json_object_set_new(
		    fields, "user_agent", bounded_text(r->user_agent));
	text = json_dumps(fields, JSON_COMPACT);
	json_decref(fields);
	return text;
}
