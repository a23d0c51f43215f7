/* SPDX-License-Identifier: ISC */
/*
 * lint_list - the rules for what a mailbox provider makes a button of
 *
 * List-Unsubscribe is read as strictly as the strictest reader might: what
 * some understand and others do not is a finding.
 */
#include <string.h>
#include <strings.h>

#include "lint.h"
#include "mail/read.h"
#include "policy/arena.h"

enum { LIST_ID_MAX = 255 };

/* What one List-Unsubscribe offers. */
struct offer {
	const char *https, *mailto;
	size_t n_https, n_http, n_mailto;
	bool broken; /* a URI has blanks in it */
};

/* Past blanks and comments. */
static const char *
skip(const char *p)
{
	for (;;) {
		p += strspn(p, " \t\r\n");
		if (*p != '(' || strchr(p, ')') == NULL)
			return p;
		p = strchr(p, ')') + 1;
	}
}

static bool
has_scheme(const char *uri, const char *scheme)
{
	return strncasecmp(uri, scheme, strlen(scheme)) == 0;
}

/* The URI of `len` octets at `p`, from which blanks are taken away. */
static void
take_uri(struct lint *l, const char *p, size_t len, struct offer *o)
{
	char *uri = arena_strndup(l->arena, p, len), *to = uri;

	if (uri == NULL)
		return;
	for (size_t i = 0; i < len; i++)
		if (strchr(" \t\r\n", p[i]) == NULL)
			*to++ = p[i];
	*to = '\0';
	o->broken = o->broken || strlen(uri) != len;
	if (has_scheme(uri, "https://"))
		o->https = o->n_https++ == 0 ? uri : o->https;
	else if (has_scheme(uri, "mailto:"))
		o->mailto = o->n_mailto++ == 0 ? uri : o->mailto;
	else if (has_scheme(uri, "http://"))
		o->n_http++;
}

/* "<URI>, <URI>"; false when it is anything else. */
static bool
take_uris(struct lint *l, const char *p, struct offer *o)
{
	for (p = skip(p);; p = skip(p + 1)) {
		size_t len = *p == '<' ? strcspn(p, ">") : 0;

		if (len < 2 || p[len] != '>')
			return false;
		take_uri(l, p + 1, len - 1, o);
		p = skip(p + len + 1);
		if (*p != ',')
			return *p == '\0';
	}
}

/* The tokens in what is offered. */
static void
check_tokens(struct lint *l, const struct offer *o)
{
	enum token_use use;

	if (o->mailto != NULL)
		(void)lint_token(l, o->mailto, strlen(o->mailto));
	if (o->https == NULL || l->keys == NULL)
		return;
	use = lint_token(l, o->https, strlen(o->https));
	if (use == TOKEN_FOREIGN || use == TOKEN_OTHER)
		lint_say(l, RULE_TOKEN,
		    "the https URI of List-Unsubscribe opts nobody out here");
}

static void
check_unsubscribe(struct lint *l)
{
	const struct mail_field *f =
	    mail_next(l->mail, "List-Unsubscribe", NULL);
	size_t n = mail_count(l->mail, "List-Unsubscribe");
	struct offer o = {.https = NULL};

	if (n != 1)
		lint_say(l, RULE_UNSUBSCRIBE, "there are %zu", n);
	if (f == NULL)
		return;
	if (!take_uris(l, f->raw, &o))
		lint_say(l, RULE_UNSUBSCRIBE, "it is \"%s\"", f->value);
	l->https = o.https;
	if (o.n_https != 1 || o.n_http > 0)
		lint_say(l, RULE_HTTPS, "there are %zu https and %zu http",
		    o.n_https, o.n_http);
	if (o.n_mailto == 0)
		lint_say(l, RULE_MAILTO, "there is none");
	if (o.broken)
		lint_say(l, RULE_WHOLE_URI, NULL);
	check_tokens(l, &o);
}

static void
check_one_click(struct lint *l)
{
	const struct mail_field *f =
	    mail_next(l->mail, "List-Unsubscribe-Post", NULL);
	size_t n = mail_count(l->mail, "List-Unsubscribe-Post");

	if (n != 1)
		lint_say(l, RULE_ONE_CLICK, "there are %zu", n);
	else if (strcmp(f->value, "List-Unsubscribe=One-Click") != 0)
		lint_say(l, RULE_ONE_CLICK, "it says \"%s\"", f->value);
}

/* A phrase or none, then "<label.namespace>". */
static bool
is_list_id(const char *value)
{
	const char *id = strrchr(value, '<');
	size_t len = id == NULL ? 0 : strcspn(++id, ">");

	if (len == 0 || len > LIST_ID_MAX || id[len] != '>' ||
	    id[len + 1] != '\0' || memchr(id, '.', len) == NULL)
		return false;
	for (size_t i = 0; i < len; i++)
		if (id[i] <= ' ' || strchr("()<>[]:;@\\,\"", id[i]) != NULL ||
		    (id[i] == '.' &&
			(i == 0 || i + 1 == len || id[i + 1] == '.')))
			return false;
	return true;
}

static void
check_id(struct lint *l)
{
	const struct mail_field *f = mail_next(l->mail, "List-Id", NULL);
	size_t n = mail_count(l->mail, "List-Id");

	if (n != 1)
		lint_say(l, RULE_LIST_ID, "there are %zu", n);
	else if (!is_list_id(f->value))
		lint_say(l, RULE_LIST_ID, "it is \"%s\"", f->value);
}

void
lint_list(struct lint *l)
{
	check_unsubscribe(l);
	check_one_click(l);
	check_id(l);
}
