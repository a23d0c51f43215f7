/* SPDX-License-Identifier: ISC */
/*
 * out - what is printed, as JSON and as text
 *
 * The only way here to run out of memory is while building a few kilobytes of
 * answer; nothing sensible can be printed then, so it ends the program, and
 * never with status 0.
 */
#include "out.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COLUMNS_MAX = 8, TIME_TEXT = 32 };

static void
need(bool done)
{
	if (done)
		return;
	fputs("assentctl: out of memory\n", stderr);
	exit(EXIT_FAILURE);
}

static json_t *
text_value(const char *text)
{
	json_t *value;
	char *ascii;

	if (text == NULL)
		return json_null();
	value = json_string(text);
	if (value != NULL)
		return value;
	ascii = strdup(text);
	need(ascii != NULL);
	for (char *p = ascii; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	value = json_string(ascii);
	free(ascii);
	need(value != NULL);
	return value;
}

void
out_text(json_t *object, const char *key, const char *text)
{
	need(json_object_set_new(object, key, text_value(text)) == 0);
}

void
out_bool(json_t *object, const char *key, bool value)
{
	need(json_object_set_new(object, key, json_boolean(value)) == 0);
}

void
out_int(json_t *object, const char *key, long long value)
{
	need(json_object_set_new(object, key, json_integer(value)) == 0);
}

void
out_time(json_t *object, const char *key, long long seconds)
{
	time_t t = (time_t)seconds;
	char text[TIME_TEXT] = "";
	struct tm tm;

	if (seconds != 0 && gmtime_r(&t, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	out_text(object, key, text[0] == '\0' ? NULL : text);
}

json_t *
out_array(json_t *object, const char *key)
{
	json_t *array = json_array();

	need(array != NULL && json_object_set_new(object, key, array) == 0);
	return array;
}

json_t *
out_object(json_t *array)
{
	json_t *object = json_object();

	need(object != NULL && json_array_append_new(array, object) == 0);
	return object;
}

json_t *
out_new(void)
{
	json_t *object = json_object();

	need(object != NULL);
	return object;
}

void
out_put(json_t *object, const char *key, json_t *value)
{
	need(json_object_set_new(object, key, value) == 0);
}

json_t *
out_member(json_t *object, const char *key)
{
	json_t *member = out_new();

	out_put(object, key, member);
	return member;
}

void
out_item(json_t *array, const char *text)
{
	need(json_array_append_new(array, text_value(text)) == 0);
}

const char *
out_get(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

static void
print_to(FILE *f, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		putc((c < ' ' && c != '\n' && c != '\t') || c == 0x7f ? '?' : c,
		    f);
	}
}

void
out_print(const char *text)
{
	print_to(stdout, text);
}

void
out_error(const char *text)
{
	fputs("assentctl: ", stderr);
	print_to(stderr, text);
	putc('\n', stderr);
}

/* Columns on a terminal, near enough: characters of UTF-8. */
static size_t
width_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void
print_cell(const char *text, size_t width, bool last)
{
	out_print(text);
	if (last)
		putchar('\n');
	else
		printf("%*s", (int)(width - width_of(text) + 2), "");
}

void
out_table(
    const json_t *array, const struct out_column *columns, size_t n_columns)
{
	size_t width[COLUMNS_MAX], i;
	const json_t *row;

	assert(n_columns <= COLUMNS_MAX);
	for (size_t c = 0; c < n_columns; c++) {
		width[c] = width_of(columns[c].heading);
		json_array_foreach(array, i, row)
		{
			size_t w = width_of(out_get(row, columns[c].key));

			width[c] = w > width[c] ? w : width[c];
		}
	}
	for (size_t c = 0; c < n_columns; c++)
		print_cell(columns[c].heading, width[c], c + 1 == n_columns);
	json_array_foreach(array, i, row) for (size_t c = 0; c < n_columns; c++)
	    print_cell(
		out_get(row, columns[c].key), width[c], c + 1 == n_columns);
}

void
out_tree(json_t *array, const char *key)
{
	json_t *row, *text;
	size_t i;

	json_array_foreach(array, i, row)
	{
		int depth =
		    (int)json_integer_value(json_object_get(row, "depth"));

		text = json_sprintf("%*s%s", 2 * depth, "", out_get(row, key));
		need(text != NULL &&
		    json_object_set_new(row, "tree", text) == 0);
	}
}
