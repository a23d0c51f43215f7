/* SPDX-License-Identifier: ISC */
/*
 * sheet - CSV for spreadsheets (RFC 4180)
 *
 * A cell that a spreadsheet would take for a formula, because it begins with
 * = + - or @, gets an apostrophe before it; a telephone number, "+" and
 * digits, does not.  Control characters become spaces.
 */
#ifndef POLICY_SHEET_H
#define POLICY_SHEET_H

#include <stddef.h>
#include <stdio.h>

/* Writes a row of `n` cells; NULL is an empty one. */
void sheet_row(FILE *f, const char *const *cells, size_t n)
    __attribute__((nonnull));

#endif
