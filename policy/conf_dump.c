/* SPDX-License-Identifier: ISC */
/*
 * conf_dump - the effective configuration, and help on its keys
 */
#include <string.h>

#include "clock.h"
#include "conf.h"
#include "conf_value.h"

static void
dump_string(FILE *out, const char *s)
{
	putc('"', out);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\' || *s == '$')
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
	const char *word = strstr(url, "password=");
	char masked[1024];

	/* The other ways in which libpq takes one. */
	if (word != NULL) {
		word += strlen("password=");
		user = *word == '\'' ? word + 1 + strcspn(word + 1, "'")
				     : word + strcspn(word, "& \t");
		snprintf(masked, sizeof(masked), "%.*s***%s", (int)(word - url),
		    url, *user == '\'' ? user + 1 : user);
		dump_string(out, masked);
		return;
	}

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
dump_key(FILE *out, const struct conf *c, const struct conf_key *k)
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
	fprintf(out, "%s = { ", name);
	for (size_t i = 0; list[i] != NULL; i++) {
		if (i > 0)
			fputs(", ", out);
		dump_string(out, list[i]);
	}
	fputs(" }", out);
}

static void
dump_body(FILE *out, const struct stream *s)
{
	char text[512];

	dump_list(out, "\ttracker-hosts", s->tracker_hosts);
	if (s->tracker_hosts[0] != NULL)
		putc('\n', out);
	dump_list(out, "\tredirectors", s->redirectors);
	if (s->redirectors[0] != NULL)
		putc('\n', out);
	if (s->n_placeholders == 0)
		return;
	fputs("\tplaceholders = {", out);
	for (size_t i = 0; i < s->n_placeholders; i++) {
		snprintf(text, sizeof(text), "%s=%s", s->placeholders[i].name,
		    conf_value_words[s->placeholders[i].value]);
		fputs(i > 0 ? ", " : " ", out);
		dump_string(out, text);
	}
	fputs(" }\n", out);
}

static void
dump_page(FILE *out, const char *key, const char *page)
{
	if (page == NULL)
		return;
	fprintf(out, "\t%s = ", key);
	dump_string(out, page);
	fputc('\n', out);
}

static void
dump_stream(FILE *out, const struct stream *s)
{
	fprintf(out, "stream %s {\n", s->name);
	for (size_t i = 0; i < s->n_matches; i++) {
		fputs("\tmatch {", out);
		dump_list(out, " listener", s->matches[i].listener);
		dump_list(out, " login", s->matches[i].login);
		dump_list(out, " client", s->matches[i].client);
		dump_list(out, " sender", s->matches[i].sender);
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
	    "\tauthor-list-headers = %s\n\tsigned = %s\n"
	    "\tfooter = %s\n\ttracking = %s\n\toversize = %s\n",
	    channel_word(s->channel), conf_recipients_words[s->recipients],
	    conf_author_words[s->author], conf_signed_words[s->signatures],
	    conf_footer_words[s->footer], conf_tracking_words[s->tracking],
	    conf_oversize_words[s->oversize]);
	dump_body(out, s);
	dump_page(out, "opt-out-page", s->opt_out_page);
	dump_page(out, "preferences-page", s->preferences_page);
	fputs("}\n", out);
}

void
conf_dump(const struct conf *c, FILE *out)
{
	for (size_t i = 0; i < conf_keys_count; i++) {
		if (i == 0 ||
		    strcmp(conf_keys[i].section, conf_keys[i - 1].section) !=
			0) {
			if (i > 0)
				fputs("}\n", out);
			fprintf(out, "%s {\n", conf_keys[i].section);
		}
		dump_key(out, c, &conf_keys[i]);
	}
	fputs("}\n", out);
	for (size_t i = 0; i < c->n_streams; i++)
		dump_stream(out, &c->streams[i]);
}

void
conf_help(FILE *out)
{
	for (size_t i = 0; i < conf_keys_count; i++)
		fprintf(out, "%s.%s (%s%s) %s\n", conf_keys[i].section,
		    conf_keys[i].name,
		    conf_keys[i].preset == NULL ? "" : "default ",
		    conf_keys[i].preset == NULL ? "required"
						: conf_keys[i].preset,
		    conf_keys[i].help);
}
