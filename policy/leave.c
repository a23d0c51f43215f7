/* SPDX-License-Identifier: ISC */
/*
 * leave - what is pressed on the page of an opt-out link
 *
 * Both ways go through change_run(), also the one back: a permit that comes to
 * more must replace the one in the cache as surely as one that comes to less.
 */
#include "leave.h"

#include <stdio.h>

#include "change.h"
#include "pg.h"

static int
run(struct changer *ch, const struct leave *l, const struct pg_statement *st,
    bool *changed, struct err *e)
{
	char number[8];
	struct pg_param params[] = {
	    {NULL, 0},
	    {l->key.octets, ADDR_KEY},
	    {number, 0},
	    {channel_word(l->channel), 0},
	    {l->reference, LEAVE_REFERENCE},
	    {l->source, 0},
	    {l->proof, 0},
	};

	snprintf(number, sizeof(number), "%u", l->purpose);
	return change_run(ch, &l->key, st, params,
	    sizeof(params) / sizeof(params[0]), changed, e);
}

int
leave_press(
    struct changer *ch, const struct leave *l, bool *changed, struct err *e)
{
	static const struct pg_statement press = {
	    .name = "opt-out-press",
	    .sql = "SELECT key, packed, changed FROM assent.opt_out_press($1, "
		   "$2, $3::text::int, $4::text::assent.channel, $5, "
		   "$6, $7::text::jsonb)",
	    .binary = true,
	};

	return run(ch, l, &press, changed, e);
}

int
leave_undo(
    struct changer *ch, const struct leave *l, bool *changed, struct err *e)
{
	static const struct pg_statement undo = {
	    .name = "opt-out-undo",
	    .sql = "SELECT key, packed, changed FROM assent.opt_out_undo($1, "
		   "$2, $3::text::int, $4::text::assent.channel, $5, "
		   "$6, $7::text::jsonb)",
	    .binary = true,
	};

	return run(ch, l, &undo, changed, e);
}
