/* SPDX-License-Identifier: ISC */
/*
 * err - what went wrong, in words for the person who must mend it
 *
 * Every fallible call of the library returns 0 or -1 and fills one of these;
 * the library itself never logs.  The text names the file and line, the
 * option or the server, and says what to do where that is known.  It never
 * holds a secret, nor an address unless the caller passed one in.
 */
#ifndef POLICY_ERR_H
#define POLICY_ERR_H

/* What the caller may do about it; zero, the safe one, is "do not go on". */
enum err_kind {
	ERR_FATAL = 0,	 /* our bug or a broken set-up: report it */
	ERR_UNREACHABLE, /* a server did not answer in time: defer, retry */
	ERR_BUSY,	 /* too many ask at once: likewise */
	ERR_REFUSED	 /* the request itself is wrong: tell who asked */
};

struct err {
	enum err_kind kind;
	char text[512];
};

/* Fills `e` and returns -1, so that "return err_set(...)" reads as it acts.
 * A text longer than the buffer ends in "..."; nothing else is cut. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), nonnull(1, 3)));

/* Puts "prefix: " before the text that is there. Returns -1. */
int err_prefix(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull(1, 2)));

#endif
