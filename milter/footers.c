/* SPDX-License-Identifier: ISC */
/*
 * footers - the footers of the database, kept for a while
 *
 * All footers of a purpose are read at once, outside the lock: while one
 * session reads them anew, the others use the old ones.
 */
#include "footers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/arena.h"
#include "policy/clock.h"
#include "policy/language.h"
#include "policy/log.h"
#include "policy/store.h"

/* The columns of assent.footers(). */
enum { LANGUAGE, TEXT, HTML, BRAND, TITLE };

/* Those of one purpose. */
struct entry {
	struct entry *next;
	uint16_t purpose;
	int64_t read_at;
	struct pg_rows *rows;
};

struct footers {
	pthread_mutex_t lock;
	struct store *store;
	struct entry *entries;
};

struct footers *
footers_new(struct store *s)
{
	struct footers *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	pthread_mutex_init(&f->lock, NULL);
	f->store = s;
	return f;
}

void
footers_free(struct footers **fp)
{
	struct footers *f = *fp;

	*fp = NULL;
	if (f == NULL)
		return;
	for (struct entry *one = f->entries, *next; one != NULL; one = next) {
		next = one->next;
		pg_rows_free(&one->rows);
		free(one);
	}
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* The caller holds the lock. */
static struct entry *
find(const struct footers *f, uint16_t purpose)
{
	struct entry *one = f->entries;

	while (one != NULL && one->purpose != purpose)
		one = one->next;
	return one;
}

/* Whether nothing need be read.  Of all who find an old entry one is told to
 * read, and whether that works or not, the next is told so much later. */
static bool
is_fresh(struct footers *f, uint16_t purpose, bool *there)
{
	int64_t now = clock_now();
	struct entry *one;
	bool fresh;

	pthread_mutex_lock(&f->lock);
	one = find(f, purpose);
	*there = one != NULL;
	fresh = *there && now - one->read_at < FOOTERS_AGE * CLOCK_S;
	if (*there && !fresh)
		one->read_at = now;
	pthread_mutex_unlock(&f->lock);
	return fresh;
}

/* Puts what was read in its place; takes `rows` over. */
static int
keep(struct footers *f, uint16_t purpose, struct pg_rows *rows, struct err *e)
{
	struct entry *one, *new = calloc(1, sizeof(*new));

	pthread_mutex_lock(&f->lock);
	one = find(f, purpose);
	if (one == NULL && new != NULL) {
		one = new;
		new = NULL;
		one->purpose = purpose;
		one->next = f->entries;
		f->entries = one;
	}
	if (one != NULL) {
		pg_rows_free(&one->rows);
		one->rows = rows;
		one->read_at = clock_now();
	}
	pthread_mutex_unlock(&f->lock);
	free(new);
	if (one != NULL)
		return 0;
	pg_rows_free(&rows);
	return err_set(e, ERR_FATAL, "out of memory for footers");
}

static int
read_all(struct footers *f, uint16_t purpose, struct err *e)
{
	static const struct pg_statement get = {
	    .name = "footers",
	    .sql = "SELECT language, text, html, brand, title "
		   "FROM assent.footers($1::text::int)",
	};
	char number[8];
	const struct pg_param params[] = {{number, 0}};
	struct pg_rows *rows;

	snprintf(number, sizeof(number), "%u", purpose);
	if (store_exec(f->store, &get, params, 1, &rows, e) != 0)
		return -1;
	if (pg_rows_count(rows) > 0)
		return keep(f, purpose, rows, e);
	pg_rows_free(&rows);
	return err_set(e, ERR_FATAL, "purpose %u has no footer", purpose);
}

/* The row that suits a reader of `language` best. */
static size_t
choose(const struct pg_rows *rows, unsigned int language)
{
	const unsigned int english = language_number("en", 2);
	size_t best = 0;

	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		const char *tag = pg_rows_text(rows, i, LANGUAGE);
		unsigned int number = language_number(tag, strlen(tag));

		if (language != LANGUAGE_NONE && number == language)
			return i;
		if (number == english)
			best = i;
	}
	return best;
}

static int
copy(struct arena *a, const struct pg_rows *rows, size_t i,
    struct footers_one *out, struct err *e)
{
	out->text = arena_strdup(a, pg_rows_text(rows, i, TEXT));
	out->html = arena_strdup(a, pg_rows_text(rows, i, HTML));
	out->brand = arena_strdup(a, pg_rows_text(rows, i, BRAND));
	out->title = arena_strdup(a, pg_rows_text(rows, i, TITLE));
	if (out->text == NULL || out->html == NULL || out->brand == NULL ||
	    out->title == NULL)
		return err_set(e, ERR_FATAL, "message too large for its arena");
	return 0;
}

int
footers_get(struct footers *f, uint16_t purpose, unsigned int language,
    struct arena *a, struct footers_one *out, struct err *e)
{
	const struct pg_rows *rows;
	bool there;
	int rc;

	if (!is_fresh(f, purpose, &there) && read_all(f, purpose, e) != 0) {
		if (!there)
			return -1;
		log_line(LOG_WARN, "footers-kept purpose=%u error=\"%s\"",
		    purpose, e->text);
	}
	pthread_mutex_lock(&f->lock);
	rows = find(f, purpose)->rows;
	rc = copy(a, rows, choose(rows, language), out, e);
	pthread_mutex_unlock(&f->lock);
	return rc;
}
