/* SPDX-License-Identifier: ISC */
/*
 * part - the pages there are, and the kinds that they are parts of
 */
#ifndef PAGE_PART_H
#define PAGE_PART_H

#include <stdbool.h>

enum page {
	PAGE_OPT_OUT = 0,   /* the question, with its one button */
	PAGE_OPTED_OUT,	    /* true for a good link and for a bad one */
	PAGE_LEFT,	    /* what was left, and a way back */
	PAGE_LEAVE_ASKED,   /* a mail asks back, nothing is left yet */
	PAGE_UNDONE,	    /* the way back was taken */
	PAGE_NOT_DONE,	    /* an opt-out in doubt: the button once more */
	PAGE_UNSURE,	    /* anything else that may or may not be done */
	PAGE_UNSEEN,	    /* done, but how it stands cannot be shown */
	PAGE_SHARED,	    /* the link of a message to several people */
	PAGE_WHY,	    /* what a message rests on */
	PAGE_PREFERENCES,   /* what a brand may send */
	PAGE_REVIEW,	    /* what saving would do beside what was chosen */
	PAGE_SIGN_UP,	    /* a form, its boxes unticked */
	PAGE_SIGN_UP_AGAIN, /* the form once more, and what it lacks */
	PAGE_SNIPPET,	    /* the form alone, for a page of somebody else's */
	PAGE_ASKED,	    /* true for every address */
	PAGE_CONFIRM,	    /* the question of a mailed link */
	PAGE_CONFIRMED,
	PAGE_CLOSED,	   /* the question of a link whose form was closed */
	PAGE_VOID,	   /* a link that is too old, or none of ours */
	PAGE_ASK,	   /* the form that asks for a profile's link */
	PAGE_ASK_AGAIN,	   /* likewise, and what it lacks */
	PAGE_MAILED,	   /* true for every address */
	PAGE_PROFILE_LINK, /* the question of a profile's link */
	PAGE_PROFILE,
	PAGE_PROFILE_DELETE, /* the second question */
	PAGE_PROFILE_DELETED,
	PAGE_PROFILE_VOID, /* a link that opens nothing, or a stray press */
	PAGE_ADDRESS,	   /* the question to a new address */
	PAGE_ADDRESS_ADDED,
	PAGE_ADDRESS_TAKEN, /* somebody else's, or one that was forgotten */
	PAGE_TOO_OFTEN,
	PAGE_NOT_FOUND,
	PAGE_WRONG_METHOD,
	PAGE_TOO_LARGE,
	PAGE_MALFORMED, /* what came is not what a page of ours sends */
	PAGE_BUSY,	/* nothing was done */
	PAGE_COUNT
};

/* What a page of one's own may be. */
enum part_kind {
	PART_PLAIN = 0, /* nobody's: it asks no server how to look */
	PART_BRANDED,	/* a brand's, but with our words only */
	PART_OPT_OUT,
	PART_PREFERENCES,
	PART_PROFILE,
	PART_SIGN_UP,
	PART_KINDS
};

struct part {
	int status;
	enum part_kind kind;
	const char *name;	    /* of its template */
	const char *title, *button; /* in English; no button: NULL */
	bool says_why; /* its title tells something that has to be told */
};

const struct part *part_of(enum page p)
    __attribute__((returns_nonnull, warn_unused_result));

/* The word of a kind, as commands and SQL have it; NULL for the first two. */
const char *part_kind_word(enum part_kind kind)
    __attribute__((warn_unused_result));
bool part_kind_parse(const char *word, enum part_kind *out)
    __attribute__((nonnull, warn_unused_result));

/* The part of a kind by name; NULL: the kind's first.  False if there is
 * none. */
bool part_find(enum part_kind kind, const char *name, enum page *out)
    __attribute__((nonnull(3), warn_unused_result));

#endif
