/* SPDX-License-Identifier: ISC */
/*
 * view - from rows of the database to what templates show
 */
#ifndef WEB_VIEW_H
#define WEB_VIEW_H

#include <jansson.h>
#include <stddef.h>

struct pg_rows;

/* Sets `key` to the text of a column; not at all when it is NULL. */
void view_text(json_t *view, const char *key, const struct pg_rows *rows,
    size_t row, size_t col) __attribute__((nonnull));

/* Sets `key` to an object with `titles`, a list that the column has as JSON, so
 * that a heading over it is there only if it is; not at all when it is NULL. */
void view_titles(json_t *view, const char *key, const struct pg_rows *rows,
    size_t row, size_t col) __attribute__((nonnull));

/* Sets `key` to what door.mustache asks about: an object whose one member is
 * true and named by the door, a word of the ledger's; a door that it has no
 * sentence for is the member "other", in its own words.  False for NULL. */
void view_door(json_t *view, const char *key, const char *door)
    __attribute__((nonnull(1, 2)));

#endif
