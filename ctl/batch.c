/* SPDX-License-Identifier: ISC */
/*
 * batch - many changes from a file, over the same connections
 *
 * Each line is a command of its own with a transaction of its own: what was
 * counted as done is in force.  The first error ends it, because what follows
 * may rest on what failed; running the corrected file again from its start is
 * safe for grants and withdrawals, as doing one twice changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/arena.h"
#include "words.h"

enum { LINE_WORDS = 64 };

/* Finds and checks the command of one line. */
static int
read_line(
    char *line, const struct command **command, struct args *a, struct err *e)
{
	const char *words[LINE_WORDS];
	int n = words_split(line, words, LINE_WORDS, e);
	size_t used;

	*command = NULL;
	if (n <= 0)
		return n;
	*command = command_find(words, (size_t)n, &used, e);
	if (*command == NULL)
		return -1;
	if (!(*command)->in_batch)
		return err_set(e, ERR_REFUSED,
		    "\"%s\" cannot stand in a batch, which is for grant, "
		    "withdraw, object, restrict, suspend, unsuspend, contact, "
		    "brand add and edit, and purpose add, edit and depend",
		    (*command)->name);
	return args_parse(a, *command, words + used, (size_t)n - used, NULL, e);
}

/* Runs one line. 1 done, 0 nothing on it, -1 failed. */
static int
run_line(struct ctl *c, char *line, struct err *e)
{
	const struct command *command;
	enum outcome outcome;
	struct args a;
	json_t *out;

	if (read_line(line, &command, &a, e) != 0)
		return -1;
	if (command == NULL)
		return 0;
	out = json_object();
	if (out == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	arena_reset(c->arena);
	outcome = command->run(c, &a, out, e);
	json_decref(out);
	return outcome == OUTCOME_DONE ? 1 : -1;
}

/* Runs the lines of `f`; how many were done is in `*done` in any case. */
static int
run_file(
    struct ctl *c, FILE *f, const char *name, long long *done, struct err *e)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	long long number = 0;
	int rc = 0;

	errno = 0;
	while (rc >= 0 && (len = getline(&line, &size, f)) >= 0) {
		number++;
		rc = (size_t)len == strlen(line)
		    ? run_line(c, line, e)
		    : err_set(e, ERR_REFUSED, "a NUL octet");
		if (rc < 0)
			err_prefix(e, "%s:%lld", name, number);
		else
			*done += rc;
	}
	if (rc >= 0 && ferror(f))
		rc = err_set(e, ERR_FATAL, "%s: %s", name, strerror(errno));
	free(line);
	return rc < 0 ? -1 : 0;
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	bool standard = strcmp(a->words[0], "-") == 0;
	const char *name = standard ? "standard input" : a->words[0];
	FILE *f = standard ? stdin : fopen(name, "re");
	long long done = 0;
	int rc;

	if (f == NULL) {
		err_set(e, ERR_REFUSED, "%s: %s", name, strerror(errno));
		return OUTCOME_FAILED;
	}
	rc = run_file(c, f, name, &done, e);
	if (!standard)
		fclose(f);
	out_int(out, "done", done);
	return rc == 0 ? OUTCOME_DONE : OUTCOME_FAILED;
}

static void
print(const json_t *out)
{
	printf("%lld done\n",
	    (long long)json_integer_value(json_object_get(out, "done")));
}

const struct command commands_batch[] = {
    {
	.name = "batch",
	.arguments = "FILE|-",
	.summary = "Runs the changes in a file, one command a line",
	.about = "Lines are grant, withdraw, object, restrict, suspend, "
		 "unsuspend, contact, brand\nadd and edit, and purpose add, "
		 "edit and depend commands, quoted as for a shell;\n# begins a "
		 "comment. Stops at the first error, which is named by file "
		 "and line;\nthe lines before it are done.",
	.min = 1,
	.max = 1,
	.run = run,
	.print = print,
    },
    {0},
};
