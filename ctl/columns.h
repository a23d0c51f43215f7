/* SPDX-License-Identifier: ISC */
/*
 * columns - which field of a record means what
 *
 * A file names its columns in its first line, NDJSON in every object; --map
 * says what other names mean.  What is not known is an error, not ignored: a
 * withdrawal in a column that nobody reads would be lost.
 */
#ifndef CTL_COLUMNS_H
#define CTL_COLUMNS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "csv.h"
#include "policy/err.h"

#define COLUMNS(X)                                                             \
	X(COLUMN_ADDRESS, "address")                                           \
	X(COLUMN_PURPOSE, "purpose")                                           \
	X(COLUMN_CHANNEL, "channel")                                           \
	X(COLUMN_STATE, "state")                                               \
	X(COLUMN_AT, "at")                                                     \
	X(COLUMN_EXPIRES, "expires")                                           \
	X(COLUMN_SOURCE, "source")                                             \
	X(COLUMN_LANGUAGE, "language")                                         \
	X(COLUMN_TEXT_VERSION, "text_version")                                 \
	X(COLUMN_EVIDENCE, "evidence")

enum column {
#define X(id, name) id,
	COLUMNS(X)
#undef X
};

enum { COLUMN_COUNT = 10, MAPS_MAX = 64 };

struct arena;
struct suppress;

/* One record's values; "" is as good as NULL.  Texts are the record's. */
struct values {
	const char *of[COLUMN_COUNT];
	json_t *attributes; /* an object, NULL when there are none */
	bool bounced;	    /* see suppress.h */
};

struct columns {
	const struct suppress *suppress; /* NULL: our own names */
	size_t n_maps;
	struct {
		const char *from, *to;
	} maps[MAPS_MAX];
	/* What the fields of CSV are, by columns_header(). */
	size_t n;
	struct meaning {
		enum { MEANS_NOTHING = 0, MEANS_COLUMN, MEANS_ATTRIBUTE } kind;
		enum column column;
		const char *attribute;
		bool bounce; /* it is filled for bounces only */
	} fields[CSV_FIELDS_MAX];
};

/* Reads "NAME=COLUMN,..."; "NAME=-" leaves a column out.  Strings go to `a`. */
int columns_map(struct columns *c, struct arena *a, const char *text,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* Settles what the fields named in a file's first record are. Strings go to
 * `a`.  -1 and `e` for a column that is unknown, or there twice. */
int columns_header(struct columns *c, struct arena *a, const char *const *names,
    size_t n, struct err *e) __attribute__((nonnull, warn_unused_result));

/* Whether the header has a column. */
bool columns_has(const struct columns *c, enum column column)
    __attribute__((nonnull));

/* Sorts the fields of a record into `v`, of which the caller frees the
 * attributes, also after an error. */
int columns_csv(const struct columns *c, const char *const *fields, size_t n,
    struct values *v, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* The same for a JSON object; numbers become texts, in `a`. */
int columns_json(const struct columns *c, struct arena *a, const json_t *object,
    struct values *v, struct err *e)
    __attribute__((nonnull, warn_unused_result));

const char *column_name(enum column column);

#endif
