/* SPDX-License-Identifier: ISC */
/*
 * conf - the configuration file as an immutable snapshot
 *
 * libConfuse reads the syntax and hands every value over as text; one table
 * (conf_value.c) says what each key may hold.  Values are checked while the
 * parser still knows the line, so that every complaint names it.  A key that
 * is unknown, a value that cannot be understood, a stream that could match
 * nothing: each is an error, never a guess.
 */
#include "conf.h"

#include <confuse.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "arena.h"
#include "conf_stream.h"
#include "conf_value.h"

enum { ARENA_MAX = 4 << 20 };

/* libConfuse's callbacks carry no pointer of the caller's: this is where they
 * leave the first complaint of the conf_load() on this thread. */
static _Thread_local struct err *complaint;
static _Thread_local const char *complaint_path;

__attribute__((format(printf, 2, 0))) static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[256];

	if (complaint->text[0] != '\0')
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	err_set(
	    complaint, ERR_FATAL, "%s:%d: %s", complaint_path, cfg->line, text);
}

/* Called by the parser for each value of the table's keys. */
static int
on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct conf_key *k =
	    conf_find_key(cfg_name(cfg), cfg_opt_name(opt));
	struct err e;

	if (k == NULL ||
	    conf_set(
		NULL, k, cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1), &e) == 0)
		return 0;
	cfg_error(cfg, "%s: %s: %s", k->section, k->name, e.text);
	return -1;
}

/* What read_whole() puts after the file; see parse(). */
#define LAST_KEY "end-of-the-file"
#define LAST_LINE "\n" LAST_KEY " = here\n"

enum { FILE_MAX = 1 << 20 };
enum { MAX_SECTIONS = 8, MAX_SECTION_KEYS = 12 };

/* The table as libConfuse wants it. */
struct grammar {
	cfg_opt_t top[MAX_SECTIONS + 3];
	cfg_opt_t section[MAX_SECTIONS][MAX_SECTION_KEYS + 1];
};

static void
build_grammar(struct grammar *g)
{
	static const cfg_opt_t end = CFG_END();
	size_t n = 0, in = 0;

	for (size_t i = 0; i < conf_keys_count; i++) {
		cfg_opt_t value =
		    CFG_STR(conf_keys[i].name, NULL, CFGF_NODEFAULT);

		if (i > 0 &&
		    strcmp(conf_keys[i].section, conf_keys[i - 1].section) !=
			0) {
			n++;
			in = 0;
		}
		g->section[n][in++] = value;
		g->section[n][in] = end;
		cfg_opt_t sec =
		    CFG_SEC(conf_keys[i].section, g->section[n], CFGF_NONE);
		g->top[n] = sec;
	}
	cfg_opt_t stream = CFG_SEC("stream", conf_stream_opts,
	    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	g->top[n + 1] = stream;
	cfg_opt_t last = CFG_STR(LAST_KEY, NULL, CFGF_NODEFAULT);
	g->top[n + 2] = last;
	g->top[n + 3] = end;
}

static void
watch_values(cfg_t *cfg)
{
	char path[64];

	for (size_t i = 0; i < conf_keys_count; i++) {
		snprintf(path, sizeof(path), "%s|%s", conf_keys[i].section,
		    conf_keys[i].name);
		cfg_set_validate_func(cfg, path, on_value);
	}
	conf_stream_watch(cfg);
}

static int
take_values(struct conf *c, cfg_t *cfg, struct err *e)
{
	for (size_t i = 0; i < conf_keys_count; i++) {
		const struct conf_key *k = &conf_keys[i];
		cfg_t *sec = cfg_getsec(cfg, k->section);
		const char *text = sec != NULL && cfg_size(sec, k->name) > 0
		    ? cfg_getstr(sec, k->name)
		    : k->preset;

		if (text == NULL)
			return err_set(e, ERR_FATAL,
			    "%s: %s: %s is missing: %s", c->path, k->section,
			    k->name, k->help);
		if (conf_set(c, k, text, e) != 0)
			return err_prefix(
			    e, "%s: %s: %s", c->path, k->section, k->name);
	}
	return 0;
}

/* The end of what begins at `p`: a quoted string, a comment, or one
 * character.  `*comment` says which. */
static char *
skip_piece(char *p, bool line_start, bool *comment)
{
	char quote = *p, *end;

	*comment = *p == '#' || (line_start && strncmp(p, "//", 2) == 0);
	if (*comment)
		return p + strcspn(p, "\n");
	if (strncmp(p, "/*", 2) == 0 && (end = strstr(p + 2, "*/")) != NULL) {
		*comment = true;
		return end + 2;
	}
	if (quote != '"' && quote != '\'')
		return p + 1;
	for (p++; *p != '\0' && *p != quote; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return *p == '\0' ? p : p + 1;
}

/* libConfuse miscounts lines after comments: it gets blanks in their place. */
static void
blank_comments(char *text)
{
	bool comment, start = true;

	for (char *p = text, *end; *p != '\0'; p = end) {
		end = skip_piece(p, start, &comment);
		start = strchr(" \t\r\n{}", end[-1]) != NULL;
		for (char *c = p; comment && c < end; c++)
			if (*c != '\n')
				*c = ' ';
	}
}

/* The file with LAST_KEY after it; NULL and `e` when it cannot be read. */
static char *
read_whole(struct arena *a, const char *path, struct err *e)
{
	FILE *f = fopen(path, "re");
	char *text = arena_alloc(a, FILE_MAX + sizeof(LAST_LINE));
	size_t n;

	if (f == NULL || text == NULL) {
		err_set(e, ERR_FATAL, "%s: %s", path, strerror(errno));
		if (f != NULL)
			fclose(f);
		return NULL;
	}
	n = fread(text, 1, FILE_MAX, f);
	if (ferror(f) || n == FILE_MAX || memchr(text, '\0', n) != NULL) {
		err_set(e, ERR_FATAL, "%s: cannot be read, or no text", path);
		fclose(f);
		return NULL;
	}
	fclose(f);
	blank_comments(text);
	memcpy(text + n, LAST_LINE, sizeof(LAST_LINE));
	return text;
}

/* libConfuse takes the end of a file for the end of the sections, strings and
 * comments it is in.  A key of ours at the end shows whether it was. */
static int
parse(struct arena *a, cfg_t *cfg, const char *path, struct err *e)
{
	struct err first = {.text = ""};
	char *text = read_whole(a, path, e);
	int rc;

	if (text == NULL)
		return -1;
	complaint = &first;
	complaint_path = path;
	cfg_set_error_function(cfg, on_error);
	watch_values(cfg);
	errno = 0;
	rc = cfg_parse_buf(cfg, text);
	complaint = NULL;
	if (rc == CFG_SUCCESS && cfg_size(cfg, LAST_KEY) == 1)
		return 0;
	if (rc == CFG_SUCCESS || strstr(first.text, LAST_KEY) != NULL)
		return err_set(e, ERR_FATAL,
		    "%s: ends within a section, a string or a comment", path);
	*e = first;
	if (e->text[0] == '\0')
		err_set(e, ERR_FATAL, "%s: syntax error", path);
	return -1;
}

struct conf *
conf_load(const char *path, struct err *e)
{
	struct arena *a = arena_new(ARENA_MAX);
	struct conf *c = a == NULL ? NULL : arena_alloc(a, sizeof(*c));
	struct grammar *g = a == NULL ? NULL : arena_alloc(a, sizeof(*g));
	cfg_t *cfg;
	int rc = -1;

	if (c == NULL || g == NULL) {
		err_set(e, ERR_FATAL, "out of memory for %s", path);
		arena_free(&a);
		return NULL;
	}
	c->arena = a;
	c->path = arena_strdup(a, path);
	build_grammar(g);
	cfg = cfg_init(g->top, CFGF_NONE);
	if (cfg == NULL || c->path == NULL)
		err_set(e, ERR_FATAL, "out of memory for %s", path);
	else if (parse(a, cfg, path, e) == 0 && take_values(c, cfg, e) == 0)
		rc = conf_stream_take(c, cfg, e);
	if (cfg != NULL)
		cfg_free(cfg);
	if (rc != 0)
		conf_free(&c);
	return c;
}

void
conf_free(struct conf **c)
{
	struct arena *a;

	if (*c == NULL)
		return;
	/* The snapshot lies in its own arena. */
	a = (*c)->arena;
	arena_free(&a);
	*c = NULL;
}
