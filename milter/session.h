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
#include "policy/reason.h"

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

enum phase_event { EVENT_MAIL, EVENT_RCPT, EVENT_HEADER, EVENT_END };

struct recipient {
	struct recipient *next;
	const char *path; /* as the MTA gave it, brackets and all */
	struct addr addr;
	struct addr_key key;
	bool readable; /* addr and key are set */
	/* For which purpose `reason` was found; NULL: not yet decided. */
	const struct stream_purpose *purpose;
	enum reason reason;
	const char *source; /* who knew, for the log */
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
	AUTHOR_HEADERS
};

struct message {
	struct snapshot *snapshot;   /* NULL while there is no message */
	const struct stream *stream; /* NULL: in none, watched for bulk marks */
	const char *sender; /* without brackets; "" is the null sender */
	bool queued;  /* lies in a queue already: RCPT cannot be refused */
	bool too_big; /* the arena was full: the message is deferred */
	const char *queue_id;
	struct recipient *recipients, **recipients_end;
	size_t n_recipients;
	unsigned int count[AUTHOR_HEADERS];
	/* Of the first of each; NULL if it is longer than can be used. */
	const char *value[AUTHOR_HEADERS];
	struct label label; /* of Consent-Purpose */
};

struct session {
	struct engine *engine;
	struct arena *arena; /* the message's */
	enum phase phase;
	bool quiet_connect, quiet_headers; /* no replies, by negotiation */
	bool postfix;
	char *listener;
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

/* Adds a recipient; NULL when there are too many or the arena is full. */
struct recipient *session_add(struct session *s, const char *path)
    __attribute__((nonnull, warn_unused_result));

/* Forgets the recipient that was added last: the MTA was told it is refused. */
void session_drop(struct session *s, struct recipient *r)
    __attribute__((nonnull));

/* Takes note of a header if it matters. */
void session_header(struct session *s, const char *name, const char *value)
    __attribute__((nonnull));

#endif
