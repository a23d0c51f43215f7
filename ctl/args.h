/* SPDX-License-Identifier: ISC */
/*
 * args - the words and options of one command, checked against its table
 *
 * Options may stand anywhere and be written --name VALUE or --name=VALUE; --
 * ends them.  None may be given twice, as nobody would know which one holds,
 * but for the one that the command says is a list.
 */
#ifndef CTL_ARGS_H
#define CTL_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "command.h"
#include "policy/err.h"

enum { WORDS_MAX = 256, REPEATS_MAX = 64 };

/* What every command takes. */
struct globals {
	const char *conf; /* NULL: the default */
	bool json, help, version;
};

struct args {
	const struct command *command;
	size_t n;
	const char *words[WORDS_MAX];	  /* NULL where not given */
	const char *values[OPTIONS_MAX];  /* parallel to command->options */
	const char *repeats[REPEATS_MAX]; /* of command->repeats */
	size_t n_repeats;
};

/* Takes the global option that `argv` (of `n`) begins with, if it is one; how
 * many words it took, 0 if it is none, -1 and `e` when its value is missing. */
int args_global(const char *const *argv, size_t n, struct globals *g,
    struct err *e) __attribute__((nonnull, warn_unused_result));

/* Reads what follows the command's name.  `g` NULL: global options are not
 * allowed here.  0 and `a`, whose strings are those of `argv`; or -1 and `e`,
 * which names the option or argument.  With g->help set, missing words are no
 * error. */
int args_parse(struct args *a, const struct command *c, const char *const *argv,
    size_t n, struct globals *g, struct err *e)
    __attribute__((nonnull(1, 2, 3, 6), warn_unused_result));

/* An option's value, NULL when it was not given; and whether a flag was. */
const char *args_value(const struct args *a, const char *option)
    __attribute__((nonnull, warn_unused_result));
bool args_flag(const struct args *a, const char *option)
    __attribute__((nonnull, warn_unused_result));

/* Whether any option was given. */
bool args_any(const struct args *a)
    __attribute__((nonnull, warn_unused_result));

/* Whether the command has such an option at all. */
bool args_has(const struct args *a, const char *option)
    __attribute__((nonnull, warn_unused_result));

#endif
