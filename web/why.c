/* SPDX-License-Identifier: ISC */
/*
 * why - the page that says what a message rests on
 *
 * Read with the role that can only read, and nothing but assent.why(): it
 * masks the address before this program sees it.  A link that opens nothing is
 * answered as one of whom nothing is on record.
 */
#include "web/why.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/log.h"
#include "policy/permit.h"
#include "policy/store.h"
#include "web/link.h"
#include "web/page.h"
#include "web/site.h"

/* The columns of the query below. */
enum {
	ADDRESS,
	BRAND,
	TITLE,
	STANDING,
	SINCE,
	COVERED_BY,
	DOOR,
	SOURCE,
	SOURCE_NAME,
	TEXT_VERSION,
	TEXT_BODY,
	EXEMPTION,
	BASIS
};

static int
ask(const struct request *r, const struct token_subject *s,
    struct pg_rows **rows, struct err *e)
{
	static const struct pg_statement why = {
	    .name = "why",
	    .sql = "SELECT address, brand, title, standing, "
		   "to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD'), "
		   "covered_by, door, source, source_name, text_version, "
		   "text_body, exemption, basis FROM assent.why($1, "
		   "$2::text::int, $3::text::assent.channel)",
	};
	char number[8];
	const struct pg_param params[] = {{s->key.octets, ADDR_KEY},
	    {number, 0}, {channel_word(s->channel), 0}};

	snprintf(number, sizeof(number), "%" PRIu16, s->purpose);
	return store_exec(r->site->reader, &why, params, 3, rows, e);
}

__attribute__((format(printf, 2, 3))) static void
say(struct response *w, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	page_paragraph(w, text);
	free(text);
}

/* What it stands for now, in one sentence. */
static const char *
standing_text(enum standing s)
{
	switch (s) {
	case STANDING_GRANTED:
		return "Such messages may be sent to you now.";
	case STANDING_PENDING:
		return "You were asked to confirm this and have not yet: no "
		       "such message may be sent to you until you do.";
	case STANDING_WITHDRAWN:
		return "You have opted out since: no more of them may be sent "
		       "to you.";
	case STANDING_OBJECTED:
		return "You have objected to it: no more of them may be sent "
		       "to you.";
	case STANDING_RESTRICTED:
	case STANDING_SUSPENDED:
		return "This is stopped at present: no such message may be "
		       "sent to you.";
	case STANDING_NONE:
		break;
	}
	return "There is no permission for it now: no such message may be "
	       "sent to you.";
}

/* By which door the permission came. */
static const char *
door_text(const char *door)
{
	static const char *const doors[][2] = {
	    {"form", "a form that was filled in"},
	    {"page", "one of our pages"},
	    {"import", "a list that was taken over"},
	    {"api", "another system"},
	    {"operator", "one of our staff, who recorded it"},
	    {"offline", "a conversation or a form on paper"},
	    {"partner", "a partner"},
	};

	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++)
		if (strcmp(doors[i][0], door) == 0)
			return doors[i][1];
	return door;
}

static void
tell_origin(struct response *w, const struct pg_rows *rows)
{
	const char *basis = pg_rows_text(rows, 0, BASIS);
	bool given = !pg_rows_null(rows, 0, SINCE);

	if (!pg_rows_null(rows, 0, EXEMPTION))
		say(w,
		    "It may be sent without your consent for a limited time, "
		    "under the exemption \"%s\".",
		    pg_rows_text(rows, 0, EXEMPTION));
	else if (given)
		say(w, "This goes back to %s, and came from: %s.",
		    pg_rows_text(rows, 0, SINCE),
		    door_text(pg_rows_text(rows, 0, DOOR)));
	else if (strcmp(basis, "contract") == 0)
		page_paragraph(w, "It belongs to a contract with you.");
	else if (strcmp(basis, "legitimate-interest") == 0)
		page_paragraph(w,
		    "It rests on a legitimate interest of the sender, to which "
		    "you may object.");
	if (!pg_rows_null(rows, 0, COVERED_BY))
		say(w, "What was agreed to then is \"%s\", which includes it.",
		    pg_rows_text(rows, 0, COVERED_BY));
	if (!pg_rows_null(rows, 0, SOURCE) ||
	    !pg_rows_null(rows, 0, SOURCE_NAME))
		say(w, "Your address came from: %s%s%s.",
		    pg_rows_null(rows, 0, SOURCE)
			? ""
			: door_text(pg_rows_text(rows, 0, SOURCE)),
		    pg_rows_null(rows, 0, SOURCE) ||
			    pg_rows_null(rows, 0, SOURCE_NAME)
			? ""
			: ", ",
		    pg_rows_text(rows, 0, SOURCE_NAME));
	if (!pg_rows_null(rows, 0, TEXT_BODY))
		say(w, "The text that was shown (version %s): %s",
		    pg_rows_text(rows, 0, TEXT_VERSION),
		    pg_rows_text(rows, 0, TEXT_BODY));
}

static void
tell(struct response *w, const struct pg_rows *rows)
{
	say(w, "The message went to %s, from %s, for \"%s\".",
	    pg_rows_text(rows, 0, ADDRESS), pg_rows_text(rows, 0, BRAND),
	    pg_rows_text(rows, 0, TITLE));
	tell_origin(w, rows);
	page_paragraph(w,
	    standing_text((enum standing)strtol(
		pg_rows_text(rows, 0, STANDING), NULL, 10)));
	page_paragraph(w,
	    "To stop it, use the link in the message that brought you here.");
}

void
why_show(struct request *r, struct response *w)
{
	struct pg_rows *rows = NULL;
	struct token_subject s;
	struct token t;
	struct err e;
	bool good;
	int rc;

	rc = link_open(r, CAPABILITY_WHY, &t, &good, &e);
	if (rc == 0 && good && token_subject(&t, &s))
		rc = ask(r, &s, &rows, &e);
	if (rc != 0) {
		log_line(LOG_ERROR, "why error=%s", e.text);
		page_answer(w, PAGE_BUSY);
		return;
	}
	page_begin(w, 200, "Why did I get this message?");
	if (rows != NULL && pg_rows_count(rows) > 0)
		tell(w, rows);
	else
		page_paragraph(w,
		    "Nothing is on record for this link. Either it was not "
		    "copied whole, or nothing about you is kept here any "
		    "more.");
	page_end(w);
	pg_rows_free(&rows);
}
