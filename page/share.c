/* SPDX-License-Identifier: ISC */
/*
 * share - what the pages are made of: templates, languages, style
 *
 * Read whole when the program starts or reloads, and never afterwards.
 */
#include "page/share.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page/template.h"

#define SUFFIX ".mustache"

enum { FILE_MAX = 256 * 1024 };

struct share_file {
	char *name, *text;
};

struct share {
	struct share_file *templates;
	size_t n;
	char *style;
	struct locales *locales;
};

/* A file's text, NUL-terminated, for free(); NULL and `e`. */
static char *
read_file(const char *path, struct err *e)
{
	FILE *f = fopen(path, "re");
	char *text = malloc(FILE_MAX + 1);
	size_t n = 0;

	if (f == NULL) {
		err_set(e, ERR_REFUSED, "%s: %s", path, strerror(errno));
	} else if (text == NULL) {
		err_set(e, ERR_FATAL, "%s: out of memory", path);
	} else {
		n = fread(text, 1, FILE_MAX, f);
		text[n] = '\0';
		if (n == FILE_MAX || strlen(text) != n)
			err_set(e, ERR_REFUSED,
			    "%s: a text of less than %d octets is wanted", path,
			    FILE_MAX);
		else
			n = FILE_MAX + 1;
	}
	if (f != NULL)
		fclose(f);
	if (n == FILE_MAX + 1)
		return text;
	free(text);
	return NULL;
}

static int
add_template(struct share *s, const char *directory, const char *name,
    size_t len, struct err *e)
{
	struct share_file *more =
	    realloc(s->templates, (s->n + 1) * sizeof(*more));
	struct template *t;
	char *path;

	if (more == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	s->templates = more;
	more = &s->templates[s->n++];
	*more = (struct share_file){.name = strndup(name, len)};
	if (more->name == NULL || asprintf(&path, "%s/%s", directory, name) < 0)
		return err_set(e, ERR_FATAL, "out of memory");
	more->text = read_file(path, e);
	t = more->text == NULL
	    ? NULL
	    : template_parse(more->text, strlen(more->text), e);
	if (more->text != NULL && t == NULL)
		err_prefix(e, "%s", path);
	free(path);
	if (t == NULL)
		return -1;
	template_free(&t);
	return 0;
}

static int
read_templates(struct share *s, const char *directory, struct err *e)
{
	DIR *d = opendir(directory);
	const size_t suffix = strlen(SUFFIX);
	struct dirent *entry;
	int rc = 0;

	if (d == NULL)
		return err_set(
		    e, ERR_REFUSED, "%s: %s", directory, strerror(errno));
	while (rc == 0 && (entry = readdir(d)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (len > suffix && entry->d_name[0] != '.' &&
		    strcmp(entry->d_name + len - suffix, SUFFIX) == 0)
			rc = add_template(
			    s, directory, entry->d_name, len - suffix, e);
	}
	closedir(d);
	return rc;
}

struct share *
share_load(const char *directory, struct err *e)
{
	struct share *s = calloc(1, sizeof(*s));
	char *templates = NULL, *locale = NULL, *style = NULL;

	if (s == NULL || asprintf(&templates, "%s/templates", directory) < 0 ||
	    asprintf(&locale, "%s/locale", directory) < 0 ||
	    asprintf(&style, "%s/style.css", directory) < 0)
		err_set(e, ERR_FATAL, "out of memory");
	else if (read_templates(s, templates, e) == 0 &&
	    (s->locales = locales_load(locale, e)) != NULL)
		s->style = read_file(style, e);
	free(templates);
	free(locale);
	free(style);
	if (s != NULL && s->style == NULL)
		share_free(&s);
	return s;
}

void
share_free(struct share **sp)
{
	struct share *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->templates[i].name);
		free(s->templates[i].text);
	}
	free(s->templates);
	free(s->style);
	locales_free(&s->locales);
	free(s);
}

const char *
share_template(const struct share *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->n; i++)
		if (strlen(s->templates[i].name) == len &&
		    memcmp(s->templates[i].name, name, len) == 0)
			return s->templates[i].text;
	return NULL;
}

const char *
share_style(const struct share *s)
{
	return s->style;
}

const struct locales *
share_locales(const struct share *s)
{
	return s->locales;
}

/* What a template is rendered with. */
struct words {
	const struct share *share;
	const struct locale *locale;
};

static const char *
find_partial(void *arg, const char *name, size_t len)
{
	const struct words *w = arg;

	return share_template(w->share, name, len);
}

static const char *
translate(void *arg, const char *text, size_t len)
{
	const struct words *w = arg;

	(void)len;
	return locale_text(w->locale, text);
}

int
share_render(const struct share *s, const struct locale *l, const char *name,
    const json_t *view, struct buf *out, struct err *e)
{
	const char *text = share_template(s, name, strlen(name));

	return text == NULL
	    ? err_set(e, ERR_REFUSED, "there is no such template")
	    : share_render_text(s, l, text, false, view, out, e);
}

int
share_render_text(const struct share *s, const struct locale *l,
    const char *text, bool plain, const json_t *view, struct buf *out,
    struct err *e)
{
	struct words words = {s, l};
	const struct template_source source = {
	    find_partial, translate, &words, plain};
	struct template *t = template_parse(text, strlen(text), e);
	int rc;

	if (t == NULL)
		return -1;
	rc = template_render(t, view, &source, out, e);
	template_free(&t);
	return rc;
}
