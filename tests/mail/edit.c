/* SPDX-License-Identifier: ISC */
/*
 * edit - edits a message as assent-milter would
 *
 *	edit PLAN.json < message > edited
 *	edit PLAN.json MESSAGE EDITED REPORT [MESSAGE EDITED REPORT]...
 *
 * The second form does many, one file each for its input and its outputs.  A
 * report is JSON on one line; in the first form it goes to descriptor 3, if
 * that is open.  The plan has the fields of struct edit_plan; an alias is a
 * name with its value: unsubscribe, preferences, why or brand.
 */
#include <err.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/edit.h"
#include "mail/field.h"
#include "policy/arena.h"
#include "policy/buf.h"

static const char *const values[] = {
    [EDIT_UNSUBSCRIBE] = "unsubscribe",
    [EDIT_PREFERENCES] = "preferences",
    [EDIT_WHY] = "why",
    [EDIT_BRAND] = "brand",
};

static enum edit_value
value_named(const char *name)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (strcmp(name, values[i]) == 0)
			return (enum edit_value)i;
	errx(2, "no value is called \"%s\"", name);
}

static const char *
text(json_t *plan, const char *key)
{
	return json_string_value(json_object_get(plan, key));
}

static const char *const *
hosts(json_t *plan, const char *key)
{
	json_t *list = json_object_get(plan, key);
	const char **out = calloc(json_array_size(list) + 1, sizeof(*out));

	if (out == NULL)
		err(1, "hosts");
	for (size_t i = 0; i < json_array_size(list); i++)
		out[i] = json_string_value(json_array_get(list, i));
	return out;
}

static struct edit_plan
read_plan(json_t *j)
{
	json_t *list = json_object_get(j, "aliases"), *value;
	struct edit_alias *aliases =
	    calloc(json_object_size(list) + 1, sizeof(*aliases));
	const char *name;
	size_t n = 0;

	if (aliases == NULL)
		err(1, "aliases");
	json_object_foreach(list, name, value) aliases[n++] =
	    (struct edit_alias){name, value_named(json_string_value(value))};
	return (struct edit_plan){
	    .unsubscribe_url = text(j, "unsubscribe_url"),
	    .preferences_url = text(j, "preferences_url"),
	    .why_url = text(j, "why_url"),
	    .brand = text(j, "brand"),
	    .aliases = aliases,
	    .n_aliases = n,
	    .footer_text = text(j, "footer_text"),
	    .footer_html = text(j, "footer_html"),
	    .link_prefix = text(j, "link_prefix"),
	    .before_signature =
		json_is_true(json_object_get(j, "before_signature")),
	    .strip_tracking =
		json_is_true(json_object_get(j, "strip_tracking")),
	    .tracker_hosts = hosts(j, "tracker_hosts"),
	    .redirectors = hosts(j, "redirectors"),
	    .max_size =
		(size_t)json_integer_value(json_object_get(j, "max_size")),
	};
}

static void
read_all(struct buf *b)
{
	char chunk[65536];
	size_t n;

	while ((n = fread(chunk, 1, sizeof(chunk), stdin)) > 0)
		buf_add(b, chunk, n);
	if (ferror(stdin) || buf_failed(b))
		err(1, "standard input");
}

/* The header ends before the empty line. */
static size_t
head_end(const struct buf *b)
{
	struct field f;
	size_t at = 0;

	while (field_next(b->data, b->len, &at, &f))
		;
	return at;
}

static void
put(const char *s, size_t n)
{
	if (fwrite(s, 1, n, stdout) != n)
		err(1, "standard output");
}

static void
put_value(const char *name, const char *value)
{
	printf("%s: ", name);
	for (; *value != '\0'; value++)
		*value == '\n' ? put("\r\n", 2) : put(value, 1);
	put("\r\n", 2);
}

/* The fields that were there, the changed ones where they stood, new ones
 * after them. */
static void
put_head(const struct edit_message *m, const struct edit_result *r)
{
	bool done[EDIT_FIELDS_MAX] = {false};
	struct field f;
	size_t at = 0, i;

	while (field_next(m->head, m->head_len, &at, &f)) {
		for (i = 0; i < r->n_fields; i++)
			if (strlen(r->fields[i].name) == f.name_len &&
			    strncasecmp(r->fields[i].name, m->head + f.at,
				f.name_len) == 0)
				break;
		if (i == r->n_fields)
			put(m->head + f.at, f.end - f.at);
		else if (!done[i])
			put_value(r->fields[i].name, r->fields[i].value);
		if (i < r->n_fields)
			done[i] = true;
	}
	for (i = 0; i < r->n_fields; i++)
		if (!done[i])
			put_value(r->fields[i].name, r->fields[i].value);
}

static void
report(const struct edit_result *r)
{
	if (fcntl(3, F_GETFD) < 0)
		return;
	dprintf(3,
	    "{\"placeholders\":%u,\"footers\":%u,\"pixels\":%u,"
	    "\"links\":%u,\"skipped\":\"%s\"}\n",
	    r->placeholders, r->footers, r->pixels, r->links,
	    edit_skip_word(r->skipped));
}

static void
edit(const struct edit_plan *plan)
{
	struct buf in = {0};
	struct edit_message m;
	struct edit_result r;
	struct arena *a;
	size_t gap;

	buf_puts(&in, "");
	read_all(&in);
	a = arena_new(EDIT_ROOM(in.len));
	if (a == NULL)
		err(1, "arena");
	m = (struct edit_message){.head = in.data, .head_len = head_end(&in)};
	gap = m.head_len == in.len ? 0 : in.data[m.head_len] == '\r' ? 2 : 1;
	m.body = in.data + m.head_len + gap;
	m.body_len = in.len - m.head_len - gap;
	edit_message(a, &m, plan, &r);
	put_head(&m, &r);
	put(in.data + m.head_len, gap);
	if (r.n_body == 0)
		put(m.body, m.body_len);
	for (size_t i = 0; i < r.n_body; i++)
		put(r.body[i].data, r.body[i].len);
	if (fflush(stdout) != 0)
		err(1, "standard output");
	report(&r);
	arena_free(&a);
	buf_free(&in);
}

/* Makes the next three files the input, the output and descriptor 3. */
static void
redirect(char *const *files)
{
	int fd;

	if (freopen(files[0], "r", stdin) == NULL)
		err(1, "%s", files[0]);
	if (freopen(files[1], "w", stdout) == NULL)
		err(1, "%s", files[1]);
	fd = open(files[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || (fd != 3 && (dup2(fd, 3) < 0 || close(fd) < 0)))
		err(1, "%s", files[2]);
}

int
main(int argc, char **argv)
{
	json_error_t error;
	struct edit_plan plan;
	json_t *j;

	if (argc < 2 || argc % 3 != 2)
		errx(2, "usage: edit PLAN.json [MESSAGE EDITED REPORT]...");
	j = json_load_file(argv[1], 0, &error);
	if (j == NULL)
		errx(2, "%s:%d: %s", argv[1], error.line, error.text);
	plan = read_plan(j);
	edit_init();
	if (argc == 2)
		edit(&plan);
	for (int i = 2; i < argc; i += 3) {
		redirect(argv + i);
		edit(&plan);
	}
	free((void *)plan.aliases);
	free((void *)plan.tracker_hosts);
	free((void *)plan.redirectors);
	json_decref(j);
	return 0;
}
