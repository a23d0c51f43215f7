/* SPDX-License-Identifier: ISC */
/*
 * check - would this configuration work?
 *
 * Asks everything that the programs ask at their start, goes on after a
 * problem so that one run tells all, and changes nothing.  Redis away is a
 * warning: verdicts then come from PostgreSQL.
 */
#include <stdio.h>
#include <stdlib.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/buf.h"
#include "policy/cache.h"
#include "policy/channel.h"
#include "policy/conf.h"
#include "policy/store.h"

/* What is said and how bad it is. */
struct report {
	json_t *list;
	bool problem;
};

static void
say(struct report *r, const char *result, const char *what, const char *text)
{
	json_t *one = out_object(r->list);

	out_text(one, "check", what);
	out_text(one, "result", result);
	out_text(one, "text", text);
}

static void
good(struct report *r, const char *what, const char *text)
{
	say(r, "ok", what, text);
}

static void
bad(struct report *r, const char *what, const char *text)
{
	say(r, "problem", what, text);
	r->problem = true;
}

static int
add_configuration(const struct conf *conf, json_t *out, struct err *e)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	conf_dump(conf, f);
	if (fclose(f) != 0) {
		free(text);
		return err_set(e, ERR_FATAL, "out of memory");
	}
	out_text(out, "configuration", text);
	free(text);
	return 0;
}

static void
check_keys(struct ctl *c, struct report *r)
{
	struct err e;

	if (ctl_keys(c, &e) == 0)
		good(r, "keys", c->conf->keys.file);
	else
		bad(r, "keys", e.text);
}

static bool
check_database(struct ctl *c, struct report *r)
{
	char text[160];
	struct err e;

	if (ctl_store(c, &e) != 0) {
		bad(r, "database", e.text);
		return false;
	}
	snprintf(text, sizeof(text), "reached as %s, at migration %d",
	    c->conf->database.operator_role, STORE_SCHEMA);
	good(r, "database", text);
	return true;
}

/* Whether commits are confirmed, and by whom. */
static void
check_commits(struct ctl *c, struct report *r)
{
	static const struct pg_statement names = {
	    .sql = "SELECT current_setting('synchronous_standby_names')",
	};
	struct store_epoch epoch;
	struct pg_rows *rows;
	char text[512];
	struct err e;

	if (store_exec(c->store, &names, NULL, 0, &rows, &e) != 0) {
		bad(r, "commits", e.text);
		return;
	}
	snprintf(text, sizeof(text), "confirmed by standbys: %s",
	    pg_rows_text(rows, 0, 0));
	if (store_prove(c->store, &epoch, &e) != 0)
		bad(r, "commits", e.text);
	else if (pg_rows_text(rows, 0, 0)[0] != '\0')
		good(r, "commits", text);
	else if (pg_hosts(c->conf->database.url) > 1)
		say(r, "warning", "commits",
		    "several hosts are named, but no commit waits for a "
		    "standby: what was acknowledged may be lost when one is "
		    "promoted (set synchronous_standby_names)");
	pg_rows_free(&rows);
}

/* Whether every permit is what the trees of purposes say. */
static void
check_permits(struct ctl *c, struct report *r)
{
	static const struct pg_statement find = {
	    .sql = "SELECT FROM assent.outdated",
	};
	struct pg_rows *rows;
	struct err e;

	if (store_exec(c->store, &find, NULL, 0, &rows, &e) != 0) {
		bad(r, "permits", e.text);
		return;
	}
	if (pg_rows_count(rows) > 0)
		bad(r, "permits",
		    "not yet what brands, purposes and dependencies say: run "
		    "\"assentctl repack\"");
	pg_rows_free(&rows);
}

static void
check_cache(struct ctl *c, struct report *r)
{
	struct buf found = {0};
	struct cache *cache;
	struct err e;

	cache = cache_new(&c->conf->cache, NULL, &e);
	if (cache == NULL)
		bad(r, "cache", e.text);
	else if (cache_describe(cache, &found, &e) != 0)
		say(r, "warning", "cache", e.text);
	else if (buf_failed(&found))
		bad(r, "cache", "out of memory");
	else
		good(r, "cache", found.data);
	buf_free(&found);
	cache_free(&cache);
}

static int
check_purpose(struct ctl *c, const struct stream *s,
    const struct stream_purpose *p, struct err *e)
{
	struct store_purpose found;

	if (store_purpose(c->store, c->arena, s->brand, p->name, &found, e) !=
	    0)
		return -1;
	if ((found.channels & 1U << s->channel) == 0)
		return err_set(e, ERR_REFUSED,
		    "purpose \"%s\" of brand %s does not use the channel %s",
		    p->name, s->brand, channel_word(s->channel));
	return 0;
}

/* Whether the page that a stream names is its brand's, or a company's above. */
static int
check_page(struct ctl *c, const struct stream *s, const char *kind,
    const char *page, struct err *e)
{
	static const struct pg_statement find = {
	    .sql = "SELECT FROM assent.page_look($1, $2, (SELECT p.id "
		   "FROM assent.purpose p JOIN assent.brand b "
		   "ON b.id = p.brand_id WHERE b.slug = $3 "
		   "AND p.slug = 'all'), '', '') WHERE page = $2",
	};
	const struct pg_param params[] = {{kind, 0}, {page, 0}, {s->brand, 0}};
	struct pg_rows *rows = NULL;
	bool found;

	if (page == NULL)
		return 0;
	if (store_exec(c->store, &find, params, 3, &rows, e) != 0)
		return -1;
	found = pg_rows_count(rows) > 0;
	pg_rows_free(&rows);
	return found ? 0
		     : err_set(e, ERR_REFUSED, "brand %s has no %s page \"%s\"",
			   s->brand, kind, page);
}

static void
check_stream(struct ctl *c, const struct stream *s, struct report *r)
{
	char what[128], text[64];
	bool whole = true;
	struct err e;

	snprintf(what, sizeof(what), "stream %s", s->name);
	for (size_t i = 0; i < s->n_purposes; i++)
		if (check_purpose(c, s, &s->purposes[i], &e) != 0) {
			bad(r, what, e.text);
			whole = false;
		}
	if (check_page(c, s, "opt-out", s->opt_out_page, &e) != 0 ||
	    check_page(c, s, "preferences", s->preferences_page, &e) != 0) {
		bad(r, what, e.text);
		whole = false;
	}
	snprintf(text, sizeof(text), "%zu purpose%s by %s", s->n_purposes,
	    s->n_purposes == 1 ? "" : "s", channel_word(s->channel));
	if (whole)
		good(r, what, text);
}

static void
check_servers(struct ctl *c, struct report *r)
{
	bool database = check_database(c, r);

	check_cache(c, r);
	if (database) {
		check_commits(c, r);
		check_permits(c, r);
	}
	for (size_t i = 0; database && i < c->conf->n_streams; i++)
		check_stream(c, &c->conf->streams[i], r);
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	struct report r = {0};

	if (ctl_conf(c, e) != 0 || add_configuration(c->conf, out, e) != 0)
		return OUTCOME_FAILED;
	r.list = out_array(out, "checks");
	good(&r, "configuration", c->conf->path);
	check_keys(c, &r);
	if (!args_flag(a, "config-only"))
		check_servers(c, &r);
	out_bool(out, "ok", !r.problem);
	return r.problem ? OUTCOME_NO : OUTCOME_DONE;
}

static void
print(const json_t *out)
{
	const json_t *one;
	size_t i;

	out_print(out_get(out, "configuration"));
	putchar('\n');
	json_array_foreach(json_object_get(out, "checks"), i, one)
	{
		printf("%-8s ", out_get(one, "result"));
		out_print(out_get(one, "check"));
		out_print(": ");
		out_print(out_get(one, "text"));
		putchar('\n');
	}
}

const struct command commands_check[] = {
    {
	.name = "check",
	.arguments = "",
	.summary = "Checks configuration, keys and servers, and shows what "
		   "holds",
	.about = "Prints the effective configuration, defaults included, and "
		 "what each check found.\nExit status 1 when there is a "
		 "problem; Redis being away is only a warning, as\nverdicts "
		 "then come from PostgreSQL.",
	.options =
	    {
		{"config-only", NULL, "ask no server"},
	    },
	.run = run,
	.print = print,
    },
    {0},
};
