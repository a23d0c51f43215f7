/* SPDX-License-Identifier: ISC */
/*
 * conf_stream - the stream sections of the configuration
 *
 * A stream that could match nothing, or does not say who speaks and what for,
 * is an error: mail would pass it by unchecked.
 */
#include "conf_stream.h"

#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "conf.h"
#include "conf_value.h"
#include "network.h"

enum { PLACEHOLDER_MAX = 200, PAGE_MAX = 63 };

/* The settings of a stream that are one of some words. */
enum word {
	WORD_RECIPIENTS,
	WORD_AUTHOR,
	WORD_SIGNED,
	WORD_FOOTER,
	WORD_TRACKING,
	WORD_OVERSIZE,
	WORDS
};

static const struct {
	const char *name;
	const char *const *words;
} word_keys[WORDS] = {
    [WORD_RECIPIENTS] = {"recipients", conf_recipients_words},
    [WORD_AUTHOR] = {"author-list-headers", conf_author_words},
    [WORD_SIGNED] = {"signed", conf_signed_words},
    [WORD_FOOTER] = {"footer", conf_footer_words},
    [WORD_TRACKING] = {"tracking", conf_tracking_words},
    [WORD_OVERSIZE] = {"oversize", conf_oversize_words},
};

/* "NAME=VALUE", of which the last "=" counts. */
static int
parse_placeholder(const char *text, int *value, size_t *name_len, struct err *e)
{
	const char *last = strrchr(text, '=');

	if (last == NULL || last == text || last - text > PLACEHOLDER_MAX)
		return err_set(e, ERR_FATAL,
		    "\"%s\" is not \"NAME=VALUE\", such as "
		    "\"*|UNSUB|*=unsubscribe_url\"",
		    text);
	*name_len = (size_t)(last - text);
	return conf_parse_word(conf_value_words, last + 1, value, e);
}

static int
on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *name = cfg_opt_name(opt);
	const char *text = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
	enum channel channel;
	struct err e;
	size_t len;
	int word, rc = 0;

	for (size_t i = 0; i < WORDS; i++)
		if (strcmp(name, word_keys[i].name) == 0)
			rc = conf_parse_word(
			    word_keys[i].words, text, &word, &e);
	if (strcmp(name, "channel") == 0 && !channel_parse(text, &channel))
		rc = err_set(&e, ERR_FATAL, "\"%s\" is no channel", text);
	else if (strcmp(name, "client") == 0)
		rc = network_check(text, &e);
	else if (strcmp(name, "placeholders") == 0)
		rc = parse_placeholder(text, &word, &len, &e);
	if (rc != 0)
		cfg_error(cfg, "%s: %s", name, e.text);
	return rc;
}

static cfg_opt_t match_opts[] = {
    CFG_STR_LIST("listener", NULL, CFGF_NODEFAULT),
    CFG_STR_LIST("login", NULL, CFGF_NODEFAULT),
    CFG_STR_LIST("client", NULL, CFGF_NODEFAULT),
    CFG_STR_LIST("sender", NULL, CFGF_NODEFAULT),
    CFG_END(),
};

cfg_opt_t conf_stream_opts[] = {
    CFG_SEC("match", match_opts, CFGF_MULTI),
    CFG_STR("brand", NULL, CFGF_NODEFAULT),
    CFG_STR("purpose", NULL, CFGF_NODEFAULT),
    CFG_STR_LIST("purposes", NULL, CFGF_NODEFAULT),
    CFG_STR("channel", "email", CFGF_NONE),
    CFG_STR("recipients", "split", CFGF_NONE),
    CFG_STR("author-list-headers", "replace", CFGF_NONE),
    CFG_STR("signed", "refuse", CFGF_NONE),
    CFG_STR("footer", "on", CFGF_NONE),
    CFG_STR("tracking", "keep", CFGF_NONE),
    CFG_STR("oversize", "headers-only", CFGF_NONE),
    CFG_STR_LIST("tracker-hosts", NULL, CFGF_NODEFAULT),
    CFG_STR_LIST("redirectors", NULL, CFGF_NODEFAULT),
    CFG_STR_LIST("placeholders", NULL, CFGF_NODEFAULT),
    CFG_STR("opt-out-page", NULL, CFGF_NODEFAULT),
    CFG_STR("preferences-page", NULL, CFGF_NODEFAULT),
    CFG_END(),
};

void
conf_stream_watch(cfg_t *cfg)
{
	static const char *const paths[] = {
	    "stream|channel", "stream|placeholders", "stream|match|client"};
	char path[64];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		cfg_set_validate_func(cfg, paths[i], on_value);
	for (size_t i = 0; i < WORDS; i++) {
		snprintf(path, sizeof(path), "stream|%s", word_keys[i].name);
		cfg_set_validate_func(cfg, path, on_value);
	}
}

/* The strings of a list, NULL-terminated; NULL when the arena is full. */
static const char *const *
take_list(struct conf *c, cfg_t *sec, const char *name)
{
	unsigned int n = cfg_size(sec, name);
	const char **list = arena_alloc(c->arena, (n + 1) * sizeof(*list));

	for (unsigned int i = 0; list != NULL && i < n; i++) {
		list[i] = arena_strdup(c->arena, cfg_getnstr(sec, name, i));
		if (list[i] == NULL)
			return NULL;
	}
	return list;
}

static int
take_matches(struct conf *c, struct stream *s, cfg_t *sec, struct err *e)
{
	struct stream_match *m;

	s->n_matches = cfg_size(sec, "match");
	if (s->n_matches == 0)
		return err_set(e, ERR_FATAL,
		    "a match block is missing: \"match { listener = ... }\"; "
		    "\"match { }\" takes all mail");
	s->matches = m =
	    arena_alloc(c->arena, s->n_matches * sizeof(*s->matches));
	for (unsigned int i = 0; m != NULL && i < s->n_matches; i++) {
		cfg_t *block = cfg_getnsec(sec, "match", i);

		m[i].listener = take_list(c, block, "listener");
		m[i].login = take_list(c, block, "login");
		m[i].client = take_list(c, block, "client");
		m[i].sender = take_list(c, block, "sender");
		if (m[i].listener == NULL || m[i].login == NULL ||
		    m[i].client == NULL || m[i].sender == NULL)
			m = NULL;
	}
	return m != NULL ? 0 : err_set(e, ERR_FATAL, "too large");
}

static int
take_purposes(struct conf *c, struct stream *s, cfg_t *sec, struct err *e)
{
	const char *preset = cfg_getstr(sec, "purpose");
	const char *const *list = take_list(c, sec, "purposes");
	size_t n = cfg_size(sec, "purposes");

	if (n == 0 && preset == NULL)
		return err_set(e, ERR_FATAL,
		    "neither purpose nor purposes is given: say what the mail "
		    "is for");
	s->n_purposes = n == 0 ? 1 : n;
	s->purposes =
	    arena_alloc(c->arena, s->n_purposes * sizeof(*s->purposes));
	if (list == NULL || s->purposes == NULL)
		return err_set(e, ERR_FATAL, "too large");
	for (size_t i = 0; i < n; i++)
		s->purposes[i].name = list[i];
	if (n == 0 &&
	    (s->purposes[0].name = arena_strdup(c->arena, preset)) == NULL)
		return err_set(e, ERR_FATAL, "too large");
	if (preset == NULL)
		return 0;
	s->purpose = stream_purpose(s, preset, strlen(preset));
	return s->purpose != NULL
	    ? 0
	    : err_set(e, ERR_FATAL,
		  "purpose: \"%s\" must be among its purposes", preset);
}

static int
take_words(struct stream *s, cfg_t *sec, struct err *e)
{
	int word[WORDS];

	for (size_t i = 0; i < WORDS; i++)
		if (conf_parse_word(word_keys[i].words,
			cfg_getstr(sec, word_keys[i].name), &word[i], e) != 0)
			return -1;
	s->recipients = (enum stream_recipients)word[WORD_RECIPIENTS];
	s->author = (enum stream_author)word[WORD_AUTHOR];
	s->signatures = (enum stream_signatures)word[WORD_SIGNED];
	s->footer = (enum stream_footer)word[WORD_FOOTER];
	s->tracking = (enum stream_tracking)word[WORD_TRACKING];
	s->oversize = (enum stream_oversize)word[WORD_OVERSIZE];
	return 0;
}

/* What the body is edited by. */
static int
take_body(struct conf *c, struct stream *s, cfg_t *sec, struct err *e)
{
	const char *const *list = take_list(c, sec, "placeholders");
	struct stream_placeholder *own;
	size_t len;
	int value;

	s->n_placeholders = cfg_size(sec, "placeholders");
	s->placeholders = own =
	    arena_alloc(c->arena, (s->n_placeholders + 1) * sizeof(*own));
	s->tracker_hosts = take_list(c, sec, "tracker-hosts");
	s->redirectors = take_list(c, sec, "redirectors");
	if (list == NULL || own == NULL || s->tracker_hosts == NULL ||
	    s->redirectors == NULL)
		return err_set(e, ERR_FATAL, "too large");
	for (size_t i = 0; i < s->n_placeholders; i++) {
		if (parse_placeholder(list[i], &value, &len, e) != 0)
			return -1;
		own[i].value = (enum stream_value)value;
		own[i].name = arena_strndup(c->arena, list[i], len);
		if (own[i].name == NULL)
			return err_set(e, ERR_FATAL, "too large");
	}
	return 0;
}

/* The name of a page; NULL where none is given. */
static int
take_page(struct conf *c, cfg_t *sec, const char *key, const char **out,
    struct err *e)
{
	const char *name = cfg_getstr(sec, key);
	size_t len = name == NULL ? 0 : strlen(name);

	*out = NULL;
	if (name == NULL)
		return 0;
	if (len == 0 || len > PAGE_MAX ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != len)
		return err_set(
		    e, ERR_FATAL, "%s: \"%s\" is no page's name", key, name);
	*out = arena_strdup(c->arena, name);
	return *out != NULL ? 0 : err_set(e, ERR_FATAL, "too large");
}

static int
take_stream(struct conf *c, struct stream *s, cfg_t *sec, struct err *e)
{
	const char *brand = cfg_getstr(sec, "brand");

	s->name = arena_strdup(c->arena, cfg_title(sec));
	if (s->name == NULL)
		return err_set(e, ERR_FATAL, "too large");
	if (s->name[0] == '\0' ||
	    strspn(s->name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
		"XYZ0123456789._-") != strlen(s->name))
		return err_set(e, ERR_FATAL,
		    "a stream's name has letters, digits and ._- only");
	if (brand == NULL)
		return err_set(e, ERR_FATAL, "brand is missing: who speaks");
	s->brand = arena_strdup(c->arena, brand);
	if (!channel_parse(cfg_getstr(sec, "channel"), &s->channel) ||
	    take_words(s, sec, e) != 0 || take_body(c, s, sec, e) != 0 ||
	    take_page(c, sec, "opt-out-page", &s->opt_out_page, e) != 0 ||
	    take_page(c, sec, "preferences-page", &s->preferences_page, e) != 0)
		return -1;
	/* Other channels need other addresses than a mailbox. */
	if (s->channel != CHANNEL_EMAIL)
		return err_set(
		    e, ERR_FATAL, "channel: only email can be checked by now");
	if (take_matches(c, s, sec, e) != 0)
		return -1;
	return take_purposes(c, s, sec, e);
}

int
conf_stream_take(struct conf *c, cfg_t *cfg, struct err *e)
{
	c->n_streams = cfg_size(cfg, "stream");
	c->streams =
	    arena_alloc(c->arena, (c->n_streams + 1) * sizeof(*c->streams));
	if (c->streams == NULL)
		return err_set(e, ERR_FATAL, "%s: too large", c->path);
	for (unsigned int i = 0; i < c->n_streams; i++) {
		cfg_t *sec = cfg_getnsec(cfg, "stream", i);

		if (take_stream(c, &c->streams[i], sec, e) != 0)
			return err_prefix(e, "%s:%d: stream %s", c->path,
			    sec->line, cfg_title(sec));
	}
	return 0;
}
