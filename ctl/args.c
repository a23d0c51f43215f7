/* SPDX-License-Identifier: ISC */
/*
 * args - the words and options of one command, checked against its table
 *
 * getopt_long(3) keeps its state in globals and reorders the array; batch
 * needs neither.  Unknown options, missing values and surplus words are
 * refused, never ignored: a change of consent must be the one that was meant.
 */
#include "args.h"

#include <assert.h>
#include <string.h>

int
args_global(const char *const *argv, size_t n, struct globals *g, struct err *e)
{
	const char *word = argv[0];

	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
		g->help = true;
	else if (strcmp(word, "--json") == 0)
		g->json = true;
	else if (strcmp(word, "--version") == 0)
		g->version = true;
	else if (strncmp(word, "--config=", 9) == 0)
		g->conf = word + 9;
	else if (strcmp(word, "-c") != 0 && strcmp(word, "--config") != 0)
		return 0;
	else if (n < 2)
		return err_set(e, ERR_REFUSED, "%s needs a file", word);
	else {
		g->conf = argv[1];
		return 2;
	}
	return 1;
}

/* The number of the option that `word`, of `len` octets, names; or -1. */
static int
option_number(const struct command *c, const char *word, size_t len)
{
	for (int i = 0; i < OPTIONS_MAX && c->options[i].name != NULL; i++)
		if (strlen(c->options[i].name) == len &&
		    strncmp(c->options[i].name, word, len) == 0)
			return i;
	return -1;
}

static bool
may_repeat(const struct command *c, int number)
{
	return c->repeats != NULL &&
	    strcmp(c->repeats, c->options[number].name) == 0;
}

static int
take_value(struct args *a, int number, const char *value, struct err *e)
{
	if (may_repeat(a->command, number)) {
		if (a->n_repeats == REPEATS_MAX)
			return err_set(e, ERR_REFUSED,
			    "--%s is given more than %d times",
			    a->command->repeats, REPEATS_MAX);
		a->repeats[a->n_repeats++] = value;
	}
	a->values[number] = value;
	return 0;
}

/* Takes the option that `argv` begins with; how many words it took, or -1. */
static int
take_option(struct args *a, const char *const *argv, size_t n, struct err *e)
{
	const struct command *c = a->command;
	const char *name = argv[0] + 2, *equals = strchr(argv[0], '=');
	size_t len =
	    equals == NULL ? strlen(argv[0]) - 2 : (size_t)(equals - name);
	int number =
	    strncmp(argv[0], "--", 2) == 0 ? option_number(c, name, len) : -1;

	if (number < 0)
		return err_set(
		    e, ERR_REFUSED, "%s has no option %s", c->name, argv[0]);
	if (a->values[number] != NULL && !may_repeat(c, number))
		return err_set(
		    e, ERR_REFUSED, "--%.*s is given twice", (int)len, name);
	if (c->options[number].value == NULL) {
		if (equals != NULL)
			return err_set(e, ERR_REFUSED, "--%.*s takes no value",
			    (int)len, name);
		a->values[number] = "";
		return 1;
	}
	if (equals != NULL)
		return take_value(a, number, equals + 1, e) == 0 ? 1 : -1;
	if (n < 2)
		return err_set(e, ERR_REFUSED, "--%s needs a value: %s", name,
		    c->options[number].value);
	return take_value(a, number, argv[1], e) == 0 ? 2 : -1;
}

static int
take_word(struct args *a, const char *word, struct err *e)
{
	assert(a->command->max <= WORDS_MAX);
	if (a->n == a->command->max)
		return err_set(e, ERR_REFUSED, "%s: \"%s\" is one too many",
		    a->command->name, word);
	a->words[a->n++] = word;
	return 1;
}

static int
check_count(const struct args *a, const struct globals *g, struct err *e)
{
	if (a->n >= a->command->min || (g != NULL && g->help))
		return 0;
	return err_set(e, ERR_REFUSED, "%s needs %s", a->command->name,
	    a->command->arguments);
}

int
args_parse(struct args *a, const struct command *c, const char *const *argv,
    size_t n, struct globals *g, struct err *e)
{
	bool options = true;

	*a = (struct args){.command = c};
	for (size_t i = 0; i < n;) {
		bool dashed = argv[i][0] == '-' && argv[i][1] != '\0';
		int used = 0;

		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
			i++;
			continue;
		}
		if (options && dashed && g != NULL)
			used = args_global(argv + i, n - i, g, e);
		if (used == 0)
			used = options && dashed
			    ? take_option(a, argv + i, n - i, e)
			    : take_word(a, argv[i], e);
		if (used < 0)
			return -1;
		i += (size_t)used;
	}
	return check_count(a, g, e);
}

const char *
args_value(const struct args *a, const char *option)
{
	int number = option_number(a->command, option, strlen(option));

	assert(number >= 0);
	return a->values[number];
}

bool
args_any(const struct args *a)
{
	for (size_t i = 0; i < OPTIONS_MAX; i++)
		if (a->values[i] != NULL)
			return true;
	return a->n_repeats > 0;
}

bool
args_has(const struct args *a, const char *option)
{
	return option_number(a->command, option, strlen(option)) >= 0;
}

bool
args_flag(const struct args *a, const char *option)
{
	return args_value(a, option) != NULL;
}
