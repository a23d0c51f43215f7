/* SPDX-License-Identifier: ISC */
/*
 * locale - what the pages say, in each language
 *
 * libgettextpo reads the files when the program starts or reloads; what is
 * fuzzy or empty counts as not translated.  The only file that knows it.
 */
#include "page/locale.h"

#include <dirent.h>
#include <errno.h>
#include <gettext-po.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TAG_MAX = 35 }; /* RFC 5646, 4.4.1 */

struct entry {
	char *id, *text;
};

struct locale {
	char tag[TAG_MAX + 1];
	struct entry *entries; /* in the order of `id` */
	size_t n, size;
};

struct locales {
	struct locale *all; /* English first */
	size_t n;
};

/* The library's callbacks carry no pointer: the first complaint about the file
 * that this thread reads is left here. */
static _Thread_local struct err *complaint;

static void
on_error(int severity, po_message_t message, const char *file, size_t line,
    size_t column, int multiline, const char *text)
{
	(void)message;
	(void)column;
	(void)multiline;
	if (severity == PO_SEVERITY_WARNING || complaint->text[0] != '\0')
		return;
	if (file == NULL || line == (size_t)-1)
		err_set(complaint, ERR_REFUSED, "%s", text);
	else
		err_set(complaint, ERR_REFUSED, "%s:%zu: %s", file, line, text);
}

static void
on_error2(int severity, po_message_t message, const char *file, size_t line,
    size_t column, int multiline, const char *text, po_message_t other,
    const char *other_file, size_t other_line, size_t other_column,
    int other_multiline, const char *other_text)
{
	(void)other;
	(void)other_file;
	(void)other_line;
	(void)other_column;
	(void)other_multiline;
	(void)other_text;
	on_error(severity, message, file, line, column, multiline, text);
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(
	    ((const struct entry *)a)->id, ((const struct entry *)b)->id);
}

static int
has_id(const void *id, const void *entry)
{
	return strcmp(id, ((const struct entry *)entry)->id);
}

static int
add(struct locale *l, const char *id, const char *text)
{
	if (l->n == l->size) {
		size_t size = l->size == 0 ? 64 : 2 * l->size;
		struct entry *more = realloc(l->entries, size * sizeof(*more));

		if (more == NULL)
			return -1;
		l->entries = more;
		l->size = size;
	}
	l->entries[l->n] = (struct entry){strdup(id), strdup(text)};
	l->n++;
	return l->entries[l->n - 1].id == NULL ||
		l->entries[l->n - 1].text == NULL
	    ? -1
	    : 0;
}

static int
take_messages(struct locale *l, po_file_t file)
{
	po_message_iterator_t it = po_message_iterator(file, NULL);
	po_message_t m;
	int rc = 0;

	while (rc == 0 && (m = po_next_message(it)) != NULL) {
		const char *text = po_message_msgstr(m);

		if (po_message_msgid(m)[0] != '\0' && text[0] != '\0' &&
		    !po_message_is_fuzzy(m) && !po_message_is_obsolete(m))
			rc = add(l, po_message_msgid(m), text);
	}
	po_message_iterator_free(it);
	return rc;
}

static int
read_file(struct locale *l, const char *path, struct err *e)
{
	static const struct po_xerror_handler handler = {on_error, on_error2};
	po_file_t file;
	int rc;

	*e = (struct err){.text = ""};
	complaint = e;
	file = po_file_read(path, &handler);
	if (file == NULL && e->text[0] == '\0')
		err_set(e, ERR_REFUSED, "%s: %s", path, strerror(errno));
	if (file == NULL)
		return -1;
	rc = e->text[0] != '\0' ? -1 : take_messages(l, file);
	po_file_free(file);
	if (rc != 0 && e->text[0] == '\0')
		err_set(e, ERR_FATAL, "%s: out of memory", path);
	if (l->n > 0)
		qsort(l->entries, l->n, sizeof(*l->entries), by_id);
	return rc;
}

/* Adds the language of a file called `name`, if it is one. */
static int
add_locale(
    struct locales *all, const char *directory, const char *name, struct err *e)
{
	size_t len = strlen(name);
	struct locale *more;
	char *path;
	int rc;

	if (len <= 3 || len - 3 > TAG_MAX || name[0] == '.' ||
	    strcmp(name + len - 3, ".po") != 0)
		return 0;
	more = realloc(all->all, (all->n + 1) * sizeof(*more));
	if (more == NULL || asprintf(&path, "%s/%s", directory, name) < 0) {
		all->all = more == NULL ? all->all : more;
		return err_set(e, ERR_FATAL, "out of memory");
	}
	all->all = more;
	more = &all->all[all->n++];
	*more = (struct locale){0};
	memcpy(more->tag, name, len - 3);
	rc = read_file(more, path, e);
	free(path);
	return rc;
}

struct locales *
locales_load(const char *directory, struct err *e)
{
	struct locales *all = calloc(1, sizeof(*all));
	DIR *d = opendir(directory);
	struct dirent *entry;
	int rc = 0;

	if (all != NULL)
		all->all = calloc(1, sizeof(*all->all));
	if (d == NULL)
		rc = err_set(
		    e, ERR_REFUSED, "%s: %s", directory, strerror(errno));
	else if (all == NULL || all->all == NULL)
		rc = err_set(e, ERR_FATAL, "out of memory");
	if (rc == 0) {
		all->n = 1;
		strcpy(all->all[0].tag, "en");
	}
	while (rc == 0 && (entry = readdir(d)) != NULL)
		rc = add_locale(all, directory, entry->d_name, e);
	if (d != NULL)
		closedir(d);
	if (rc != 0)
		locales_free(&all);
	return all;
}

void
locales_free(struct locales **lp)
{
	struct locales *all = *lp;

	*lp = NULL;
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->n; i++) {
		for (size_t k = 0; k < all->all[i].n; k++) {
			free(all->all[i].entries[k].id);
			free(all->all[i].entries[k].text);
		}
		free(all->all[i].entries);
	}
	free(all->all);
	free(all);
}

/* The locale of a tag of `len` octets, exactly or by its first subtag. */
static const struct locale *
find(const struct locales *all, const char *tag, size_t len)
{
	const char *dash = memchr(tag, '-', len);

	for (size_t i = 0; i < all->n; i++)
		if (strlen(all->all[i].tag) == len &&
		    strncasecmp(all->all[i].tag, tag, len) == 0)
			return &all->all[i];
	return dash == NULL ? NULL : find(all, tag, (size_t)(dash - tag));
}

/* The weight of a list's element, which ends at `end`: RFC 9110, 12.4.2. */
static double
weight(const char *at, const char *end)
{
	const char *q = memmem(at, (size_t)(end - at), "q=", 2);

	return q == NULL ? 1 : strtod(q + 2, NULL);
}

const struct locale *
locales_choose(const struct locales *all, const char *wanted)
{
	const struct locale *best = NULL, *one;
	double most = 0, w;

	for (const char *at = wanted == NULL ? "" : wanted, *end; *at != '\0';
	     at = end + (*end == ',')) {
		end = at + strcspn(at, ",");
		while (at < end && *at == ' ')
			at++;
		one = find(all, at, strcspn(at, ",; "));
		w = weight(at, end);
		if (one != NULL && w > most) {
			best = one;
			most = w;
		}
	}
	return best;
}

const struct locale *
locales_at(const struct locales *all, size_t i)
{
	return i < all->n ? &all->all[i] : NULL;
}

const struct locale *
locales_default(const struct locales *all)
{
	return &all->all[0];
}

const char *
locale_tag(const struct locale *l)
{
	return l->tag;
}

const char *
locale_text(const struct locale *l, const char *text)
{
	const struct entry *found = l->n == 0
	    ? NULL
	    : bsearch(text, l->entries, l->n, sizeof(*found), has_id);

	return found == NULL ? text : found->text;
}
