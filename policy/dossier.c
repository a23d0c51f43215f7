/* SPDX-License-Identifier: ISC */
/*
 * dossier - all that is held about one person, as a document for that person
 *
 * The database puts it together, in one snapshot; what is left to do here is
 * to say it in words and to write it down.
 */
#include "dossier.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "act.h"
#include "sheet.h"

enum { WHAT = 200, NUMBER = 24, DEPTH_MAX = 16 };

/* A value's own place in the sheet: part and number in it. */
struct place {
	FILE *f;
	const char *part;
	char number[NUMBER];
	int depth;
};

/* What happened, in the words of the consent record. */
static void
say_acts(json_t *dossier)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(dossier, "events"), i, one)
	{
		const char *act =
		    json_string_value(json_object_get(one, "what"));
		const char *word = act == NULL ? NULL : act_type(act);

		if (word != NULL)
			json_object_set_new(one, "what", json_string(word));
	}
}

json_t *
dossier_read(const char *text, struct err *e)
{
	json_error_t why;
	json_t *dossier = json_loads(text, JSON_ALLOW_NUL, &why);

	if (dossier == NULL)
		err_set(e, ERR_FATAL, "the person's data cannot be read: %s",
		    why.text);
	else
		say_acts(dossier);
	return dossier;
}

static void
write_value(const struct place *at, const char *what, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	const char *cells[] = {at->part, at->number, what,
	    json_is_string(value) ? json_string_value(value) : text};

	if (!json_is_null(value))
		sheet_row(at->f, cells, sizeof(cells) / sizeof(cells[0]));
	free(text);
}

/* One row for each value in `value`, named by the way to it. */
static void
write_deep(struct place *at, const char *what, const json_t *value)
{
	const json_t *inner;
	const char *key;
	char name[WHAT];

	if (!json_is_object(value) || at->depth == DEPTH_MAX) {
		write_value(at, what, value);
		return;
	}
	at->depth++;
	json_object_foreach((json_t *)(uintptr_t)value, key, inner)
	{
		snprintf(name, sizeof(name), "%s%s%s", what,
		    what[0] == '\0' ? "" : " / ", key);
		write_deep(at, name, inner);
	}
	at->depth--;
}

static void
write_sheet(const json_t *dossier, FILE *f)
{
	static const char *const headings[] = {
	    "part", "number", "what", "value"};
	struct place at = {.f = f};
	const json_t *value, *one;
	const char *key;
	size_t i;

	sheet_row(f, headings, sizeof(headings) / sizeof(headings[0]));
	json_object_foreach((json_t *)(uintptr_t)dossier, key, value)
	{
		at.part = key;
		at.number[0] = '\0';
		if (!json_is_array(value))
			write_deep(&at, "", value);
		json_array_foreach(value, i, one)
		{
			snprintf(at.number, sizeof(at.number), "%zu", i + 1);
			write_deep(&at, "", one);
		}
	}
}

void
dossier_write(const json_t *dossier, bool csv, FILE *f)
{
	if (csv) {
		write_sheet(dossier, f);
	} else {
		json_dumpf(dossier, f, JSON_INDENT(2));
		putc('\n', f);
	}
}
