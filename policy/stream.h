/* SPDX-License-Identifier: ISC */
/*
 * stream - a named class of traffic, and which message belongs to it
 *
 * What is known before the headers classifies: listener, SASL login, client
 * address and envelope sender.  Within one match block every key given must
 * hold, and a key holds when any of its patterns does; a stream takes what any
 * of its blocks takes; the first stream in the file wins.
 */
#ifndef POLICY_STREAM_H
#define POLICY_STREAM_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "channel.h"

/* What becomes of a message with several recipients. */
enum stream_recipients {
	RECIPIENTS_SPLIT, /* each gets a private copy */
	RECIPIENTS_ONE,	  /* the second accepted one is told to come again */
	RECIPIENTS_SHARED /* one copy for all, with a link that names nobody */
};

/* What becomes of the author's own List-* headers. */
enum stream_author {
	AUTHOR_REPLACE, /* ours instead of theirs */
	AUTHOR_MERGE,	/* ours first, their List-Unsubscribe URIs after it */
	AUTHOR_KEEP	/* theirs where there are any */
};

/* What becomes of a message that its author signed (DKIM). */
enum stream_signatures {
	SIGNATURES_REFUSE, /* refused */
	SIGNATURES_SPARE,  /* refused only if a signature would break */
	SIGNATURES_STRIP   /* the signatures are taken out */
};

/* What is done in the body. */
enum stream_footer {
	FOOTER_OFF,		/* nothing: it is not looked at */
	FOOTER_PLACEHOLDERS,	/* placeholders are filled in */
	FOOTER_ON,		/* and a part without a link gets the footer */
	FOOTER_BEFORE_SIGNATURE /* in text, in front of a "-- " line */
};

/* What becomes of tracking, for who has not agreed to be followed. */
enum stream_tracking { TRACKING_KEEP, TRACKING_STRIP };

/* What becomes of a message whose body is too large to be edited. */
enum stream_oversize { OVERSIZE_HEADERS_ONLY, OVERSIZE_REFUSE };

/* What a name in the body is filled in with. */
enum stream_value {
	VALUE_UNSUBSCRIBE,
	VALUE_PREFERENCES,
	VALUE_WHY,
	VALUE_BRAND
};

struct stream_placeholder {
	const char *name; /* with its brackets: "*|UNSUB|*" */
	enum stream_value value;
};

/* Strings, NULL-terminated; an empty list matches everything. */
struct stream_match {
	const char *const *listener, *const *login, *const *client,
							*const *sender;
};

struct stream_purpose {
	const char *name;
	const char *title; /* once resolved against the database */
	uint16_t id;	   /* likewise; 0 until then */
};

struct stream {
	const char *name, *brand;
	size_t n_matches, n_purposes;
	const struct stream_match *matches;
	struct stream_purpose *purposes; /* those the header may name */
	/* The default one, among `purposes`; NULL: only the header tells. */
	const struct stream_purpose *purpose;
	enum channel channel;
	enum stream_recipients recipients;
	enum stream_author author;
	enum stream_signatures signatures;
	enum stream_footer footer;
	enum stream_tracking tracking;
	enum stream_oversize oversize;
	const char *const *tracker_hosts, *const *redirectors;
	size_t n_placeholders;
	const struct stream_placeholder *placeholders; /* own ones */
	/* Which pages its links open; NULL: those that the purpose names */
	const char *opt_out_page, *preferences_page;
	/* The purpose that allows to follow a person, once resolved; 0: none */
	uint16_t monitoring;
	void *metrics; /* the program's own */
};

struct stream_facts {
	const char *listener, *login;  /* "" where unknown */
	const struct sockaddr *client; /* NULL where unknown */
	const char *sender; /* envelope sender without brackets, "" if null */
};

/* The first of `n` streams that takes a message of these facts, or NULL. */
const struct stream *stream_classify(const struct stream *streams, size_t n,
    const struct stream_facts *f) __attribute__((nonnull(3)));

/* The stream's purpose called `name` (of `len` octets), or NULL. */
const struct stream_purpose *stream_purpose(const struct stream *s,
    const char *name, size_t len) __attribute__((nonnull));

#endif
