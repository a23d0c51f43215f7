/* SPDX-License-Identifier: ISC */
/*
 * evidence - what shows that a person acted as recorded
 *
 * Personal: it goes to the fields of the event that can be erased, never to
 * its facts.
 */
#ifndef CTL_EVIDENCE_H
#define CTL_EVIDENCE_H

#include "policy/err.h"

struct args;
struct ctl;
struct store_purpose;

/* The options of every act, and of those that give consent. */
#define EVIDENCE_OPTIONS                                                       \
	{"evidence", "TEXT", "what shows it, in words"},                       \
	    {"form", "TEXT", "the form it was given on"},                      \
	    {"document", "TEXT", "the document that has it"},                  \
	    {"ip", "ADDRESS", "the person's IP address"},                      \
	    {"user-agent", "TEXT", "the person's program"},                    \
	{                                                                      \
		"message-id", "ID", "the message that it rests on"             \
	}
#define EVIDENCE_GRANT_OPTIONS                                                 \
	{"text", "LANG[:VERSION]", "the text that was shown"},                 \
	    {"requested-at", "TIME", "when confirmation was asked for"},       \
	{                                                                      \
		"confirmed-at", "TIME", "when the person confirmed"            \
	}

/* Reads those of them that `a`'s command has: `*fields` is a JSON object in the
 * command's arena, NULL when nothing was given. 0, or -1 and `e`. */
int evidence_read(struct ctl *c, const struct args *a, const char **fields,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* The number of the text of `purpose` that `spec`, LANG[:VERSION], names; -1
 * and an error that lists those there are. */
int evidence_text(struct ctl *c, const struct store_purpose *purpose,
    const char *spec, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
