/* SPDX-License-Identifier: ISC */
/*
 * channel - the ways to reach a person, and the kind of address each needs
 *
 * The numbers are stored in permits and sealed into tokens: they are never
 * reused.  sql/ has the same list as the type assent.channel.
 */
#ifndef POLICY_CHANNEL_H
#define POLICY_CHANNEL_H

#include <stdbool.h>

#define CHANNELS(X)                                                            \
	X(CHANNEL_EMAIL, 0, "email", "email")                                  \
	X(CHANNEL_SMS, 1, "sms", "phone")                                      \
	X(CHANNEL_VOICE, 2, "voice", "phone")                                  \
	X(CHANNEL_PHONE, 3, "phone", "phone")                                  \
	X(CHANNEL_PAPER, 4, "paper", "postal")                                 \
	X(CHANNEL_PUSH, 5, "push", "device")                                   \
	X(CHANNEL_IM, 6, "im", "im")

enum channel {
#define X(id, number, word, kind) id = (number),
	CHANNELS(X)
#undef X
};

enum { CHANNEL_COUNT = 7 };

/* The channel's word, as in the configuration and in SQL. */
const char *channel_word(enum channel c);

/* The kind of endpoint the channel needs, as in SQL. */
const char *channel_kind(enum channel c) __attribute__((returns_nonnull));

/* Whether `word` names a channel; then `*c` is it. */
bool channel_parse(const char *word, enum channel *c) __attribute__((nonnull));

#endif
