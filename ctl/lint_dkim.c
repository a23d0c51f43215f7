/* SPDX-License-Identifier: ISC */
/*
 * lint_dkim - the rules for signatures: which there must be, and over what
 *
 * One signature is enough, so the best one is judged: aligned before not, and
 * among those the one that covers what must be covered.
 */
#include <string.h>

#include "lint.h"
#include "mail/dkim.h"
#include "mail/read.h"
#include "policy/addr.h"
#include "policy/arena.h"

static const char *const must[] = {
    "From", "List-Unsubscribe", "List-Unsubscribe-Post"};

enum { MUST = sizeof(must) / sizeof(must[0]) };

/* The domain in From as an A-label, NULL if there is none that one could. */
static const char *
from_domain(struct lint *l)
{
	const char *from = l->mail->from;
	struct addr addr;
	struct err e;

	if (from == NULL ||
	    addr_parse(l->arena, from, strlen(from), &addr, &e) != 0)
		return NULL;
	return strrchr(addr.canonical, '@') + 1;
}

/* The first of the fields that the signature leaves out; NULL if none. */
static const char *
left_out(const struct dkim *d)
{
	for (size_t i = 0; i < MUST; i++)
		if (dkim_covers(d, must[i]) == 0)
			return must[i];
	return NULL;
}

/* 0 for none, up to 3 for one that is aligned and covers all.  From that names
 * nobody is another rule's business. */
static int
worth(const struct dkim *d, const char *from)
{
	if (from != NULL && !dkim_aligned(d->domain, from))
		return 1;
	return left_out(d) == NULL ? 3 : 2;
}

static int
find_best(struct lint *l, const char *from, struct dkim *best)
{
	const struct mail_field *f = NULL;
	struct dkim one;
	int most = 0;

	while ((f = mail_next(l->mail, "DKIM-Signature", f)) != NULL)
		if (dkim_parse(l->arena, f->value, &one) &&
		    worth(&one, from) > most) {
			most = worth(&one, from);
			*best = one;
		}
	return most;
}

void
lint_dkim(struct lint *l)
{
	const char *from = from_domain(l);
	struct dkim best;
	int most = find_best(l, from, &best);

	if (most == 0) {
		lint_say(l, RULE_DKIM, "there is none");
		return;
	}
	if (most == 1)
		lint_say(l, RULE_DKIM_ALIGNED, "From is %s, d= is %s", from,
		    best.domain);
	if (left_out(&best) != NULL)
		lint_say(
		    l, RULE_DKIM_COVERS, "it leaves out %s", left_out(&best));
	for (size_t i = 0; i < MUST; i++)
		if (dkim_covers(&best, must[i]) > 0 &&
		    dkim_covers(&best, must[i]) <= mail_count(l->mail, must[i]))
			lint_say(l, RULE_DKIM_OVERSIGN, "%s", must[i]);
}
