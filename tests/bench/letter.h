/* SPDX-License-Identifier: ISC */
#ifndef BENCH_LETTER_H
#define BENCH_LETTER_H

#include <stddef.h>

/* A message cut up as a mail server hands it to a milter. */
struct letter {
	struct letter_header {
		char *name;
		char *value; /* from after the colon; folds as LF */
	} * header;
	size_t headers;
	char *body; /* lines end in CRLF */
	size_t body_len;
};

/*
 * Reads the message in the file at path, lines ending in LF or CRLF, or makes
 * one of its own of about 4 KB if path is NULL. Returns 0, or -1 having told
 * standard error why. letter_free() releases it.
 */
int letter_load(struct letter *l, const char *path)
    __attribute__((warn_unused_result, nonnull(1)));

void letter_free(struct letter *l);

#endif
