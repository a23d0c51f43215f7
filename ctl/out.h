/* SPDX-License-Identifier: ISC */
/*
 * out - what is printed, as JSON and as text
 *
 * Text that came from outside is printed without its control characters: a
 * purpose's title must not be able to drive the operator's terminal.
 */
#ifndef CTL_OUT_H
#define CTL_OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Puts a value under `key`.  Text that is not UTF-8 gets '?' for its octets
 * beyond ASCII; NULL becomes null.  Without memory they print so and exit. */
void out_text(json_t *object, const char *key, const char *text)
    __attribute__((nonnull(1, 2)));
void out_bool(json_t *object, const char *key, bool value)
    __attribute__((nonnull));
void out_int(json_t *object, const char *key, long long value)
    __attribute__((nonnull));

/* A point in time in ISO 8601, UTC; 0 is null. */
void out_time(json_t *object, const char *key, long long seconds)
    __attribute__((nonnull));

/* A new array under `key`, and a new object at an array's end; both belong to
 * where they were put. */
json_t *out_array(json_t *object, const char *key)
    __attribute__((nonnull, returns_nonnull));
json_t *out_object(json_t *array) __attribute__((nonnull, returns_nonnull));
void out_item(json_t *array, const char *text) __attribute__((nonnull));

/* A new object of one's own, one under `key`, and any value put there, which
 * then belongs to `object`. */
json_t *out_new(void) __attribute__((returns_nonnull));
json_t *out_member(json_t *object, const char *key)
    __attribute__((nonnull, returns_nonnull));
void out_put(json_t *object, const char *key, json_t *value)
    __attribute__((nonnull));

/* A value's text, "" for null and for what is not there. */
const char *out_get(const json_t *object, const char *key)
    __attribute__((nonnull, returns_nonnull));

/* Prints `text` on standard output. */
void out_print(const char *text) __attribute__((nonnull));

struct out_column {
	const char *key, *heading;
};

/* Prints an array of objects as a table, headings above. */
void out_table(const json_t *array, const struct out_column *columns,
    size_t n_columns) __attribute__((nonnull));

/* Gives every object of an array a "tree": its `key`, indented by "depth". */
void out_tree(json_t *array, const char *key) __attribute__((nonnull));

/* "assentctl: text" on standard error. */
void out_error(const char *text) __attribute__((nonnull));

#endif
