/* SPDX-License-Identifier: ISC */
/*
 * lint_head - the rules for any message: fields, lines, structure
 *
 * A hostile header can break one rule a thousand times; it is said once.
 */
#include <string.h>

#include "lint.h"
#include "mail/read.h"

enum { LINE_MAX_OCTETS = 998 };

static void
check_once(struct lint *l)
{
	static const char *const names[] = {"Sender", "Reply-To", "To", "Cc",
	    "Bcc", "In-Reply-To", "References", "Subject", "MIME-Version",
	    "Content-Type", "Content-Transfer-Encoding"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = mail_count(l->mail, names[i]);

		if (n > 1)
			lint_say(
			    l, RULE_ONCE, "%s is there %zu times", names[i], n);
	}
}

static void
check_encoded(struct lint *l)
{
	const struct mail *m = l->mail;
	const char *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < m->n_fields; i++)
		for (const char *p = m->fields[i].raw; *p != '\0'; p++)
			if ((unsigned char)*p >= 0x80) {
				first = n++ == 0 ? m->fields[i].name : first;
				break;
			}
	if (n == 1)
		lint_say(l, RULE_ENCODED, "%s is not", first);
	else if (n > 1)
		lint_say(
		    l, RULE_ENCODED, "%s and %zu more are not", first, n - 1);
}

/* "<left@right>", without blanks. */
static bool
is_message_id(const char *s)
{
	size_t len = strlen(s);
	const char *at = strchr(s, '@');

	return len > 4 && s[0] == '<' && strcspn(s, ">") == len - 1 &&
	    strcspn(s, " \t") == len && at != NULL && at > s + 1 &&
	    at[1] != '>';
}

static void
check_message_id(struct lint *l)
{
	const struct mail_field *f = mail_next(l->mail, "Message-ID", NULL);
	size_t n = mail_count(l->mail, "Message-ID");

	if (n != 1)
		lint_say(l, RULE_MESSAGE_ID, "there are %zu", n);
	else if (!is_message_id(f->value))
		lint_say(l, RULE_MESSAGE_ID, "it is \"%s\"", f->value);
}

void
lint_header(struct lint *l)
{
	const struct mail *m = l->mail;
	size_t from = mail_count(m, "From"), date = mail_count(m, "Date");

	if (from != 1 || m->n_from != 1)
		lint_say(l, RULE_FROM, "there are %zu, with %zu mailboxes",
		    from, m->n_from);
	if (date != 1)
		lint_say(l, RULE_DATE, "there are %zu", date);
	else if (!m->dated)
		lint_say(l, RULE_DATE, "it is \"%s\"",
		    mail_next(m, "Date", NULL)->value);
	check_message_id(l);
	check_once(l);
	check_encoded(l);
	if (m->longest > LINE_MAX_OCTETS)
		lint_say(
		    l, RULE_LINE_LENGTH, "the longest has %zu", m->longest);
	if (m->controls)
		lint_say(l, RULE_CONTROL, NULL);
	if (m->flaw != NULL)
		lint_say(l, RULE_MIME, "%s", m->flaw);
}
