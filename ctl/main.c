/* SPDX-License-Identifier: ISC */
/*
 * main - assentctl, the command line
 *
 * Finds the command, runs it, prints what came of it.  With --json everything,
 * errors too, is one object on standard output, so that a program that reads
 * it never has to look elsewhere; exit statuses are the same either way.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"

#define DEFAULT_CONF "/etc/assent/assent.conf"

enum { EXIT_USAGE = 2 };

static const int statuses[] = {
    [OUTCOME_FAILED] = EXIT_FAILURE,
    [OUTCOME_USAGE] = EXIT_USAGE,
    [OUTCOME_NO] = EXIT_FAILURE,
    [OUTCOME_DONE] = EXIT_SUCCESS,
};

static const char *
conf_path(const struct globals *g)
{
	const char *env = getenv("ASSENT_CONF");

	if (g->conf != NULL)
		return g->conf;
	return env != NULL && env[0] != '\0' ? env : DEFAULT_CONF;
}

/* The end of every run: a full disk must not look like success. */
static int
finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	out_error("standard output cannot be written");
	return EXIT_FAILURE;
}

/* Prints `out` and, on a failure, `e`; returns the exit status. */
static int
report(const struct globals *g, const struct command *command,
    enum outcome outcome, json_t *out, const struct err *e)
{
	bool failed = outcome == OUTCOME_FAILED || outcome == OUTCOME_USAGE;

	if (g->json) {
		if (failed)
			out_text(out, "error", e->text);
		json_dumpf(out, stdout, 0);
		putchar('\n');
		return finish(statuses[outcome]);
	}
	if (command != NULL && json_object_size(out) > 0)
		command->print(out);
	if (failed) {
		fflush(stdout);
		out_error(e->text);
	}
	if (outcome == OUTCOME_USAGE)
		fprintf(stderr, "Try \"assentctl%s%s --help\".\n",
		    command == NULL ? "" : " ",
		    command == NULL ? "" : command->name);
	return finish(statuses[outcome]);
}

/* Whether a command found by words is run, asked for help, or wrong. */
static int
run_command(struct globals *g, const struct command *command,
    const char *const *argv, size_t n)
{
	enum outcome outcome = OUTCOME_USAGE;
	json_t *out = json_object();
	struct ctl c = {0};
	struct args a;
	struct err e;
	int status;

	if (args_parse(&a, command, argv, n, g, &e) == 0) {
		if (g->help) {
			json_decref(out);
			command_help(command);
			return finish(EXIT_SUCCESS);
		}
		outcome = OUTCOME_FAILED;
		if (out == NULL || ctl_init(&c, conf_path(g)) != 0)
			err_set(&e, ERR_FATAL, "out of memory");
		else
			outcome = command->run(&c, &a, out, &e);
		ctl_release(&c);
	}
	status = report(g, command, outcome, out, &e);
	json_decref(out);
	return status;
}

static int
usage_error(const struct globals *g, const struct err *e)
{
	json_t *out = json_object();
	int status = report(g, NULL, OUTCOME_USAGE, out, e);

	json_decref(out);
	return status;
}

/* "help", "help NOUN", "help COMMAND". */
static int
help(const struct globals *g, const char *const *words, size_t n)
{
	const struct command *command;
	size_t used;
	struct err e;

	if (n == 0) {
		command_help_all();
		return finish(EXIT_SUCCESS);
	}
	command = command_find(words, n, &used, &e);
	if (command != NULL)
		command_help(command);
	else if (!command_help_noun(words[0]))
		return usage_error(g, &e);
	return finish(EXIT_SUCCESS);
}

/* Takes the global options at the front; how many words, or -1. */
static int
leading_globals(
    const char *const *argv, size_t n, struct globals *g, struct err *e)
{
	size_t taken = 0;
	int used = 1;

	while (used > 0 && taken < n && argv[taken][0] == '-') {
		used = args_global(argv + taken, n - taken, g, e);
		if (used == 0)
			return err_set(e, ERR_REFUSED,
			    "there is no option %s before the command",
			    argv[taken]);
		if (used < 0)
			return -1;
		taken += (size_t)used;
	}
	return (int)taken;
}

static bool
asks_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int
dispatch(struct globals *g, const char *const *words, size_t n)
{
	const struct command *command;
	size_t used = 0;
	struct err e;

	if (n > 0 && strcmp(words[0], "help") == 0)
		return help(g, words + 1, n - 1);
	command = command_find(words, n, &used, &e);
	if (command != NULL)
		return run_command(g, command, words + used, n - used);
	if (n > 1 && asks_help(words[1]))
		return help(g, words, 1);
	for (size_t i = 1; i < n; i++)
		g->json = g->json || strcmp(words[i], "--json") == 0;
	return usage_error(g, &e);
}

int
main(int argc, char **argv)
{
	const char *const *words = (const char *const *)argv + (argc > 0);
	size_t n = argc > 0 ? (size_t)argc - 1 : 0;
	struct globals g = {0};
	struct err e;
	int taken = leading_globals(words, n, &g, &e);

	/* A server that goes away is an error to report, not an end. */
	signal(SIGPIPE, SIG_IGN);
	if (taken < 0)
		return usage_error(&g, &e);
	words += taken;
	n -= (size_t)taken;
	if (g.version) {
		puts("assentctl " ASSENT_VERSION);
		return finish(EXIT_SUCCESS);
	}
	if (g.help)
		return help(&g, words, n);
	return dispatch(&g, words, n);
}
