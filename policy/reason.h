/* SPDX-License-Identifier: ISC */
/*
 * reason - every answer Assent gives, once
 *
 * One table drives the verdict, the SMTP reply, the log word, the metrics
 * label and the manual.  No text holds another reason's word, so that a tool
 * may look for one.
 */
#ifndef POLICY_REASON_H
#define POLICY_REASON_H

/* What happens to a recipient; zero, the safe one, defers. */
enum verdict { VERDICT_DEFER = 0, VERDICT_REFUSE, VERDICT_ACCEPT };

/*	id, verdict, word, reply code, enhanced code (RFC 3463), text */
#define REASONS(X)                                                             \
	X(REASON_UNREACHABLE, VERDICT_DEFER, "unreachable", "451", "4.3.0",    \
	    "consent cannot be checked now, try again later")                  \
	X(REASON_OVERLOAD, VERDICT_DEFER, "overload", "451", "4.3.2",          \
	    "too busy to check consent, try again later")                      \
	X(REASON_ONE, VERDICT_DEFER, "one-recipient", "452", "4.5.3",          \
	    "one recipient a message here, send the next one again")           \
	X(REASON_UNFINISHED, VERDICT_DEFER, "unfinished", "451", "4.3.0",      \
	    "some copies are still to be made, try again later")               \
	X(REASON_GRANTED, VERDICT_ACCEPT, "granted", "250", "2.1.5",           \
	    "consent is on record")                                            \
	X(REASON_UNKNOWN, VERDICT_REFUSE, "unknown", "550", "5.7.1",           \
	    "nothing is on record for this address")                           \
	X(REASON_NO_CONSENT, VERDICT_REFUSE, "no-consent", "550", "5.7.1",     \
	    "the recipient never agreed to this purpose")                      \
	X(REASON_PENDING, VERDICT_REFUSE, "pending", "550", "5.7.1",           \
	    "the recipient has not confirmed yet")                             \
	X(REASON_EXPIRED, VERDICT_REFUSE, "expired", "550", "5.7.1",           \
	    "the permission has run out")                                      \
	X(REASON_WITHDRAWN, VERDICT_REFUSE, "withdrawn", "550", "5.7.1",       \
	    "the recipient has opted out")                                     \
	X(REASON_OBJECTED, VERDICT_REFUSE, "objected", "550", "5.7.1",         \
	    "the recipient forbade it (GDPR Art. 21)")                         \
	X(REASON_RESTRICTED, VERDICT_REFUSE, "restricted", "550", "5.7.1",     \
	    "the recipient's data may not be used now (GDPR Art. 18)")         \
	X(REASON_SUSPENDED, VERDICT_REFUSE, "suspended", "550", "5.7.1",       \
	    "stopped after bounces or complaints")                             \
	X(REASON_PAUSED, VERDICT_REFUSE, "paused", "550", "5.7.1",             \
	    "the recipient wants nothing until a later day")                   \
	X(REASON_ERASED, VERDICT_REFUSE, "erased", "550", "5.7.1",             \
	    "the recipient was forgotten on request")                          \
	X(REASON_ADDRESS, VERDICT_REFUSE, "bad-address", "550", "5.1.3",       \
	    "the recipient's address cannot be read")                          \
	X(REASON_MALFORMED, VERDICT_REFUSE, "malformed", "550", "5.6.0",       \
	    "the Consent-Purpose header cannot be read")                       \
	X(REASON_MISSING, VERDICT_REFUSE, "missing", "550", "5.6.0",           \
	    "a Consent-Purpose header is needed here")                         \
	X(REASON_PURPOSE, VERDICT_REFUSE, "purpose-not-allowed", "550",        \
	    "5.7.1", "not among the purposes of this stream")                  \
	X(REASON_SIGNED, VERDICT_REFUSE, "signed", "550", "5.6.0",             \
	    "changes made here would break its DKIM signature")                \
	X(REASON_TOO_LARGE, VERDICT_REFUSE, "too-large", "552", "5.3.4",       \
	    "too big to be edited or copied")                                  \
	X(REASON_UNDELIVERABLE, VERDICT_REFUSE, "undeliverable", "550",        \
	    "5.3.0", "the mail server will not take the private copy")         \
	X(REASON_NO_LINK, VERDICT_REFUSE, "no-such-link", "550", "5.1.1",      \
	    "no opt-out link has this address")                                \
	X(REASON_UNCLASSIFIED, VERDICT_REFUSE, "unclassified", "550", "5.7.1", \
	    "bulk mail must come in by a stream that checks consent")          \
	X(REASON_NOBODY_TO_TELL, VERDICT_REFUSE, "null-sender", "550",         \
	    "5.7.1", "some recipients are refused and nobody can be told")     \
	X(REASON_CROWDED, VERDICT_REFUSE, "crowded", "550", "5.5.3",           \
	    "more recipients than one message may have")                       \
	X(REASON_TOO_BIG, VERDICT_DEFER, "too-many", "452", "4.3.1",           \
	    "too many recipients or headers for one message")

enum reason {
#define X(id, verdict, word, code, enhanced, text) id,
	REASONS(X)
#undef X
	    REASON_COUNT
};

struct reason_info {
	enum verdict verdict;
	const char *word, *code, *enhanced, *text;
};

/* The table's line for `r`. */
const struct reason_info *reason_info(enum reason r)
    __attribute__((returns_nonnull));

#endif
