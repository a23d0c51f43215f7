/* SPDX-License-Identifier: ISC */
/*
 * conf - the configuration file as an immutable snapshot
 *
 * libConfuse reads the syntax and hands every value over as text; one table
 * says what each key may hold.  Values are checked while the parser still
 * knows the line, so that every complaint names it.  A key that is unknown, a
 * value that cannot be understood, a stream that could match nothing: each is
 * an error, never a guess.
 */
#include "conf.h"

#include <confuse.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "clock.h"

enum { ARENA_MAX = 4 << 20 };

enum type { TYPE_TEXT, TYPE_NUMBER, TYPE_DURATION, TYPE_WORD };

struct key {
	const char *section, *name;
	enum type type;
	size_t offset;
	const char *preset; /* NULL: must be given; "": may be absent */
	int64_t min, max;
	const char *const *words; /* of a TYPE_WORD, in the enum's order */
	int (*check)(const char *text, struct err *e);
	const char *help;
};

static const char *const log_targets[] = {"stderr", "syslog", NULL};
static const char *const log_levels[] = {
    "error", "warning", "info", "trace", NULL};
static const char *const log_shows[] = {"masked", "full", "hashed", NULL};
static const char *const bulk_words[] = {"pass", "refuse", NULL};
static const char *const recipients_words[] = {"one", "shared", NULL};
static const char *const author_words[] = {"replace", "merge", "keep", NULL};

/* What may stand between < and > of a header on one line. */
static int
check_base_url(const char *text, struct err *e)
{
	if (strncmp(text, "https://", 8) != 0 || text[8] == '\0')
		return err_set(e, ERR_FATAL,
		    "\"%s\" must begin with https:// (RFC 8058 asks for it)",
		    text);
	if (text[strlen(text) - 1] == '/' || strlen(text) > 200 ||
	    strpbrk(text, " \t\r\n<>\",?#") != NULL)
		return err_set(e, ERR_FATAL,
		    "\"%s\" must be at most 200 characters, without a slash "
		    "at the end, spaces, or any of <>\",?#",
		    text);
	return 0;
}

static int
check_domain(const char *text, struct err *e)
{
	if (text[0] == '\0' || strlen(text) > 190 ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") !=
		strlen(text))
		return err_set(e, ERR_FATAL,
		    "\"%s\" is no domain of lower-case letters, digits, dots "
		    "and hyphens",
		    text);
	return 0;
}

static int
check_host_port(const char *text, struct err *e)
{
	const char *colon = strrchr(text, ':');

	if (colon == NULL || colon == text || colon[1] == '\0' ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    atol(colon + 1) > 65535)
		return err_set(e, ERR_FATAL, "\"%s\" is not HOST:PORT", text);
	return 0;
}

static int
check_listen(const char *text, struct err *e)
{
	if (strncmp(text, "unix:/", 6) == 0)
		return 0;
	return check_host_port(text, e);
}

static int
check_inject(const char *text, struct err *e)
{
	if (strncmp(text, "smtp://", 7) != 0)
		return err_set(
		    e, ERR_FATAL, "\"%s\" is not smtp://HOST:PORT", text);
	return check_host_port(text + 7, e);
}

static int
check_socket(const char *text, struct err *e)
{
	if (strncmp(text, "unix:/", 6) == 0 || strncmp(text, "inet:", 5) == 0 ||
	    strncmp(text, "inet6:", 6) == 0)
		return 0;
	return err_set(e, ERR_FATAL,
	    "\"%s\" is neither unix:/PATH nor inet:PORT@HOST", text);
}

#define AT(field) offsetof(struct conf, field)
#define SECONDS(n) ((n)*CLOCK_S)

static const struct key keys[] = {
    {"database", "url", TYPE_TEXT, AT(database.url), "postgresql:///assent", 0,
	0, NULL, NULL,
	"where PostgreSQL is, as libpq understands it; several hosts allowed"},
    {"database", "milter-role", TYPE_TEXT, AT(database.milter_role),
	"assent_milter", 0, 0, NULL, NULL, "login role of assent-milter"},
    {"database", "web-role", TYPE_TEXT, AT(database.web_role), "assent_web", 0,
	0, NULL, NULL, "login role of assent-web where it changes something"},
    {"database", "reader-role", TYPE_TEXT, AT(database.reader_role),
	"assent_reader", 0, 0, NULL, NULL,
	"login role of assent-web where it only reads"},
    {"database", "operator-role", TYPE_TEXT, AT(database.operator_role),
	"assent_operator", 0, 0, NULL, NULL, "login role of assentctl"},
    {"database", "pool", TYPE_NUMBER, AT(database.pool), "8", 1, 1000, NULL,
	NULL, "most connections of one program and role"},
    {"database", "timeout", TYPE_DURATION, AT(database.timeout), "2s",
	10 * CLOCK_MS, SECONDS(60), NULL, NULL,
	"longest wait for one statement, connecting included"},
    {"cache", "url", TYPE_TEXT, AT(cache.url), "unix:/run/redis/redis.sock", 0,
	0, NULL, NULL,
	"where Redis is: unix:PATH or "
	"redis://[[USER:]PASSWORD@]HOST[:PORT][/DATABASE]"},
    {"cache", "pool", TYPE_NUMBER, AT(cache.pool), "32", 1, 1000, NULL, NULL,
	"most connections of one program"},
    {"cache", "timeout", TYPE_DURATION, AT(cache.timeout), "200ms", CLOCK_MS,
	SECONDS(10), NULL, NULL, "longest wait for one answer"},
    {"cache", "ttl", TYPE_DURATION, AT(cache.ttl), "1d", SECONDS(10),
	SECONDS(30 * 86400), NULL, NULL, "how long an unused permit is kept"},
    {"cache", "lease", TYPE_DURATION, AT(cache.lease), "2s", 100 * CLOCK_MS,
	SECONDS(60), NULL, NULL,
	"how long a node trusts the cache without asking PostgreSQL; the same "
	"on every node"},
    {"keys", "file", TYPE_TEXT, AT(keys.file), "/etc/assent/keys", 0, 0, NULL,
	NULL, "the secrets of links and address keys, mode 0600"},
    {"log", "to", TYPE_WORD, AT(log.to), "syslog", 0, 0, log_targets, NULL,
	"where log lines go"},
    {"log", "level", TYPE_WORD, AT(log.level), "info", 0, 0, log_levels, NULL,
	"which lines are written"},
    {"log", "addresses", TYPE_WORD, AT(log.addresses), "masked", 0, 0,
	log_shows, NULL, "how addresses look in log lines"},
    {"milter", "socket", TYPE_TEXT, AT(milter.socket),
	"unix:/var/spool/postfix/assent/milter.sock", 0, 0, NULL, check_socket,
	"where the MTA connects to: unix:/PATH or inet:PORT@HOST"},
    {"milter", "timeout", TYPE_DURATION, AT(milter.timeout), "5s", SECONDS(1),
	SECONDS(300), NULL, NULL,
	"longest time for handing a notification to the MTA"},
    {"milter", "metrics", TYPE_TEXT, AT(milter.metrics), "127.0.0.1:9180", 0, 0,
	NULL, check_host_port, "HOST:PORT of /metrics and /healthz"},
    {"milter", "inject", TYPE_TEXT, AT(milter.inject), "smtp://127.0.0.1:10026",
	0, 0, NULL, check_inject,
	"a listener of the MTA without this milter, for notifications"},
    {"milter", "max-recipients", TYPE_NUMBER, AT(milter.recipients), "1000", 1,
	100000, NULL, NULL, "most recipients of one message"},
    {"milter", "unclassified-bulk", TYPE_WORD, AT(milter.unclassified_bulk),
	"pass", 0, 0, bulk_words, NULL,
	"what becomes of mail in no stream that carries the marks of bulk "
	"mail"},
    {"web", "listen", TYPE_TEXT, AT(web.listen), "127.0.0.1:8080", 0, 0, NULL,
	check_listen,
	"where the pages are: HOST:PORT or unix:/PATH; TLS is the proxy's"},
    {"web", "base-url", TYPE_TEXT, AT(web.base_url), NULL, 0, 0, NULL,
	check_base_url, "what the links begin with, https://HOST[/PATH]"},
    {"web", "mail-domain", TYPE_TEXT, AT(web.mail_domain), NULL, 0, 0, NULL,
	check_domain, "domain of the mailto links and of List-Id"},
    {"web", "threads", TYPE_NUMBER, AT(web.threads), "4", 1, 256, NULL, NULL,
	"threads that answer requests"},
    {"web", "connections", TYPE_NUMBER, AT(web.connections), "10000", 1,
	1000000, NULL, NULL, "most connections at once"},
};

enum { N_KEYS = sizeof(keys) / sizeof(keys[0]) };

/* libConfuse's callbacks carry no pointer of the caller's: this is where they
 * leave the first complaint of the conf_load() on this thread. */
static _Thread_local struct err *complaint;

__attribute__((format(printf, 2, 0))) static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[256];

	if (complaint->text[0] != '\0')
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	err_set(complaint, ERR_FATAL, "%s:%d: %s",
	    cfg->filename == NULL ? "?" : cfg->filename, cfg->line, text);
}

static int
parse_word(const char *const *words, const char *text, int *out, struct err *e)
{
	char list[128] = "";

	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], text) == 0) {
			*out = i;
			return 0;
		}
		if (i > 0)
			strncat(list, ", ", sizeof(list) - strlen(list) - 1);
		strncat(list, words[i], sizeof(list) - strlen(list) - 1);
	}
	return err_set(e, ERR_FATAL, "\"%s\" is none of: %s", text, list);
}

static int
parse_number(const char *text, int64_t *out, const char **rest, struct err *e)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	if (end == text || errno != 0 || *out < 0)
		return err_set(e, ERR_FATAL, "\"%s\" is no number", text);
	*rest = end;
	return 0;
}

static int
parse_duration(const char *text, int64_t *out, struct err *e)
{
	static const struct {
		const char *word;
		int64_t ns;
	} units[] = {{"ms", CLOCK_MS}, {"s", CLOCK_S}, {"m", 60 * CLOCK_S},
	    {"h", 3600 * CLOCK_S}, {"d", 86400 * CLOCK_S}};
	const char *unit;

	if (parse_number(text, out, &unit, e) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].word) == 0 &&
		    *out <= INT64_MAX / units[i].ns) {
			*out *= units[i].ns;
			return 0;
		}
	return err_set(e, ERR_FATAL,
	    "\"%s\" is no duration such as 200ms, 5s, 10m, 2h or 1d", text);
}

static int
parse_bounded(
    const struct key *k, const char *text, int64_t *out, struct err *e)
{
	const char *rest = "";

	if (k->type == TYPE_DURATION) {
		if (parse_duration(text, out, e) != 0)
			return -1;
	} else if (parse_number(text, out, &rest, e) != 0) {
		return -1;
	} else if (*rest != '\0') {
		return err_set(e, ERR_FATAL, "\"%s\" is no number", text);
	}
	if (*out >= k->min && *out <= k->max)
		return 0;
	if (k->type == TYPE_DURATION)
		return err_set(e, ERR_FATAL,
		    "\"%s\" is not between %lldms and %llds", text,
		    (long long)(k->min / CLOCK_MS),
		    (long long)(k->max / CLOCK_S));
	return err_set(e, ERR_FATAL, "\"%s\" is not between %lld and %lld",
	    text, (long long)k->min, (long long)k->max);
}

/* Puts `text` where the key's value belongs; with `c` NULL, only checks. */
static int
set(struct conf *c, const struct key *k, const char *text, struct err *e)
{
	char *field = c == NULL ? NULL : (char *)c + k->offset;
	int64_t number = 0;
	int word = 0, rc = 0;

	switch (k->type) {
	case TYPE_TEXT:
		if (text[0] == '\0')
			rc = err_set(e, ERR_FATAL, "may not be empty");
		else if (k->check != NULL)
			rc = k->check(text, e);
		if (rc == 0 && field != NULL) {
			*(const char **)(void *)field =
			    arena_strdup(c->arena, text);
			if (*(const char **)(void *)field == NULL)
				rc = err_set(e, ERR_FATAL, "too large");
		}
		break;
	case TYPE_WORD:
		rc = parse_word(k->words, text, &word, e);
		if (field != NULL)
			*(int *)(void *)field = word;
		break;
	case TYPE_NUMBER:
	case TYPE_DURATION:
		rc = parse_bounded(k, text, &number, e);
		if (field != NULL)
			*(int64_t *)(void *)field = number;
		break;
	}
	return rc;
}

static const struct key *
find_key(const char *section, const char *name)
{
	for (size_t i = 0; i < N_KEYS; i++)
		if (strcmp(keys[i].section, section) == 0 &&
		    strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* Called by the parser for each value of the table's keys. */
static int
on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct key *k = find_key(cfg_name(cfg), cfg_opt_name(opt));
	struct err e;

	if (k == NULL ||
	    set(NULL, k, cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1), &e) == 0)
		return 0;
	cfg_error(cfg, "%s: %s: %s", k->section, k->name, e.text);
	return -1;
}

/* The same for the keys of streams. */
static int
on_stream_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *name = cfg_opt_name(opt);
	const char *text = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
	enum channel channel;
	struct err e;
	int word;

	if (strcmp(name, "recipients") == 0 &&
	    parse_word(recipients_words, text, &word, &e) != 0)
		cfg_error(cfg, "recipients: %s", e.text);
	else if (strcmp(name, "author-list-headers") == 0 &&
	    parse_word(author_words, text, &word, &e) != 0)
		cfg_error(cfg, "author-list-headers: %s", e.text);
	else if (strcmp(name, "channel") == 0 && !channel_parse(text, &channel))
		cfg_error(cfg, "channel: \"%s\" is no channel", text);
	else if (strcmp(name, "client") == 0 &&
	    stream_check_client(text, &e) != 0)
		cfg_error(cfg, "client: %s", e.text);
	else
		return 0;
	return -1;
}

static cfg_opt_t match_opts[] = {
    CFG_STR_LIST("listener", NULL, CFGF_NODEFAULT),
    CFG_STR_LIST("login", NULL, CFGF_NODEFAULT),
    CFG_STR_LIST("client", NULL, CFGF_NODEFAULT),
    CFG_STR_LIST("sender", NULL, CFGF_NODEFAULT),
    CFG_END(),
};

static cfg_opt_t stream_opts[] = {
    CFG_SEC("match", match_opts, CFGF_MULTI),
    CFG_STR("brand", NULL, CFGF_NODEFAULT),
    CFG_STR("purpose", NULL, CFGF_NODEFAULT),
    CFG_STR_LIST("purposes", NULL, CFGF_NODEFAULT),
    CFG_STR("channel", "email", CFGF_NONE),
    CFG_STR("recipients", "one", CFGF_NONE),
    CFG_STR("author-list-headers", "replace", CFGF_NONE),
    CFG_END(),
};

enum { MAX_SECTIONS = 8, MAX_SECTION_KEYS = 12 };

/* The table as libConfuse wants it. */
struct grammar {
	cfg_opt_t top[MAX_SECTIONS + 2];
	cfg_opt_t section[MAX_SECTIONS][MAX_SECTION_KEYS + 1];
};

static void
build_grammar(struct grammar *g)
{
	static const cfg_opt_t end = CFG_END();
	size_t n = 0, in = 0;

	for (size_t i = 0; i < N_KEYS; i++) {
		cfg_opt_t value = CFG_STR(keys[i].name, NULL, CFGF_NODEFAULT);

		if (i > 0 && strcmp(keys[i].section, keys[i - 1].section)) {
			n++;
			in = 0;
		}
		g->section[n][in++] = value;
		g->section[n][in] = end;
		cfg_opt_t sec =
		    CFG_SEC(keys[i].section, g->section[n], CFGF_NONE);
		g->top[n] = sec;
	}
	cfg_opt_t stream = CFG_SEC("stream", stream_opts,
	    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	g->top[n + 1] = stream;
	g->top[n + 2] = end;
}

static void
watch_values(cfg_t *cfg)
{
	static const char *const stream_keys[] = {"stream|recipients",
	    "stream|author-list-headers", "stream|channel",
	    "stream|match|client"};
	char path[64];

	for (size_t i = 0; i < N_KEYS; i++) {
		snprintf(
		    path, sizeof(path), "%s|%s", keys[i].section, keys[i].name);
		cfg_set_validate_func(cfg, path, on_value);
	}
	for (size_t i = 0; i < sizeof(stream_keys) / sizeof(*stream_keys); i++)
		cfg_set_validate_func(cfg, stream_keys[i], on_stream_value);
}

static int
take_values(struct conf *c, cfg_t *cfg, struct err *e)
{
	for (size_t i = 0; i < N_KEYS; i++) {
		const struct key *k = &keys[i];
		cfg_t *sec = cfg_getsec(cfg, k->section);
		const char *text = sec != NULL && cfg_size(sec, k->name) > 0
		    ? cfg_getstr(sec, k->name)
		    : k->preset;

		if (text == NULL)
			return err_set(e, ERR_FATAL,
			    "%s: %s: %s is missing: %s", c->path, k->section,
			    k->name, k->help);
		if (set(c, k, text, e) != 0)
			return err_prefix(
			    e, "%s: %s: %s", c->path, k->section, k->name);
	}
	return 0;
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
	if (n == 0)
		s->purposes[0].name = arena_strdup(c->arena, preset);
	if (preset == NULL)
		return 0;
	s->purpose = stream_purpose(s, preset, strlen(preset));
	return s->purpose != NULL
	    ? 0
	    : err_set(e, ERR_FATAL,
		  "purpose: \"%s\" must be among its purposes", preset);
}

static int
take_stream(struct conf *c, struct stream *s, cfg_t *sec, struct err *e)
{
	const char *brand = cfg_getstr(sec, "brand");
	int recipients, author;

	s->name = arena_strdup(c->arena, cfg_title(sec));
	if (s->name == NULL)
		return err_set(e, ERR_FATAL, "too large");
	if (strspn(s->name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
		"XYZ0123456789._-") != strlen(s->name))
		return err_set(e, ERR_FATAL,
		    "a stream's name has letters, digits and ._- only");
	if (brand == NULL)
		return err_set(e, ERR_FATAL, "brand is missing: who speaks");
	s->brand = arena_strdup(c->arena, brand);
	if (!channel_parse(cfg_getstr(sec, "channel"), &s->channel) ||
	    parse_word(recipients_words, cfg_getstr(sec, "recipients"),
		&recipients, e) != 0 ||
	    parse_word(author_words, cfg_getstr(sec, "author-list-headers"),
		&author, e) != 0)
		return -1;
	/* Other channels need other addresses than a mailbox. */
	if (s->channel != CHANNEL_EMAIL)
		return err_set(
		    e, ERR_FATAL, "channel: only email can be checked by now");
	s->recipients = (enum stream_recipients)recipients;
	s->author = (enum stream_author)author;
	if (take_matches(c, s, sec, e) != 0)
		return -1;
	return take_purposes(c, s, sec, e);
}

static int
take_streams(struct conf *c, cfg_t *cfg, struct err *e)
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

static int
parse(cfg_t *cfg, const char *path, struct err *e)
{
	struct err first = {.text = ""};
	int rc;

	complaint = &first;
	cfg_set_error_function(cfg, on_error);
	watch_values(cfg);
	errno = 0;
	rc = cfg_parse(cfg, path);
	complaint = NULL;
	if (rc == CFG_SUCCESS)
		return 0;
	if (rc == CFG_FILE_ERROR)
		return err_set(e, ERR_FATAL, "%s: %s", path,
		    errno != 0 ? strerror(errno) : "cannot be read");
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
	else if (parse(cfg, path, e) == 0 && take_values(c, cfg, e) == 0)
		rc = take_streams(c, cfg, e);
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

static void
dump_string(FILE *out, const char *s)
{
	putc('"', out);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			putc('\\', out);
		putc(*s, out);
	}
	putc('"', out);
}

/* A URL with its password, if it has one, shown as "***". */
static void
dump_url(FILE *out, const char *url)
{
	const char *user = strstr(url, "://"), *at, *colon;
	char masked[1024];

	user = user == NULL ? url : user + 3;
	at = user + strcspn(user, "/?");
	while (at > user && *at != '@')
		at--;
	colon = memchr(user, ':', (size_t)(at - user));
	if (at == user || strlen(url) > sizeof(masked) - 8) {
		dump_string(out, url);
		return;
	}
	/* redis://PASSWORD@HOST has no colon. */
	colon = colon == NULL ? user - 1 : colon;
	snprintf(masked, sizeof(masked), "%.*s***%s", (int)(colon + 1 - url),
	    url, at);
	dump_string(out, masked);
}

static void
dump_duration(FILE *out, int64_t ns)
{
	if (ns % CLOCK_S == 0)
		fprintf(out, "%llds", (long long)(ns / CLOCK_S));
	else
		fprintf(out, "%lldms", (long long)(ns / CLOCK_MS));
}

static void
dump_key(FILE *out, const struct conf *c, const struct key *k)
{
	const char *field = (const char *)c + k->offset;

	fprintf(out, "\t%s = ", k->name);
	switch (k->type) {
	case TYPE_TEXT:
		dump_url(out, *(const char *const *)(const void *)field);
		break;
	case TYPE_WORD:
		fputs(k->words[*(const int *)(const void *)field], out);
		break;
	case TYPE_NUMBER:
		fprintf(out, "%lld",
		    (long long)*(const int64_t *)(const void *)field);
		break;
	case TYPE_DURATION:
		dump_duration(out, *(const int64_t *)(const void *)field);
		break;
	}
	putc('\n', out);
}

static void
dump_list(FILE *out, const char *name, const char *const *list)
{
	if (list[0] == NULL)
		return;
	fprintf(out, " %s = { ", name);
	for (size_t i = 0; list[i] != NULL; i++) {
		if (i > 0)
			fputs(", ", out);
		dump_string(out, list[i]);
	}
	fputs(" }", out);
}

static void
dump_stream(FILE *out, const struct stream *s)
{
	fprintf(out, "stream %s {\n", s->name);
	for (size_t i = 0; i < s->n_matches; i++) {
		fputs("\tmatch {", out);
		dump_list(out, "listener", s->matches[i].listener);
		dump_list(out, "login", s->matches[i].login);
		dump_list(out, "client", s->matches[i].client);
		dump_list(out, "sender", s->matches[i].sender);
		fputs(" }\n", out);
	}
	fputs("\tbrand = ", out);
	dump_string(out, s->brand);
	if (s->purpose != NULL) {
		fputs("\n\tpurpose = ", out);
		dump_string(out, s->purpose->name);
	}
	fputs("\n\tpurposes = {", out);
	for (size_t i = 0; i < s->n_purposes; i++) {
		fputs(i > 0 ? ", " : " ", out);
		dump_string(out, s->purposes[i].name);
	}
	fprintf(out,
	    " }\n\tchannel = %s\n\trecipients = %s\n"
	    "\tauthor-list-headers = %s\n}\n",
	    channel_word(s->channel), recipients_words[s->recipients],
	    author_words[s->author]);
}

void
conf_dump(const struct conf *c, FILE *out)
{
	for (size_t i = 0; i < N_KEYS; i++) {
		if (i == 0 || strcmp(keys[i].section, keys[i - 1].section)) {
			if (i > 0)
				fputs("}\n", out);
			fprintf(out, "%s {\n", keys[i].section);
		}
		dump_key(out, c, &keys[i]);
	}
	fputs("}\n", out);
	for (size_t i = 0; i < c->n_streams; i++)
		dump_stream(out, &c->streams[i]);
}

void
conf_help(FILE *out)
{
	for (size_t i = 0; i < N_KEYS; i++)
		fprintf(out, "%s.%s (%s%s) %s\n", keys[i].section, keys[i].name,
		    keys[i].preset == NULL ? "" : "default ",
		    keys[i].preset == NULL ? "required" : keys[i].preset,
		    keys[i].help);
}
