/* SPDX-License-Identifier: ISC */
/*
 * migrations - the files of sql/, carried inside the program
 *
 * Filled by what ctl/embed makes of them.
 */
#ifndef CTL_MIGRATIONS_H
#define CTL_MIGRATIONS_H

#include <stddef.h>

struct migration {
	int number;	  /* 1, 2, 3, ...: its place in the table plus one */
	const char *name; /* NNN-name.sql without number and suffix */
	const char *start, *end; /* the text; *end is NUL */
};

extern const struct migration migrations[];
extern const size_t n_migrations;

#endif
