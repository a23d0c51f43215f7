/* SPDX-License-Identifier: ISC */
/*
 * guard - whether a press came from a page of ours
 *
 * A form behind a link carries a mark that only this installation can make,
 * for that link and that page: so nobody can have a browser send it from
 * elsewhere, and nothing is deleted before the question was shown.  It needs
 * no cookie and no memory.
 *
 * Where the browser says from where a request came, it must be from here.
 * Pages that are loaded with Referrer-Policy no-referrer send "null" as their
 * Origin; a sandboxed frame does as well, but then Sec-Fetch-Site tells.
 */
#include "web/guard.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "policy/conf.h"
#include "policy/keys.h"
#include "web/site.h"

const char *
guard_mark(const struct request *r, const struct token *t, enum guard_step step,
    char out[GUARD_TEXT])
{
	const uint8_t head[] = {(uint8_t)t->capability, (uint8_t)step};
	uint8_t mark[(GUARD_TEXT - 1) / 2];
	crypto_generichash_state st;

	/* Another length than an address key's: nothing can be both. */
	_Static_assert(sizeof(mark) != ADDR_KEY, "marks and address keys");
	crypto_generichash_init(
	    &st, keys_index(r->site->keys), KEYS_SECRET, sizeof(mark));
	crypto_generichash_update(&st, head, sizeof(head));
	crypto_generichash_update(&st, t->body, sizeof(t->body));
	crypto_generichash_final(&st, mark, sizeof(mark));
	return sodium_bin2hex(out, GUARD_TEXT, mark, sizeof(mark));
}

/* Whether `origin` is what the links begin with, without a path. */
static bool
is_ours(const struct request *r, const char *origin)
{
	const char *base = r->site->conf->web.base_url;
	size_t len = strlen(origin);

	return strncasecmp(base, origin, len) == 0 &&
	    (base[len] == '\0' || base[len] == '/') && len > strlen("https://");
}

static bool
is_from_here(const struct request *r)
{
	if (r->fetch_site != NULL)
		return strcmp(r->fetch_site, "same-origin") == 0 ||
		    strcmp(r->fetch_site, "none") == 0;
	return r->origin == NULL || strcmp(r->origin, "null") == 0 ||
	    is_ours(r, r->origin);
}

enum guard_step
guard_step(const struct request *r, const struct token *t)
{
	const char *given = form_get(&r->form, GUARD_FIELD);
	char mark[GUARD_TEXT];

	if (given == NULL || strlen(given) != GUARD_TEXT - 1 ||
	    r->form.broken || !is_from_here(r))
		return GUARD_NOWHERE;
	for (enum guard_step s = GUARD_DELETE; s > GUARD_NOWHERE; s--)
		if (sodium_memcmp(
			given, guard_mark(r, t, s, mark), GUARD_TEXT - 1) == 0)
			return s;
	return GUARD_NOWHERE;
}
