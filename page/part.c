/* SPDX-License-Identifier: ISC */
/*
 * part - the pages there are, and the kinds that they are parts of
 *
 * The one table of them.  A page of one's own is of a kind, and can have words
 * and a template for each part of that kind; the first is what its links open.
 * What tells of trouble is nobody's: it must be there when nothing else is.
 */
#include "page/part.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "page/locale.h"

static const struct part parts[PAGE_COUNT] = {
    [PAGE_OPT_OUT] = {200, PART_OPT_OUT, "opt-out", N_("Stop this mail?"),
	N_("Stop this mail"), false},
    [PAGE_OPTED_OUT] = {200, PART_PLAIN, "opted-out",
	N_("Your request has been dealt with"), NULL, false},
    [PAGE_LEFT] = {200, PART_OPT_OUT, "left", N_("This mail has stopped"), NULL,
	false},
    [PAGE_LEAVE_ASKED] = {200, PART_OPT_OUT, "leave-asked",
	N_("Please look into your mailbox"), NULL, false},
    [PAGE_UNDONE] = {200, PART_OPT_OUT, "undone", N_("Taken back"), NULL,
	false},
    [PAGE_NOT_DONE] = {503, PART_PLAIN, "not-done",
	N_("Please press once more"), N_("Try again"), false},
    [PAGE_UNSURE] = {503, PART_PLAIN, "unsure",
	N_("It is not certain that this was done"), NULL, false},
    [PAGE_UNSEEN] = {200, PART_PLAIN, "unseen", N_("Done"), NULL, false},
    [PAGE_SHARED] = {200, PART_PLAIN, "shared", N_("How to stop this mail"),
	NULL, false},
    [PAGE_WHY] = {200, PART_BRANDED, "why", N_("Why did I get this message?"),
	NULL, false},
    [PAGE_PREFERENCES] = {200, PART_PREFERENCES, "preferences",
	N_("What you want to receive"), NULL, false},
    [PAGE_REVIEW] = {200, PART_PREFERENCES, "review",
	N_("Nothing is saved yet"), N_("Save all the same"), true},
    [PAGE_SIGN_UP] = {200, PART_SIGN_UP, "sign-up", N_("Sign up"),
	N_("Sign up"), false},
    [PAGE_SIGN_UP_AGAIN] = {422, PART_SIGN_UP, "sign-up",
	N_("Something is missing"), N_("Sign up"), true},
    [PAGE_SNIPPET] = {200, PART_PLAIN, "snippet", N_("Sign up"), N_("Sign up"),
	false},
    [PAGE_ASKED] = {200, PART_SIGN_UP, "asked",
	N_("Please look into your mailbox"), NULL, false},
    [PAGE_CONFIRM] = {200, PART_SIGN_UP, "confirm", N_("Please confirm"),
	N_("Confirm"), false},
    [PAGE_CONFIRMED] = {200, PART_SIGN_UP, "confirmed", N_("Confirmed"), NULL,
	false},
    [PAGE_CLOSED] = {410, PART_PLAIN, "closed", N_("This form is closed"), NULL,
	false},
    [PAGE_VOID] = {404, PART_PLAIN, "void",
	N_("This link does not work any more"), NULL, false},
    [PAGE_ASK] = {200, PART_PROFILE, "ask", N_("See what is held about you"),
	N_("Send me the link"), false},
    [PAGE_ASK_AGAIN] = {422, PART_PROFILE, "ask", N_("Something is missing"),
	N_("Send me the link"), true},
    [PAGE_MAILED] = {200, PART_PROFILE, "mailed",
	N_("Please look into your mailbox"), NULL, false},
    [PAGE_PROFILE_LINK] = {200, PART_PROFILE, "profile-link",
	N_("Your profile"), N_("Open my profile"), false},
    [PAGE_PROFILE] = {200, PART_PROFILE, "profile", N_("Your profile"), NULL,
	false},
    [PAGE_PROFILE_DELETE] = {200, PART_PROFILE, "profile-delete",
	N_("Delete everything?"), N_("Yes, delete everything"), false},
    [PAGE_PROFILE_DELETED] = {200, PART_PROFILE, "profile-deleted",
	N_("Everything is deleted"), NULL, false},
    [PAGE_PROFILE_VOID] = {404, PART_PLAIN, "profile-void",
	N_("This link does not work any more"), NULL, false},
    [PAGE_ADDRESS] = {200, PART_PROFILE, "address", N_("Is this your address?"),
	N_("Confirm"), false},
    [PAGE_ADDRESS_ADDED] = {200, PART_PROFILE, "address-added", N_("Confirmed"),
	NULL, false},
    [PAGE_ADDRESS_TAKEN] = {409, PART_PLAIN, "address-taken",
	N_("This address cannot be added"), NULL, false},
    [PAGE_TOO_OFTEN] = {429, PART_PLAIN, "too-often", N_("Too often just now"),
	NULL, false},
    [PAGE_NOT_FOUND] = {404, PART_PLAIN, "not-found",
	N_("There is no such page"), NULL, false},
    [PAGE_WRONG_METHOD] = {405, PART_PLAIN, "wrong-method",
	N_("This page cannot be used that way"), NULL, false},
    [PAGE_MALFORMED] = {400, PART_PLAIN, "malformed",
	N_("This could not be read"), NULL, false},
    [PAGE_TOO_LARGE] = {413, PART_PLAIN, "too-large", N_("Too much was sent"),
	NULL, false},
    [PAGE_BUSY] = {503, PART_PLAIN, "busy", N_("Too busy just now"), NULL,
	false},
};

static const char *const kinds[PART_KINDS] = {
    [PART_OPT_OUT] = "opt-out",
    [PART_PREFERENCES] = "preferences",
    [PART_PROFILE] = "profile",
    [PART_SIGN_UP] = "sign-up",
};

const struct part *
part_of(enum page p)
{
	assert(p < PAGE_COUNT);
	return &parts[p];
}

const char *
part_kind_word(enum part_kind kind)
{
	return kinds[kind];
}

bool
part_kind_parse(const char *word, enum part_kind *out)
{
	for (unsigned int k = 0; k < PART_KINDS; k++)
		if (kinds[k] != NULL && strcmp(kinds[k], word) == 0) {
			*out = (enum part_kind)k;
			return true;
		}
	return false;
}

bool
part_find(enum part_kind kind, const char *name, enum page *out)
{
	for (unsigned int p = 0; p < PAGE_COUNT; p++)
		if (parts[p].kind == kind &&
		    (name == NULL || strcmp(parts[p].name, name) == 0)) {
			*out = (enum page)p;
			return true;
		}
	return false;
}
