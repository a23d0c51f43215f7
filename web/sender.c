/* SPDX-License-Identifier: ISC */
/*
 * sender - the thread that sends the pages' queued mail
 *
 * The queue is a table (sql/014-signup.sql), so a mail is there as soon as the
 * page has said so, and whichever assent-web is alive sends it.  Who takes one
 * has it for a minute, longer than handing it over may last; if nothing was
 * heard by then it is taken anew.  What the MTA does not take is tried again,
 * less and less often, until its link would be too old.
 *
 * So nothing is lost, and a mail is sent twice only if the MTA took it and that
 * could not be written down within the minute: its answer was lost, this
 * process died just then, or PostgreSQL was away.  The second is recognised by
 * its Message-ID, which was made when it was queued.
 */
#include "web/sender.h"

#include <jansson.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mail/edit.h"
#include "mail/inject.h"
#include "policy/arena.h"
#include "policy/buf.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/log.h"
#include "policy/store.h"
#include "policy/token.h"
#include "page/colour.h"
#include "page/share.h"
#include "web/letter.h"
#include "web/site.h"

#define HAND_OVER (30 * CLOCK_S)

enum { PAUSE_SECONDS = 1, ARENA_MAX = 1 << 20, NAME_MAX_OCTETS = 64 };

struct sender {
	struct sites *sites;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;
};

/* A mail that was taken; all of it lives as long as its rows. */
struct mail {
	const char *id, *kind, *message_id, *recipient, *language;
	json_t *data; /* for the templates */
};

/* What a mail becomes on its way. */
struct texts {
	struct buf subject, text, html, octets;
};

/* Waits a little; whether it is time to stop. */
static bool
pause_or_stop(struct sender *s)
{
	struct timespec until;
	bool stopping;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PAUSE_SECONDS;
	pthread_mutex_lock(&s->lock);
	if (!s->stopping)
		pthread_cond_clockwait(
		    &s->wake, &s->lock, CLOCK_MONOTONIC, &until);
	stopping = s->stopping;
	pthread_mutex_unlock(&s->lock);
	return stopping;
}

static bool
is_stopping(struct sender *s)
{
	bool stopping;

	pthread_mutex_lock(&s->lock);
	stopping = s->stopping;
	pthread_mutex_unlock(&s->lock);
	return stopping;
}

/* What the link of each kind of mail may do, and where it leads; a kind that
 * is not here has none. */
static const struct {
	const char *kind;
	enum capability capability;
	char path;
} links[] = {
    {"confirm", CAPABILITY_CONFIRM, 'c'},
    {"opt-out", CAPABILITY_CONFIRM, 'c'},
    {"profile", CAPABILITY_PROFILE, 'p'},
    {"address", CAPABILITY_CONFIRM, 'a'},
};

enum { LINKS = sizeof(links) / sizeof(links[0]) };

/* Puts the link that the mail is about into its data. */
static int
add_link(const struct site *site, const char *kind, json_t *data, struct err *e)
{
	const char *hex = json_string_value(json_object_get(data, "reference"));
	char text[TOKEN_URL];
	struct token t;
	size_t n = 0, i = 0;

	while (i < LINKS && strcmp(links[i].kind, kind) != 0)
		i++;
	if (i == LINKS)
		return 0;
	t.capability = links[i].capability;
	if (hex == NULL ||
	    sodium_hex2bin(t.body, sizeof(t.body), hex, strlen(hex), NULL, &n,
		NULL) != 0 ||
	    n != sizeof(t.body))
		return err_set(e, ERR_FATAL, "a mail without its reference");
	token_seal_url(site->keys, &t, text);
	json_object_set_new(data, "link",
	    json_sprintf(
		"%s/%c/%s", site->conf->web.base_url, links[i].path, text));
	return 0;
}

/* Puts the colours of the mail's HTML in place of the brand's: of a bar, of
 * what stands on it, and of links on white. */
static void
add_colours(json_t *data)
{
	const char *own = json_string_value(json_object_get(data, "colour"));
	char bar[COLOUR_TEXT], on_bar[COLOUR_TEXT], link[COLOUR_TEXT];
	struct colour c;

	if (own == NULL || !colour_parse(own, &c))
		c = colour_plain;
	colour_text(c, bar);
	colour_text(colour_on(c), on_bar);
	colour_text(colour_toward(c, colour_white), link);
	json_object_set_new(data, "colour",
	    json_pack("{s:s, s:s, s:s}", "brand", bar, "on_brand", on_bar,
		"link", link));
}

/* Renders the template of that mail whose name ends in `which`. */
static int
render(const struct site *site, const struct locale *l, const struct mail *m,
    const char *which, struct buf *out, struct err *e)
{
	char name[NAME_MAX_OCTETS];

	snprintf(name, sizeof(name), "%s-%s", m->kind, which);
	if (share_render(site->share, l, name, m->data, out, e) != 0)
		return err_prefix(e, "template %s", name);
	while (out->len > 0 && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	return buf_failed(out) ? err_set(e, ERR_FATAL, "out of memory") : 0;
}

static int
write_mail(const struct site *site, const struct mail *m, struct arena *a,
    struct texts *t, struct err *e)
{
	const struct locales *all = share_locales(site->share);
	const struct locale *l = locales_choose(all, m->language);

	if (l == NULL)
		l = locales_default(all);
	json_object_set_new(m->data, "lang", json_string(locale_tag(l)));
	add_colours(m->data);
	if (add_link(site, m->kind, m->data, e) != 0 ||
	    render(site, l, m, "subject", &t->subject, e) != 0 ||
	    render(site, l, m, "text", &t->text, e) != 0 ||
	    render(site, l, m, "html", &t->html, e) != 0)
		return -1;
	const struct letter letter = {
	    .message_id = m->message_id,
	    .sender = json_string_value(json_object_get(m->data, "sender")),
	    .from = json_string_value(json_object_get(m->data, "brand")),
	    .recipient = m->recipient,
	    .subject = t->subject.data,
	    .text = t->text.data,
	    .html = t->html.data,
	};
	if (letter.sender == NULL || letter.from == NULL)
		return err_set(e, ERR_FATAL, "a mail from nobody");
	return letter_write(&letter, a, &t->octets, e);
}

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

/* Hands a mail to the MTA. */
static int
deliver(const struct site *site, struct inject *mta, const struct mail *m,
    struct err *e)
{
	struct arena *a = arena_new(ARENA_MAX);
	struct texts t = {0};
	int rc = -1;

	if (a == NULL)
		err_set(e, ERR_FATAL, "out of memory");
	else if (write_mail(site, m, a, &t, e) == 0) {
		const char *sender =
		    json_string_value(json_object_get(m->data, "sender"));
		const struct inject_mail mail = {
		    .from = sender,
		    .from_parameters =
			is_ascii(sender) && is_ascii(m->recipient)
			? ""
			: " SMTPUTF8",
		    .to = m->recipient,
		    .to_parameters = "",
		    .text = &(struct edit_piece){t.octets.data, t.octets.len},
		    .n_text = 1,
		};

		rc = inject_send(mta, &mail, clock_now() + HAND_OVER, e);
	}
	buf_free(&t.subject);
	buf_free(&t.text);
	buf_free(&t.html);
	buf_free(&t.octets);
	arena_free(&a);
	return rc;
}

/* Writes down what became of a mail. */
static int
record(const struct site *site, const struct mail *m, bool sent, struct err *e)
{
	static const struct pg_statement done = {
	    .name = "mail-sent",
	    .sql = "SELECT assent.mail_sent($1::text::bigint)",
	};
	static const struct pg_statement later = {
	    .name = "mail-failed",
	    .sql = "SELECT assent.mail_failed($1::text::bigint)",
	};
	const struct pg_param params[] = {{m->id, 0}};

	return store_exec(
	    site->writer, sent ? &done : &later, params, 1, NULL, e);
}

static void
send_one(struct sender *s, const struct site *site, struct inject *mta,
    const struct mail *m)
{
	struct err e;
	bool sent = deliver(site, mta, m, &e) == 0;
	bool answered = !sent && (e.kind == ERR_REFUSED || e.kind == ERR_BUSY);

	if (sent)
		log_line(LOG_INFORM, "mail result=sent kind=%s message-id=%s",
		    m->kind, m->message_id);
	else
		/* What the MTA says may name the recipient; its code does not.
		 */
		log_line(LOG_WARN,
		    "mail result=failed kind=%s message-id=%s error=\"%s%.3s\"",
		    m->kind, m->message_id, answered ? "the MTA says " : e.text,
		    answered ? inject_reply(mta) : "");
	/* One that failed comes back by itself, but not one that was sent. */
	while (record(site, m, sent, &e) != 0) {
		log_line(LOG_ERROR, "mail message-id=%s error=\"%s\"",
		    m->message_id, e.text);
		if (!sent || pause_or_stop(s))
			break;
	}
}

/* Takes a mail and sends it.  1 if there was one, 0 if not, or -1 and `e`. */
static int
take_and_send(struct sender *s, const struct site *site, struct inject *mta,
    struct err *e)
{
	static const struct pg_statement take = {
	    .name = "mail-take",
	    .sql = "SELECT id, kind, message_id, recipient, language, data "
		   "FROM assent.mail_take()",
	};
	struct pg_rows *rows;
	struct mail m;
	bool any;

	if (store_exec(site->writer, &take, NULL, 0, &rows, e) != 0)
		return -1;
	any = pg_rows_count(rows) > 0;
	if (any) {
		m = (struct mail){
		    .id = pg_rows_text(rows, 0, 0),
		    .kind = pg_rows_text(rows, 0, 1),
		    .message_id = pg_rows_text(rows, 0, 2),
		    .recipient = pg_rows_text(rows, 0, 3),
		    .language = pg_rows_text(rows, 0, 4),
		    .data = json_loads(pg_rows_text(rows, 0, 5), 0, NULL),
		};
		send_one(s, site, mta, &m);
		json_decref(m.data);
	}
	pg_rows_free(&rows);
	return any ? 1 : 0;
}

static void *
run(void *arg)
{
	struct sender *s = arg;
	bool failing = false;

	do {
		struct site *site = sites_hold(s->sites);
		struct inject *mta = inject_open(site->conf->web.submit);
		struct err e;
		int rc = 1;

		while (mta != NULL && rc > 0 && !is_stopping(s))
			rc = take_and_send(s, site, mta, &e);
		if (rc < 0 && !failing)
			log_line(LOG_ERROR, "mail error=\"%s\"", e.text);
		failing = rc < 0;
		inject_close(&mta);
		site_release(&site);
	} while (!pause_or_stop(s));
	return NULL;
}

struct sender *
sender_start(struct sites *all, struct err *e)
{
	struct sender *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		err_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	s->sites = all;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	if (inject_init(e) == 0) {
		if (pthread_create(&s->thread, NULL, run, s) == 0)
			return s;
		err_set(e, ERR_FATAL, "web: the system gives no thread");
	}
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

void
sender_stop(struct sender **sp)
{
	struct sender *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
