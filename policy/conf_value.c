/* SPDX-License-Identifier: ISC */
/*
 * conf_value - what each key of the configuration may hold
 */
#include "conf_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "clock.h"
#include "conf.h"
#include "network.h"

static const char *const log_targets[] = {"stderr", "syslog", NULL};
static const char *const log_levels[] = {
    "error", "warning", "info", "trace", NULL};
static const char *const log_shows[] = {"masked", "full", "hashed", NULL};
static const char *const bulk_words[] = {"pass", "refuse", NULL};
const char *const conf_recipients_words[] = {"split", "one", "shared", NULL};
const char *const conf_author_words[] = {"replace", "merge", "keep", NULL};
const char *const conf_signed_words[] = {
    "refuse", "headers-only", "strip", NULL};
const char *const conf_footer_words[] = {
    "off", "placeholders", "on", "before-signature", NULL};
const char *const conf_tracking_words[] = {"keep", "strip", NULL};
const char *const conf_oversize_words[] = {"headers-only", "refuse", NULL};
const char *const conf_value_words[] = {
    "unsubscribe_url", "preferences_url", "why_url", "brand", NULL};

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
	    strtol(colon + 1, NULL, 10) > 65535)
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

const struct conf_key conf_keys[] = {
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
    {"database", "checkpointer-role", TYPE_TEXT, AT(database.checkpointer_role),
	"assent_checkpointer", 0, 0, NULL, NULL,
	"login role of assentctl ledger checkpoint"},
    {"database", "auditor-role", TYPE_TEXT, AT(database.auditor_role),
	"assent_auditor", 0, 0, NULL, NULL,
	"login role of assentctl ledger verify"},
    {"database", "dpo-role", TYPE_TEXT, AT(database.dpo_role), "assent_dpo", 0,
	0, NULL, NULL, "login role of assentctl proof"},
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
    {"milter", "timeout", TYPE_DURATION, AT(milter.timeout), "30s", SECONDS(1),
	SECONDS(300), NULL, NULL,
	"longest time for handing one message to the MTA"},
    {"milter", "copies-timeout", TYPE_DURATION, AT(milter.copies_timeout), "3m",
	SECONDS(1), SECONDS(3600), NULL, NULL,
	"when no more private copies of a message are begun; a minute less "
	"than "
	"the MTA waits for an answer"},
    {"milter", "metrics", TYPE_TEXT, AT(milter.metrics), "127.0.0.1:9180", 0, 0,
	NULL, check_host_port, "HOST:PORT of /metrics and /healthz"},
    {"milter", "inject", TYPE_TEXT, AT(milter.inject), "smtp://127.0.0.1:10026",
	0, 0, NULL, check_inject,
	"a listener of the MTA without this milter, for private copies and "
	"notifications"},
    {"milter", "max-recipients", TYPE_NUMBER, AT(milter.recipients), "1000", 1,
	100000, NULL, NULL, "most recipients of one message"},
    {"milter", "max-message", TYPE_NUMBER, AT(milter.max_message), "16777216",
	65536, 1 << 30, NULL, NULL,
	"most octets of a body that is edited, or split into private copies"},
    {"milter", "unclassified-bulk", TYPE_WORD, AT(milter.unclassified_bulk),
	"pass", 0, 0, bulk_words, NULL,
	"what becomes of mail in no stream that carries the marks of bulk "
	"mail"},
    {"web", "share", TYPE_TEXT, AT(web.share), ASSENT_SHARE, 0, 0, NULL, NULL,
	"directory of the pages' templates/, locale/ and style.css"},
    {"web", "listen", TYPE_TEXT, AT(web.listen), "127.0.0.1:8080", 0, 0, NULL,
	check_listen,
	"where the pages are: HOST:PORT or unix:/PATH; TLS is the proxy's"},
    {"web", "proxy", TYPE_TEXT, AT(web.proxy), "127.0.0.0/8", 0, 0, NULL,
	network_check,
	"address or network of the proxy, whose X-Forwarded-For is believed"},
    {"web", "base-url", TYPE_TEXT, AT(web.base_url), NULL, 0, 0, NULL,
	check_base_url, "what the links begin with, https://HOST[/PATH]"},
    {"web", "mail-domain", TYPE_TEXT, AT(web.mail_domain), NULL, 0, 0, NULL,
	check_domain, "domain of the mailto links and of List-Id"},
    {"web", "submit", TYPE_TEXT, AT(web.submit), "smtp://127.0.0.1:10026", 0, 0,
	NULL, check_inject,
	"a listener of the MTA without the milter, for mail that the pages "
	"send"},
    {"web", "profile-life", TYPE_DURATION, AT(web.profile_life), "1h",
	SECONDS(300), SECONDS(86400), NULL, NULL,
	"how long a mailed link opens a profile"},
    {"web", "threads", TYPE_NUMBER, AT(web.threads), "4", 1, 256, NULL, NULL,
	"threads that answer requests"},
    {"web", "connections", TYPE_NUMBER, AT(web.connections), "12000", 1,
	1000000, NULL, NULL, "most connections at once"},
};

const size_t conf_keys_count = sizeof(conf_keys) / sizeof(conf_keys[0]);

int
conf_parse_word(
    const char *const *words, const char *text, int *out, struct err *e)
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

int
conf_parse_duration(const char *text, int64_t *out, struct err *e)
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
    const struct conf_key *k, const char *text, int64_t *out, struct err *e)
{
	const char *rest = "";

	if (k->type == TYPE_DURATION) {
		if (conf_parse_duration(text, out, e) != 0)
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

int
conf_set(
    struct conf *c, const struct conf_key *k, const char *text, struct err *e)
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
		rc = conf_parse_word(k->words, text, &word, e);
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

const struct conf_key *
conf_find_key(const char *section, const char *name)
{
	for (size_t i = 0; i < conf_keys_count; i++)
		if (strcmp(conf_keys[i].section, section) == 0 &&
		    strcmp(conf_keys[i].name, name) == 0)
			return &conf_keys[i];
	return NULL;
}
