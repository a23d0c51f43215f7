/* SPDX-License-Identifier: ISC */
/*
 * lint - the rules that a delivered message is held against
 *
 * One table: what is reported, what "lint --rules" prints and what
 * assentctl(1) lists are the same rows.
 */
#ifndef CTL_LINT_H
#define CTL_LINT_H

#include <jansson.h>
#include <stddef.h>

struct arena;
struct conf;
struct keys;
struct mail;

enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR, SEVERITIES };

#define BULK "bulk sender rules of Gmail, Yahoo and Microsoft"

/* X(id, word, severity, where it is written, what to do) */
#define LINT_RULES(X)                                                          \
	X(FROM, "from", ERROR, "RFC 5322, 3.6.2",                              \
	    "write one From field with one mailbox in it")                     \
	X(DATE, "date", ERROR, "RFC 5322, 3.6.1",                              \
	    "write one Date field with a date that can be read")               \
	X(MESSAGE_ID, "message-id", ERROR, "RFC 5322, 3.6.4",                  \
	    "write one Message-ID field with one <left@right>")                \
	X(ONCE, "once", ERROR, "RFC 5322, 3.6", "write this field only once")  \
	X(ENCODED, "encoded", ERROR, "RFC 5322, 2.2",                          \
	    "encode what is not ASCII in a header field (RFC 2047)")           \
	X(LINE_LENGTH, "line-length", ERROR, "RFC 5322, 2.1.1",                \
	    "have no line of more than 998 octets")                            \
	X(CONTROL, "control", ERROR, "RFC 5322, 2.3",                          \
	    "have no NUL, and no CR without an LF after it")                   \
	X(MIME, "mime", WARNING, "RFC 2045",                                   \
	    "mend the structure, or readers will differ about what it says")   \
	X(UNSUBSCRIBE, "list-unsubscribe", ERROR, "RFC 2369, 2 and 3.2",       \
	    "have one List-Unsubscribe field of URIs in angle brackets, with " \
	    "commas between them")                                             \
	X(HTTPS, "https", ERROR, "RFC 8058, 3.1",                              \
	    "have one https URI in List-Unsubscribe and no http URI")          \
	X(MAILTO, "mailto", NOTE, "RFC 2369, 3.2",                             \
	    "a mailto URI in List-Unsubscribe serves those who cannot follow " \
	    "the other")                                                       \
	X(WHOLE_URI, "whole-uri", WARNING, "RFC 2369, 2",                      \
	    "keep each URI of List-Unsubscribe on one line: not every reader " \
	    "joins it again")                                                  \
	X(ONE_CLICK, "one-click", ERROR, "RFC 8058, 3.1",                      \
	    "have one List-Unsubscribe-Post field that says "                  \
	    "List-Unsubscribe=One-Click")                                      \
	X(LIST_ID, "list-id", WARNING, "RFC 2919, 2 and 3",                    \
	    "have one List-Id field that ends in <label.namespace>, of at "    \
	    "most 255 octets")                                                 \
	X(DKIM, "dkim", ERROR, "RFC 8058, 4",                                  \
	    "have a DKIM-Signature with all the tags that it needs")           \
	X(DKIM_ALIGNED, "dkim-aligned", ERROR, "RFC 7489, 3.1.1",              \
	    "sign with a domain (d=) of the organisation that From names")     \
	X(DKIM_COVERS, "dkim-covers", ERROR, "RFC 8058, 4",                    \
	    "sign (h=) From, List-Unsubscribe and List-Unsubscribe-Post")      \
	X(DKIM_OVERSIGN, "dkim-oversign", WARNING, "RFC 6376, 8.15",           \
	    "name this field once more in h= than it is there, so that none "  \
	    "can be added")                                                    \
	X(LINK, "link", ERROR, BULK,                                           \
	    "show in every text a link that opts out, such as "                \
	    "{{unsubscribe_url}}")                                             \
	X(PLACEHOLDER, "placeholder", ERROR, BULK,                             \
	    "send it through assent-milter, which fills this in")              \
	X(UNREAD, "unread", WARNING, BULK,                                     \
	    "look yourself for the link in a text that cannot be read here")   \
	X(TOKEN, "token", ERROR, "RFC 8058, 3.1",                              \
	    "have links that open, and for this recipient only")               \
	X(UNCHECKED, "unchecked", NOTE, "RFC 8058, 3.1",                       \
	    "the links' tokens were not checked")

enum rule {
#define X(id, ...) RULE_##id,
	LINT_RULES(X)
#undef X
	    RULES
};

/* One message, and what is known beside it. */
struct lint {
	struct arena *arena;
	const struct mail *mail;
	const struct conf *conf; /* it and keys NULL: no token can be opened */
	const struct keys *keys;
	const char *recipient; /* as given or found, NULL if nobody knows */
	const char *untold;    /* why there are no keys or is no recipient */
	const char *https;     /* what List-Unsubscribe leads to, once found */
	json_t *findings;
	size_t count[SEVERITIES];
};

/* Adds a finding; the text says what was found, NULL if there is nothing to
 * add to the rule. */
void lint_say(struct lint *l, enum rule r, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), nonnull(1)));

/* The rules, by what they look at; lint_list() is to come before
 * lint_texts(). */
void lint_header(struct lint *l) __attribute__((nonnull));
void lint_list(struct lint *l) __attribute__((nonnull));
void lint_dkim(struct lint *l) __attribute__((nonnull));
void lint_texts(struct lint *l) __attribute__((nonnull));

/* Holds the link `uri` against the keys: says what is wrong with it if it is
 * one of this installation's.  Whether it opts the recipient out, or leads to
 * where that can be done. */
enum token_use { TOKEN_FOREIGN, TOKEN_WRONG, TOKEN_OTHER, TOKEN_OPTS_OUT };
enum token_use lint_token(struct lint *l, const char *uri, size_t len)
    __attribute__((nonnull));

#endif
