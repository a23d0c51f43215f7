/* SPDX-License-Identifier: ISC */
/*
 * leave - what is pressed to leave, to come back from a slip, and to pause
 *
 * All of it goes through change_run(), also what gives back: a permit that
 * comes to more must replace the one in the cache as surely as one that comes
 * to less.
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

int
leave_confirm(
    struct changer *ch, const struct leave *l, bool *changed, struct err *e)
{
	static const struct pg_statement confirm = {
	    .name = "leave-request-confirm",
	    .sql = "SELECT key, packed, changed FROM "
		   "assent.leave_request_confirm($1, $2, $3::text::jsonb)",
	    .binary = true,
	};
	struct pg_param params[] = {
	    {NULL, 0}, {l->reference, LEAVE_REFERENCE}, {l->proof, 0}};

	return change_run(ch, &l->key, &confirm, params, 3, changed, e);
}

int
leave_pause(struct changer *ch, const struct leave *l, const char *until,
    bool gives, bool *changed, struct err *e)
{
	static const struct pg_statement pause = {
	    .name = "preferences-pause",
	    .sql = "SELECT key, packed, changed FROM assent.preferences_pause("
		   "$1, $2, $3::text::int, $4::text::assent.channel, "
		   "$5::text::timestamptz, $6::text::boolean, $7, "
		   "$8::text::jsonb)",
	    .binary = true,
	};
	char number[8];
	struct pg_param params[] = {
	    {NULL, 0},
	    {l->key.octets, ADDR_KEY},
	    {number, 0},
	    {channel_word(l->channel), 0},
	    {until, 0},
	    {gives ? "true" : "false", 0},
	    {l->source, 0},
	    {l->proof, 0},
	};

	snprintf(number, sizeof(number), "%u", l->purpose);
	return change_run(ch, &l->key, &pause, params,
	    sizeof(params) / sizeof(params[0]), changed, e);
}
