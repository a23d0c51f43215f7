/* SPDX-License-Identifier: ISC */
/*
 * lint - holds delivered messages against what mailbox providers ask for
 *
 * Needs no server.  The keys are looked for, since only they can tell whether
 * a link opens for the one who got it; without them the rest is checked all
 * the same, and a note says what was not.
 */
#include "lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "file.h"
#include "mail/read.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/buf.h"

enum { ARENA = 256 << 20 };

static const char *const severities[] = {
    [SEVERITY_NOTE] = "note",
    [SEVERITY_WARNING] = "warning",
    [SEVERITY_ERROR] = "error",
};

static const char *const totals[] = {
    [SEVERITY_NOTE] = "notes",
    [SEVERITY_WARNING] = "warnings",
    [SEVERITY_ERROR] = "errors",
};

static const struct {
	const char *word;
	enum severity severity;
	const char *section, *advice;
} rules[] = {
#define X(id, word, severity, section, advice)                                 \
	[RULE_##id] = {(word), SEVERITY_##severity, (section), (advice)},
    LINT_RULES(X)
#undef X
};

static json_t *
add_rule(json_t *list, enum rule r)
{
	json_t *one = out_object(list);

	out_text(one, "rule", rules[r].word);
	out_text(one, "severity", severities[rules[r].severity]);
	out_text(one, "section", rules[r].section);
	out_text(one, "text", rules[r].advice);
	return one;
}

void
lint_say(struct lint *l, enum rule r, const char *fmt, ...)
{
	json_t *one = add_rule(l->findings, r);
	char found[512] = "";
	va_list ap;

	l->count[rules[r].severity]++;
	if (fmt == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(found, sizeof(found), fmt, ap);
	va_end(ap);
	out_text(one, "found", found);
}

/* Who got the message: the first delivery of it knows best, and adds its field
 * below those of later ones. */
static const char *
find_recipient(const struct mail *m)
{
	static const char *const names[] = {"X-Original-To", "Delivered-To"};
	const struct mail_field *f = NULL, *last = NULL;

	for (size_t i = 0; last == NULL && i < 2; i++)
		while ((f = mail_next(m, names[i], f)) != NULL)
			last = f;
	if (last != NULL)
		return last->value;
	return m->n_to == 1 ? m->to : NULL;
}

static void
look(struct ctl *c, struct lint *l, const char *recipient)
{
	struct err e;

	l->recipient = recipient != NULL ? recipient : find_recipient(l->mail);
	if (ctl_keys(c, &e) == 0) {
		l->conf = c->conf;
		l->keys = c->keys;
		if (l->recipient == NULL)
			l->untold = "--rcpt does not say for whom they should";
	} else
		l->untold = arena_strdup(l->arena, e.text);
	lint_header(l);
	lint_list(l);
	lint_dkim(l);
	lint_texts(l);
}

/* Adds the message in one file to `list`. */
static int
lint_file(struct ctl *c, const char *path, const char *recipient, json_t *list,
    size_t *errors, struct err *e)
{
	struct lint l = {.arena = arena_new(ARENA)};
	struct buf octets = {0};
	struct mail mail;
	json_t *one;
	int rc = -1;

	if (l.arena == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	if (file_read(path, &octets, e) != 0)
		goto out;
	if (mail_read(l.arena, octets.data == NULL ? "" : octets.data,
		octets.len, &mail, e) != 0) {
		err_prefix(e, "%s", path);
		goto out;
	}
	one = out_object(list);
	out_text(one, "file", path);
	l.mail = &mail;
	l.findings = out_array(one, "findings");
	look(c, &l, recipient);
	out_text(one, "recipient", l.recipient);
	for (size_t i = 0; i < SEVERITIES; i++)
		out_int(one, totals[i], (long long)l.count[i]);
	*errors += l.count[SEVERITY_ERROR];
	rc = 0;
out:
	buf_free(&octets);
	arena_free(&l.arena);
	return rc;
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *recipient = args_value(a, "rcpt");
	size_t errors = 0;
	struct addr addr;
	json_t *list;

	if (args_flag(a, "rules")) {
		list = out_array(out, "rules");
		for (int r = 0; r < RULES; r++)
			add_rule(list, (enum rule)r);
		return OUTCOME_DONE;
	}
	if (a->n == 0) {
		err_set(e, ERR_REFUSED, "lint needs a file, or -");
		return OUTCOME_USAGE;
	}
	if (recipient != NULL &&
	    addr_parse(c->arena, recipient, strlen(recipient), &addr, e) != 0) {
		err_prefix(e, "--rcpt \"%s\"", recipient);
		return OUTCOME_FAILED;
	}
	list = out_array(out, "messages");
	for (size_t i = 0; i < a->n; i++)
		if (lint_file(c, a->words[i], recipient, list, &errors, e) != 0)
			return OUTCOME_FAILED;
	return errors > 0 ? OUTCOME_NO : OUTCOME_DONE;
}

/* "FILE: error: advice (what was found) [rule, RFC and section]" */
static void
print_finding(const char *file, const json_t *one)
{
	const char *found = out_get(one, "found");

	out_print(file);
	printf(": %s: %s", out_get(one, "severity"), out_get(one, "text"));
	if (found[0] != '\0') {
		printf(" (");
		out_print(found);
		putchar(')');
	}
	printf(" [%s, %s]\n", out_get(one, "rule"), out_get(one, "section"));
}

static void
print_message(const json_t *message)
{
	const char *file = out_get(message, "file");
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(message, "findings"), i, one)
	    print_finding(file, one);
	out_print(file);
	for (int s = SEVERITIES - 1; s >= 0; s--)
		printf("%s%s %lld", s == SEVERITIES - 1 ? ": " : ", ",
		    totals[s],
		    (long long)json_integer_value(
			json_object_get(message, totals[s])));
	putchar('\n');
}

static void
print(const json_t *out)
{
	static const struct out_column columns[] = {
	    {"rule", "RULE"},
	    {"severity", "SEVERITY"},
	    {"section", "WRITTEN IN"},
	    {"text", "WHAT TO DO"},
	};
	const json_t *one;
	size_t i;

	if (json_object_get(out, "rules") != NULL)
		out_table(json_object_get(out, "rules"), columns, 4);
	json_array_foreach(json_object_get(out, "messages"), i, one)
	    print_message(one);
}

const struct command commands_lint[] = {
    {
	.name = "lint",
	.arguments = "FILE...",
	.summary = "Holds delivered messages against the rules for bulk mail",
	.about = "FILE is a message as it arrived, - standard input. Links are "
		 "opened with the keys\nof the configuration, for the "
		 "recipient that --rcpt, X-Original-To, Delivered-To,\nor To "
		 "names. The exit status is 1 when there is an error.",
	.max = WORDS_MAX,
	.options =
	    {
		{"rcpt", "ADDRESS", "who got the message"},
		{"rules", NULL, "print the rules instead"},
	    },
	.run = run,
	.print = print,
    },
    {0},
};
