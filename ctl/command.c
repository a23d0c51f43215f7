/* SPDX-License-Identifier: ISC */
/*
 * command - what assentctl can do: the table of its subcommands
 *
 * The one place where commands are found and described.  A name is never
 * guessed from its beginning: a script that says "with" must not withdraw.
 */
#include "command.h"

#include <stdio.h>
#include <string.h>

static const struct command *const nouns[] = {
    commands_keys,
    commands_migrate,
    commands_check,
    commands_cache,
    commands_brand,
    commands_purpose,
    commands_tree,
    commands_depend,
    commands_text,
    commands_footer,
    commands_preview,
    commands_page,
    commands_proofread,
    commands_snippet,
    commands_template,
    commands_repack,
    commands_exemption,
    commands_consent,
    commands_contact,
    commands_show,
    commands_explain,
    commands_link,
    commands_batch,
    commands_forget,
    commands_erasures,
    commands_export,
    commands_audience,
    commands_import,
    commands_ledger,
    commands_proof,
    commands_lint,
};

enum { NOUNS = sizeof(nouns) / sizeof(nouns[0]) };

/* How many of `words` spell the command's name; 0 if they do not. */
static size_t
spelled(const struct command *c, const char *const *words, size_t n)
{
	const char *name = c->name;

	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(name, " ");

		if (strlen(words[i]) != len ||
		    strncmp(words[i], name, len) != 0)
			return 0;
		if (name[len] == '\0')
			return i + 1;
		name += len + 1;
	}
	return 0;
}

static bool
has_noun(const struct command *c, const char *noun)
{
	size_t len = strlen(noun);

	return len > 0 && strncmp(c->name, noun, len) == 0 &&
	    (c->name[len] == ' ' || c->name[len] == '\0');
}

static bool
is_noun(const char *noun)
{
	for (size_t i = 0; i < NOUNS; i++)
		for (const struct command *c = nouns[i]; c->name != NULL; c++)
			if (has_noun(c, noun))
				return true;
	return false;
}

/* "keys needs new or rotate": what may follow a noun. */
static void
say_verbs(const char *noun, struct err *e)
{
	char verbs[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < NOUNS; i++)
		for (const struct command *c = nouns[i]; c->name != NULL; c++)
			if (has_noun(c, noun) && len < sizeof(verbs))
				len += (size_t)snprintf(verbs + len,
				    sizeof(verbs) - len, "%s%s",
				    len == 0 ? "" : " or ",
				    c->name + strlen(noun) + 1);
	err_set(e, ERR_REFUSED, "\"%s\" must be followed by %s", noun, verbs);
}

const struct command *
command_find(const char *const *words, size_t n, size_t *used, struct err *e)
{
	for (size_t i = 0; i < NOUNS; i++)
		for (const struct command *c = nouns[i]; c->name != NULL; c++) {
			*used = spelled(c, words, n);
			if (*used > 0)
				return c;
		}
	if (n == 0)
		err_set(e, ERR_REFUSED, "a command is missing");
	else if (!is_noun(words[0]))
		err_set(e, ERR_REFUSED, "there is no command \"%s\"", words[0]);
	else
		say_verbs(words[0], e);
	return NULL;
}

static void
print_line(const struct command *c)
{
	printf("  %-22s %s\n", c->name, c->summary);
}

void
command_help_all(void)
{
	puts("usage: assentctl [-c FILE] [--json] COMMAND [ARGUMENT...]\n"
	     "\n"
	     "Keeps the consent that assent-milter enforces.\n"
	     "\n"
	     "commands:");
	for (size_t i = 0; i < NOUNS; i++)
		for (const struct command *c = nouns[i]; c->name != NULL; c++)
			print_line(c);
	puts("  help                   this, or \"help COMMAND\"\n"
	     "\n"
	     "options, before or after the command:\n"
	     "  -c, --config FILE  the configuration, else $ASSENT_CONF, else\n"
	     "                     /etc/assent/assent.conf\n"
	     "  --json             one JSON object on standard output\n"
	     "  -h, --help         help on everything or on one command\n"
	     "  --version          the version\n"
	     "\n"
	     "Exit status: 0 done, 1 refused or failed, 2 usage.");
}

bool
command_help_noun(const char *noun)
{
	if (!is_noun(noun))
		return false;
	printf(
	    "usage: assentctl %s COMMAND [ARGUMENT...]\n\ncommands:\n", noun);
	for (size_t i = 0; i < NOUNS; i++)
		for (const struct command *c = nouns[i]; c->name != NULL; c++)
			if (has_noun(c, noun))
				print_line(c);
	return true;
}

void
command_help(const struct command *c)
{
	char left[48];

	printf("usage: assentctl %s%s%s%s\n\n%s.\n", c->name,
	    c->arguments[0] == '\0' ? "" : " ", c->arguments,
	    c->options[0].name == NULL ? "" : " [OPTION...]", c->summary);
	if (c->about != NULL)
		printf("\n%s\n", c->about);
	if (c->options[0].name != NULL)
		puts("\noptions:");
	for (size_t i = 0; i < OPTIONS_MAX; i++) {
		const struct option_spec *o = &c->options[i];

		if (o->name == NULL)
			break;
		snprintf(left, sizeof(left), "--%s%s%s", o->name,
		    o->value == NULL ? "" : " ",
		    o->value == NULL ? "" : o->value);
		printf("  %-22s %s\n", left, o->help);
	}
}
