/* SPDX-License-Identifier: ISC */
/*
 * link - the links that a message to somebody would carry
 *
 * For who writes to ask where the link is.  Whoever has it can do what it was
 * made for: it is for the person and nobody else.
 */
#include <stdio.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/channel.h"
#include "policy/conf.h"
#include "policy/store.h"
#include "policy/token.h"

static void
add(struct ctl *c, json_t *out, const char *key, enum capability capability,
    const char *path, const struct token_subject *s)
{
	const struct token t = token_for(capability, s);
	char text[TOKEN_URL];

	token_seal_url(c->keys, &t, text);
	out_text(out, key,
	    arena_printf(
		c->arena, "%s/%s/%s", c->conf->web.base_url, path, text));
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	struct token_subject s = {.channel = CHANNEL_EMAIL};
	struct store_purpose p;
	struct endpoint to;

	if (ctl_endpoint(
		c, channel_kind(s.channel), a->words[0], &to, &s.key, e) != 0 ||
	    ctl_purpose(c, a->words[1], &p, e) != 0)
		return OUTCOME_FAILED;
	s.purpose = p.id;
	out_text(out, "address", to.canonical);
	out_text(out, "purpose", ctl_purpose_name(c, &p));
	add(c, out, "opt_out", CAPABILITY_OPT_OUT, "u", &s);
	add(c, out, "preferences", CAPABILITY_PREFERENCES, "m", &s);
	add(c, out, "why", CAPABILITY_WHY, "w", &s);
	return OUTCOME_DONE;
}

static void
print(const json_t *out)
{
	printf("opt out      %s\n", out_get(out, "opt_out"));
	printf("preferences  %s\n", out_get(out, "preferences"));
	printf("why          %s\n", out_get(out, "why"));
}

const struct command commands_link[] = {
    {
	.name = "link",
	.arguments = "ADDRESS PURPOSE",
	.summary = "Prints the links of a message to somebody",
	.about = "Give them to that person only: who has a link can use it.",
	.min = 2,
	.max = 2,
	.run = run,
	.print = print,
    },
    {0},
};
