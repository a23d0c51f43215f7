/* SPDX-License-Identifier: ISC */
/*
 * label - the Consent-Purpose header, by which a sending tool says what for
 *
 *	Consent-Purpose: newsletter; campaign=2026-11; lang=pl
 *
 * A purpose, then parameters as in MIME (RFC 2045, 5.1): tokens or quoted
 * strings, each name at most once.
 */
#ifndef MILTER_LABEL_H
#define MILTER_LABEL_H

#include <stdbool.h>
#include <stddef.h>

#define LABEL_HEADER "Consent-Purpose"

/* A piece of the header's text; NULL where absent. */
struct label_part {
	const char *text;
	size_t len;
};

struct label {
	struct label_part purpose, campaign, lang;
};

/* Parses a header's value, folds and all; the parts point into it.  False if
 * it is malformed. */
bool label_parse(const char *value, struct label *out)
    __attribute__((nonnull, warn_unused_result));

#endif
