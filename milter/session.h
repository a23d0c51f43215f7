/* SPDX-License-Identifier: ISC */
/*
 * session - one connection of the MTA, and the message on it
 *
 * Plain facts, gathered by the callbacks and judged at the end.  The message
 * is begun anew at each MAIL: many share a connection, and the end of one is
 * not always told.
 */
#ifndef MILTER_SESSION_H
#define MILTER_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "label.h"
#include "policy/addr.h"
#include "policy/buf.h"
#include "policy/reason.h"
#include "policy/token.h"

struct arena;
struct engine;
struct snapshot;
struct stream;
struct stream_purpose;

/* Where a message stands. */
enum phase {
	PHASE_IDLE,	/* no message, or none of ours */
	PHASE_ENVELOPE, /* MAIL was seen */
	PHASE_CONTENT	/* headers and body */
};

enum phase_event {
	EVENT_MAIL,
	EVENT_RCPT,
	EVENT_HEADER,
	EVENT_BODY,
	EVENT_END
};

struct recipient {
	struct recipient *next;
	const char *path;	/* as the MTA gave it, brackets and all */
	const char *parameters; /* of RCPT, each after a space */
	struct addr addr;
	struct addr_key key;
	bool readable; /* addr and key are set */
	bool again;    /* an earlier accepted one is the same mailbox */
	bool settled;  /* `reason` is not a matter of consent */
	/* For which purpose `reason` was found; NULL: not yet decided. */
	const struct stream_purpose *purpose;
	enum reason reason;
	const char *refusal;   /* by the MTA, of a copy; or NULL */
	const char *source;    /* who knew, for the log */
	unsigned int language; /* the person's: language.h */
	bool monitored;	       /* the person may be followed */
	uint32_t reference;
};

/* Headers of the author's that matter, and how often each came. */
enum author_header {
	AUTHOR_UNSUBSCRIBE,
	AUTHOR_UNSUBSCRIBE_POST,
	AUTHOR_LIST_ID,
	AUTHOR_PURPOSE,
	AUTHOR_SUBJECT,
	AUTHOR_MESSAGE_ID,
	AUTHOR_PRECEDENCE,
	AUTHOR_DATE,
	AUTHOR_CONTENT_TYPE,
	AUTHOR_DKIM,	    /* signatures */
	AUTHOR_ARC_MESSAGE, /* likewise, and what belongs to them */
	AUTHOR_ARC_SEAL,
	AUTHOR_ARC_RESULTS,
	AUTHOR_AUTO_SUBMITTED, /* marks of mail that no person sent */
	AUTHOR_AUTOREPLY,
	AUTHOR_AUTORESPOND,
	AUTHOR_SUPPRESS,
	AUTHOR_DISPOSITION, /* requests to be told that a message was read */
	AUTHOR_RECEIPT,
	AUTHOR_HEADERS
};

/* A header field as it came: after the colon, folds as LF. */
struct field {
	struct field *next;
	const char *name, *value;
};

/* A recipient that is the mailto of a link. */
struct opt_out {
	struct opt_out *next;
	const char *path;
	struct token_subject subject;
};

struct message {
	struct snapshot *snapshot;   /* NULL while there is no message */
	const struct stream *stream; /* NULL: in none, watched for bulk marks */
	const char *sender; /* without brackets; "" is the null sender */
	bool queued;  /* lies in a queue already: RCPT cannot be refused */
	bool too_big; /* the arena was full: the message is deferred */
	bool unsure;  /* about an opt-out: likewise */
	const char *queue_id;
	const char *parameters; /* of MAIL, each after a space */
	struct recipient *recipients, **recipients_end;
	size_t n_recipients;
	bool several;	  /* mailboxes */
	bool turned_away; /* somebody, at RCPT */
	struct opt_out *opt_outs;
	size_t n_others; /* of a message in no stream: who else it goes to */
	unsigned int count[AUTHOR_HEADERS];
	/* Of the first of each; NULL if it is longer than can be used. */
	const char *value[AUTHOR_HEADERS];
	struct label label;	  /* of Consent-Purpose */
	struct field *signatures; /* values of DKIM-Signature and alike */
	/* The whole of it, if it may have to be split or edited. */
	struct field *fields, **fields_end;
	struct buf body;
	bool body_lost; /* it was larger than milter.max-message */
};

struct session {
	struct engine *engine;
	struct arena *arena; /* the message's */
	enum phase phase;
	bool quiet_connect, quiet_headers; /* no replies, by negotiation */
	bool whole_values; /* header values come and go with their spaces */
	bool may_skip;	   /* the rest of a body */
	bool postfix;
	char *listener, *host, *client_name; /* host: the MTA's own */
	bool has_client;
	struct sockaddr_storage client;
	struct message message;
};

/* NULL without memory. */
struct session *session_new(struct engine *en)
    __attribute__((nonnull, warn_unused_result));
void session_free(struct session **s);

/* Whether `event` may happen now; then the phase follows it.  What may not is
 * the MTA's mistake, and the message is deferred. */
bool session_step(struct session *s, enum phase_event event)
    __attribute__((nonnull, warn_unused_result));

/* Ends the message that is there, if any, and forgets it. */
void session_reset(struct session *s) __attribute__((nonnull));

/* The name of a header that matters. */
const char *session_header_name(enum author_header h)
    __attribute__((returns_nonnull));

/* Whether the message, all recipients known, may have to be split. */
bool session_splits(const struct session *s) __attribute__((nonnull));

/* Whether its body may have to be edited. */
bool session_edits(const struct session *s) __attribute__((nonnull));

/* Adds a recipient; NULL when there are too many or the arena is full. */
struct recipient *session_add(struct session *s, const char *path)
    __attribute__((nonnull, warn_unused_result));

/* Forgets the recipient that was added last: the MTA was told it is refused. */
void session_drop(struct session *s, struct recipient *r)
    __attribute__((nonnull));

/* Adds one that is refused for a reason that is not its consent. */
struct recipient *session_add_refused(struct session *s, const char *path,
    enum reason reason) __attribute__((nonnull, warn_unused_result));

/* Takes note of a header if it matters, and keeps it if the message may have
 * to be split or edited. */
void session_header(struct session *s, const char *name, const char *value)
    __attribute__((nonnull));

/* Keeps a piece of the body; false when no more of it is wanted. */
bool session_body(struct session *s, const void *octets, size_t n)
    __attribute__((nonnull, warn_unused_result));

#endif
