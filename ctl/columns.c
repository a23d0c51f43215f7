/* SPDX-License-Identifier: ISC */
/*
 * columns - which field of a record means what
 *
 * CSV settles it once, from the header; JSON says it again in every object.
 * Both ask meaning_of(), so that --map and the formats of other systems work
 * alike in both.
 */
#include "columns.h"

#include <stdio.h>
#include <string.h>

#include "policy/arena.h"
#include "suppress.h"

#define ATTRIBUTE "attr."

static const char *const names[] = {
#define X(id, name) [id] = (name),
    COLUMNS(X)
#undef X
};

_Static_assert(sizeof(names) / sizeof(names[0]) == COLUMN_COUNT,
    "COLUMN_COUNT counts COLUMNS");

const char *
column_name(enum column column)
{
	return names[column];
}

static bool
own_meaning(const char *name, struct meaning *m)
{
	size_t prefix = strlen(ATTRIBUTE);

	for (int i = 0; i < COLUMN_COUNT; i++)
		if (strcmp(names[i], name) == 0) {
			m->kind = MEANS_COLUMN;
			m->column = (enum column)i;
			return true;
		}
	if (strncmp(name, ATTRIBUTE, prefix) != 0 || name[prefix] == '\0')
		return false;
	m->kind = MEANS_ATTRIBUTE;
	m->attribute = name + prefix;
	return true;
}

/* What a column called `name` is. */
static int
meaning_of(
    const struct columns *c, const char *name, struct meaning *m, struct err *e)
{
	const struct suppress_name *known;

	*m = (struct meaning){.kind = MEANS_NOTHING};
	for (size_t i = 0; i < c->n_maps; i++)
		if (strcmp(c->maps[i].from, name) == 0) {
			if (strcmp(c->maps[i].to, "-") != 0)
				own_meaning(c->maps[i].to, m);
			return 0;
		}
	if (c->suppress != NULL) {
		if (!suppress_column(c->suppress, name, &known))
			return 0;
		m->kind = MEANS_COLUMN;
		m->column = known->column;
		m->bounce = known->bounce;
		return 0;
	}
	if (own_meaning(name, m))
		return 0;
	return err_set(e, ERR_REFUSED,
	    "there is no column \"%s\": --map \"%s=COLUMN\" says what it is, "
	    "--map \"%s=-\" leaves it out",
	    name, name, name);
}

int
columns_map(struct columns *c, struct arena *a, const char *text, struct err *e)
{
	char *copy = arena_strdup(a, text), *rest = copy, *pair, *to;
	struct meaning m;

	if (copy == NULL)
		return err_set(e, ERR_REFUSED, "--map is too long");
	while ((pair = strsep(&rest, ",")) != NULL) {
		to = strrchr(pair, '=');
		if (to == NULL || to == pair)
			return err_set(e, ERR_REFUSED,
			    "--map \"%s\": write NAME=COLUMN", pair);
		*to++ = '\0';
		if (strcmp(to, "-") != 0 && !own_meaning(to, &m))
			return err_set(e, ERR_REFUSED,
			    "--map \"%s=%s\": there is no column \"%s\"", pair,
			    to, to);
		if (c->n_maps == MAPS_MAX)
			return err_set(e, ERR_REFUSED,
			    "--map has more than %d columns", MAPS_MAX);
		c->maps[c->n_maps].from = pair;
		c->maps[c->n_maps++].to = to;
	}
	return 0;
}

static bool
same(const struct meaning *a, const struct meaning *b)
{
	if (a->kind != b->kind || a->kind == MEANS_NOTHING)
		return false;
	return a->kind == MEANS_COLUMN
	    ? a->column == b->column
	    : strcmp(a->attribute, b->attribute) == 0;
}

/* Of two columns with one meaning nobody knows which holds; another system's
 * have several, of which one is filled. */
static int
check_twice(
    const struct columns *c, const char *const *of, size_t i, struct err *e)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(of[i], of[j]) == 0 ||
		    (c->suppress == NULL && same(&c->fields[i], &c->fields[j])))
			return err_set(e, ERR_REFUSED,
			    "the columns %zu, \"%s\", and %zu, \"%s\", are the "
			    "same",
			    j + 1, of[j], i + 1, of[i]);
	return 0;
}

int
columns_header(struct columns *c, struct arena *a, const char *const *of,
    size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		char *name = arena_strdup(a, of[i]);

		if (name == NULL)
			return err_set(
			    e, ERR_REFUSED, "the header is too long");
		if (meaning_of(c, name, &c->fields[i], e) != 0 ||
		    check_twice(c, of, i, e) != 0)
			return -1;
	}
	c->n = n;
	return 0;
}

bool
columns_has(const struct columns *c, enum column column)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->fields[i].kind == MEANS_COLUMN &&
		    c->fields[i].column == column)
			return true;
	return false;
}

static int
put(struct values *v, const struct meaning *m, const char *text, struct err *e)
{
	if (text[0] == '\0' || m->kind == MEANS_NOTHING)
		return 0;
	if (m->kind == MEANS_COLUMN) {
		v->of[m->column] = text;
		v->bounced = v->bounced || m->bounce;
		return 0;
	}
	if (v->attributes == NULL)
		v->attributes = json_object();
	if (json_object_set_new(
		v->attributes, m->attribute, json_string(text)) != 0)
		return err_set(e, ERR_FATAL, "out of memory");
	return 0;
}

int
columns_csv(const struct columns *c, const char *const *fields, size_t n,
    struct values *v, struct err *e)
{
	if (n != c->n)
		return err_set(e, ERR_REFUSED,
		    "%zu fields, but the header has %zu", n, c->n);
	for (size_t i = 0; i < n; i++)
		if (put(v, &c->fields[i], fields[i], e) != 0)
			return -1;
	return 0;
}

/* A value as text; NULL for one that is none. */
static const char *
text_of(const json_t *value, struct arena *a)
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_integer(value))
		return arena_printf(
		    a, "%lld", (long long)json_integer_value(value));
	if (json_is_real(value))
		return arena_printf(a, "%.3f", json_real_value(value));
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	return json_is_null(value) ? "" : NULL;
}

int
columns_json(const struct columns *c, struct arena *a, const json_t *object,
    struct values *v, struct err *e)
{
	struct meaning m;
	const char *name, *text;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		if (meaning_of(c, name, &m, e) != 0)
			return -1;
		if (m.kind == MEANS_NOTHING)
			continue;
		text = text_of(value, a);
		if (text == NULL)
			return err_set(e, ERR_REFUSED,
			    "\"%s\" is neither text nor a number", name);
		if (m.kind == MEANS_COLUMN && c->suppress == NULL &&
		    v->of[m.column] != NULL)
			return err_set(e, ERR_REFUSED, "%s is there twice",
			    column_name(m.column));
		if (put(v, &m, text, e) != 0)
			return -1;
	}
	return 0;
}
