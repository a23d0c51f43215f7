/* SPDX-License-Identifier: ISC */
/*
 * words - a line split as a shell would
 */
#ifndef CTL_WORDS_H
#define CTL_WORDS_H

#include <stddef.h>

#include "policy/err.h"

/*
 * Splits `line` in place: words between spaces and tabs; 'single' and
 * "double" quotes, a backslash outside single quotes; a word that begins with
 * # ends the line.  Nothing is expanded.  The number of words in `out` (at
 * most `max`), or -1 and `e`.
 */
int words_split(char *line, const char **out, size_t max, struct err *e)
    __attribute__((nonnull, warn_unused_result));

#endif
