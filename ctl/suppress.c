/* SPDX-License-Identifier: ISC */
/*
 * suppress - the lists of those who must not be written to, of other systems
 *
 * One table.  Systems that export bounces and unsubscribes as different files
 * with no column that says which are told apart by columns that only one kind
 * has.
 */
#include "suppress.h"

#include <string.h>
#include <strings.h>

#define UNSUBSCRIBED "withdrawn"
#define BOUNCED "suspended"

static const struct suppress formats[] = {
    {
	.name = "mailchimp",
	.names =
	    {
		{"Email Address", COLUMN_ADDRESS, false},
		{"UNSUB_TIME", COLUMN_AT, false},
		{"UNSUB_REASON", COLUMN_EVIDENCE, false},
		{"CLEAN_TIME", COLUMN_AT, true},
		{"CLEAN_CAMPAIGN_TITLE", COLUMN_EVIDENCE, true},
	    },
    },
    {
	.name = "sendgrid",
	.names =
	    {
		{"email", COLUMN_ADDRESS, false},
		{"created", COLUMN_AT, false},
		{"created_at", COLUMN_AT, false},
		{"reason", COLUMN_EVIDENCE, true},
		{"ip", COLUMN_EVIDENCE, true},
	    },
    },
    {
	.name = "mautic",
	.names =
	    {
		{"email", COLUMN_ADDRESS, false},
		{"date_added", COLUMN_AT, false},
		{"dateAdded", COLUMN_AT, false},
		{"reason", COLUMN_STATE, false},
		{"channel", COLUMN_CHANNEL, false},
		{"comments", COLUMN_EVIDENCE, false},
	    },
	.words =
	    {
		{"1", UNSUBSCRIBED},
		{"2", BOUNCED},
		{"3", UNSUBSCRIBED},
		{"unsubscribed", UNSUBSCRIBED},
		{"bounced", BOUNCED},
		{"manual", UNSUBSCRIBED},
	    },
    },
    {
	.name = "listmonk",
	.names =
	    {
		{"email", COLUMN_ADDRESS, false},
		{"status", COLUMN_STATE, false},
		{"updated_at", COLUMN_AT, false},
	    },
	.words =
	    {
		{"blocklisted", UNSUBSCRIBED},
		{"unsubscribed", UNSUBSCRIBED},
		{"disabled", BOUNCED},
		{"enabled", NULL},
		{"confirmed", NULL},
		{"unconfirmed", NULL},
	    },
    },
    {
	.name = "ses",
	.wrapper = "\"SuppressedDestinationSummaries\"",
	.names =
	    {
		{"EmailAddress", COLUMN_ADDRESS, false},
		{"Reason", COLUMN_STATE, false},
		{"LastUpdateTime", COLUMN_AT, false},
	    },
	.words =
	    {
		{"BOUNCE", BOUNCED},
		{"COMPLAINT", BOUNCED},
	    },
    },
};

const struct suppress *
suppress_find(const char *name, struct err *e)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	err_set(e, ERR_REFUSED,
	    "--format \"%s\" is none of mailchimp, sendgrid, mautic, "
	    "listmonk, ses",
	    name);
	return NULL;
}

bool
suppress_column(const struct suppress *s, const char *name,
    const struct suppress_name **out)
{
	for (size_t i = 0; i < SUPPRESS_NAMES && s->names[i].name; i++)
		if (strcasecmp(s->names[i].name, name) == 0) {
			*out = &s->names[i];
			return true;
		}
	return false;
}

int
suppress_state(const struct suppress *s, struct values *v, struct err *e)
{
	const char *said = v->of[COLUMN_STATE];

	if (s->words[0].word == NULL) {
		v->of[COLUMN_STATE] = v->bounced ? BOUNCED : UNSUBSCRIBED;
		return 1;
	}
	for (size_t i = 0; i < SUPPRESS_WORDS && said != NULL; i++) {
		const struct suppress_word *w = &s->words[i];

		if (w->word == NULL || strcasecmp(w->word, said) != 0)
			continue;
		v->of[COLUMN_STATE] = w->state;
		return w->state != NULL;
	}
	return err_set(e, ERR_REFUSED, "\"%s\" is no word of %s for a state",
	    said == NULL ? "" : said, s->name);
}
