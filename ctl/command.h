/* SPDX-License-Identifier: ISC */
/*
 * command - what assentctl can do: the table of its subcommands
 *
 * A command turns arguments into one JSON object; how that object looks as
 * text is the command's print function.  So both outputs say the same, and
 * batch can run commands whose output nobody reads.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "policy/err.h"

struct args;
struct ctl;

/* How a command ended; zero, the safe one, is a failure. */
enum outcome {
	OUTCOME_FAILED = 0, /* and `e` says why; exit status 1 */
	OUTCOME_USAGE,	    /* the command line is wrong, see `e`; 2 */
	OUTCOME_NO,	    /* done, and the answer is no; 1 */
	OUTCOME_DONE	    /* 0 */
};

enum { OPTIONS_MAX = 20 };

struct option_spec {
	const char *name;  /* without the dashes */
	const char *value; /* what its value is called; NULL: it has none */
	const char *help;
};

struct command {
	const char *name;      /* one word, or a noun and its verb */
	const char *arguments; /* as the usage line shows them, "" for none */
	const char *summary;   /* one line */
	const char *about;     /* more, for its own help; may be NULL */
	size_t min, max;       /* how many words after the name */
	struct option_spec options[OPTIONS_MAX];
	const char *repeats; /* an option that may be given more than once */
	bool in_batch;	     /* it changes consent, so batch may run it */
	/* Fills `out`, which on a failure holds what was done before it. */
	enum outcome (*run)(
	    struct ctl *c, const struct args *a, json_t *out, struct err *e);
	void (*print)(const json_t *out);
};

/* Each noun's commands, ended by one without a name. */
extern const struct command commands_keys[], commands_migrate[],
    commands_check[], commands_brand[], commands_purpose[], commands_tree[],
    commands_depend[], commands_text[], commands_template[], commands_repack[],
    commands_exemption[], commands_consent[], commands_contact[],
    commands_show[], commands_explain[], commands_batch[], commands_forget[],
    commands_erasures[], commands_export[], commands_audience[],
    commands_ledger[], commands_proof[], commands_footer[], commands_preview[],
    commands_link[], commands_lint[], commands_import[], commands_cache[],
    commands_page[], commands_snippet[], commands_proofread[];

/* The command that `words` (of `n`) begin with, and in `*used` how many of
 * them name it.  NULL and `e`, which says what there is instead. */
const struct command *command_find(const char *const *words, size_t n,
    size_t *used, struct err *e) __attribute__((nonnull, warn_unused_result));

/* Prints help: of everything, of the commands of a noun (false when there is
 * no such noun), or of one command. */
void command_help_all(void);
bool command_help_noun(const char *noun) __attribute__((nonnull));
void command_help(const struct command *c) __attribute__((nonnull));

#endif
