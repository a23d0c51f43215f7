/* SPDX-License-Identifier: ISC */
/*
 * lint_text - the rules for what the recipient reads: the link, and its token
 *
 * A link opts out when its token says so to the keys; without keys, when it
 * is the very link that List-Unsubscribe has.
 */
#include <string.h>
#include <strings.h>

#include "lint.h"
#include "mail/anchor.h"
#include "mail/read.h"
#include "policy/addr.h"
#include "policy/arena.h"
#include "policy/conf.h"
#include "policy/keys.h"
#include "policy/token.h"

/* What one text was found to have. */
struct view {
	struct lint *lint;
	bool shown,
	    hidden; /* a link that opts out, and can or cannot be seen */
};

/* Whose token it is; false when it does not open for that. */
static bool
opens(const struct lint *l, enum capability c, const char *text, size_t len,
    struct token_subject *s)
{
	struct token t;

	return token_open(l->keys, c, text, len, &t) && token_subject(&t, s);
}

static bool
is_recipients(const struct lint *l, const struct token_subject *s)
{
	struct addr_key key;
	struct addr addr;
	struct err e;

	if (addr_parse(
		l->arena, l->recipient, strlen(l->recipient), &addr, &e) != 0)
		return false;
	key = addr_key(
	    keys_index(l->keys), channel_kind(s->channel), addr.canonical);
	return memcmp(key.octets, s->key.octets, sizeof(key.octets)) == 0;
}

static enum token_use
judge(struct lint *l, enum capability c, const char *text, size_t len,
    const char *what)
{
	struct token_subject s;

	if (!opens(l, c, text, len, &s)) {
		lint_say(l, RULE_TOKEN, "%s does not open", what);
		return TOKEN_WRONG;
	}
	if (l->recipient != NULL && !is_recipients(l, &s)) {
		lint_say(l, RULE_TOKEN, "%s is another recipient's", what);
		return TOKEN_WRONG;
	}
	return c == CAPABILITY_WHY ? TOKEN_OTHER : TOKEN_OPTS_OUT;
}

/* "mailto:TOKEN@mail-domain". */
static enum token_use
judge_mailto(struct lint *l, const char *uri, size_t len)
{
	const char *text = uri + strlen("mailto:"), *end = uri + len;
	const char *at = memchr(text, '@', (size_t)(end - text));
	const char *domain = l->conf->web.mail_domain;
	size_t n = strlen(domain);

	if (at == NULL || (size_t)(end - at - 1) < n ||
	    strncasecmp(at + 1, domain, n) != 0 ||
	    (at + 1 + n < end && at[1 + n] != '?'))
		return TOKEN_FOREIGN;
	return judge(
	    l, CAPABILITY_OPT_OUT, text, (size_t)(at - text), "the mailto URI");
}

enum token_use
lint_token(struct lint *l, const char *uri, size_t len)
{
	static const struct {
		char page;
		enum capability capability;
		const char *what;
	} pages[] = {
	    {'u', CAPABILITY_OPT_OUT, "a link to /u/"},
	    {'m', CAPABILITY_PREFERENCES, "a link to /m/"},
	    {'w', CAPABILITY_WHY, "a link to /w/"},
	};
	const char *base;
	size_t n;

	if (l->keys == NULL)
		return TOKEN_FOREIGN;
	if (len > strlen("mailto:") &&
	    strncasecmp(uri, "mailto:", strlen("mailto:")) == 0)
		return judge_mailto(l, uri, len);
	base = l->conf->web.base_url;
	n = strlen(base);
	if (len <= n || strncmp(uri, base, n) != 0 || uri[n] != '/')
		return TOKEN_FOREIGN;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (len > n + 3 && uri[n + 1] == pages[i].page &&
		    uri[n + 2] == '/')
			return judge(l, pages[i].capability, uri + n + 3,
			    len - n - 3, pages[i].what);
	return TOKEN_OTHER;
}

static void
on_link(void *arg, const char *uri, size_t len, bool visible)
{
	struct view *v = arg;
	const char *https = v->lint->https;
	bool same = https != NULL && strlen(https) == len &&
	    memcmp(https, uri, len) == 0;

	if (lint_token(v->lint, uri, len) != TOKEN_OPTS_OUT && !same)
		return;
	v->shown = v->shown || visible;
	v->hidden = v->hidden || !visible;
}

static void
check_placeholders(struct lint *l, const struct mail_text *t)
{
	static const char *const names[] = {"{{unsubscribe_url}}",
	    "{{preferences_url}}", "{{why_url}}", "{{brand}}"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strstr(t->text, names[i]) != NULL)
			lint_say(l, RULE_PLACEHOLDER, "%s", names[i]);
}

static void
check_text(struct lint *l, const struct mail_text *t)
{
	const char *kind = t->html ? "text/html" : "text/plain";
	struct view v = {.lint = l};
	struct err e;

	check_placeholders(l, t);
	if (!t->html)
		anchor_plain(t->text, t->len, on_link, &v);
	else if (anchor_html(t->text, t->len, on_link, &v, &e) != 0)
		lint_say(l, RULE_UNREAD, "%s: %s", kind, e.text);
	if (!v.shown)
		lint_say(l, RULE_LINK, "%s %s", kind,
		    v.hidden ? "has one that cannot be seen" : "has none");
}

void
lint_texts(struct lint *l)
{
	const struct mail *m = l->mail;

	if (l->untold != NULL)
		lint_say(l, RULE_UNCHECKED, "%s", l->untold);
	for (size_t i = 0; i < m->n_texts; i++)
		check_text(l, &m->texts[i]);
	if (m->unread != NULL)
		lint_say(l, RULE_UNREAD, "%s", m->unread);
	else if (m->n_texts == 0)
		lint_say(l, RULE_LINK, "there is no text");
}
