/* SPDX-License-Identifier: ISC */
/*
 * list - the List-* header fields that a message leaves with
 */
#include "list.h"

#include "policy/arena.h"
#include "policy/conf.h"
#include "policy/stream.h"
#include "policy/token.h"
#include "session.h"

static const char *
personal(struct arena *a, const struct conf *c, const struct keys *k,
    const struct stream *s, const struct stream_purpose *p,
    const struct recipient *r)
{
	const struct token_subject subject = {
	    .key = r->key,
	    .purpose = p->id,
	    .channel = s->channel,
	};
	const struct token t = token_for(CAPABILITY_OPT_OUT, &subject);
	char url[TOKEN_URL], mail[TOKEN_MAIL];

	token_seal_url(k, &t, url);
	token_seal_mail(k, &t, mail);
	return arena_printf(a,
	    "<%s/u/%s>,\n\t<mailto:%s@%s?subject=unsubscribe>", c->web.base_url,
	    url, mail, c->web.mail_domain);
}

int
list_fields(struct arena *a, const struct conf *c, const struct keys *k,
    const struct stream *s, const struct stream_purpose *p,
    const struct recipient *only, struct list_fields *out, struct err *e)
{
	out->unsubscribe = only != NULL
	    ? personal(a, c, k, s, p, only)
	    : arena_printf(a, "<%s/u>", c->web.base_url);
	out->unsubscribe_post = only != NULL ? LIST_POST_VALUE : NULL;
	out->id = arena_printf(
	    a, "<%s.%s.%s>", p->name, s->brand, c->web.mail_domain);
	if (out->unsubscribe == NULL || out->id == NULL)
		return err_set(e, ERR_FATAL, "message too large for its arena");
	return 0;
}
