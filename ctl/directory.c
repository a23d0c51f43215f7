/* SPDX-License-Identifier: ISC */
/*
 * directory - all purposes by name, for whoever looks up millions
 *
 * There are at most 65,535.  They are read once: one that is made while this
 * is in use is not found, one that is changed is checked again in SQL.
 */
#include "directory.h"

#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "policy/arena.h"
#include "policy/store.h"

enum { STRINGS = 1 << 24 };

struct directory {
	struct arena *strings;
	size_t n;
	struct directory_entry *entries; /* by name, then brand */
};

struct wanted {
	const char *brand, *name; /* brand NULL: any */
	size_t brand_len, len;
};

static int
compare_part(const char *text, const char *wanted, size_t len)
{
	int order = strncmp(text, wanted, len);

	return order != 0 ? order : text[len] != '\0';
}

static int
compare(const void *key, const void *entry)
{
	const struct directory_entry *have = entry;
	const struct wanted *w = key;
	int order = -compare_part(have->name, w->name, w->len);

	if (order != 0 || w->brand == NULL)
		return order;
	return -compare_part(have->brand, w->brand, w->brand_len);
}

static int
read_rows(struct directory *d, const struct pg_rows *rows)
{
	d->n = pg_rows_count(rows);
	d->entries = calloc(d->n + 1, sizeof(*d->entries));
	if (d->entries == NULL)
		return -1;
	for (size_t i = 0; i < d->n; i++) {
		struct directory_entry *one = &d->entries[i];

		one->id = (uint16_t)pg_rows_int(rows, i, 0);
		one->channels = (unsigned int)pg_rows_int(rows, i, 1);
		one->brand = arena_strdup(d->strings, pg_rows_text(rows, i, 2));
		one->name = arena_strdup(d->strings, pg_rows_text(rows, i, 3));
		if (one->brand == NULL || one->name == NULL)
			return -1;
	}
	return 0;
}

struct directory *
directory_load(struct ctl *c, struct err *e)
{
	static const struct pg_statement list = {
	    .sql = "SELECT p.id, (SELECT sum(1 << assent.channel_number(c)) "
		   "FROM unnest(p.channels) AS c), b.slug, p.slug "
		   "FROM assent.purpose p JOIN assent.brand b "
		   "ON b.id = p.brand_id "
		   "ORDER BY p.slug COLLATE \"C\", b.slug COLLATE \"C\"",
	};
	struct directory *d;
	struct pg_rows *rows;

	if (ctl_store(c, e) != 0 ||
	    store_exec(c->store, &list, NULL, 0, &rows, e) != 0)
		return NULL;
	d = calloc(1, sizeof(*d));
	if (d != NULL)
		d->strings = arena_new(STRINGS);
	if (d == NULL || d->strings == NULL || read_rows(d, rows) != 0) {
		err_set(e, ERR_FATAL, "out of memory for the purposes");
		directory_free(&d);
	}
	pg_rows_free(&rows);
	return d;
}

void
directory_free(struct directory **d)
{
	if (*d == NULL)
		return;
	arena_free(&(*d)->strings);
	free((*d)->entries);
	free(*d);
	*d = NULL;
}

const struct directory_entry *
directory_find(const struct directory *d, const char *brand, const char *name,
    size_t len, struct err *e)
{
	const char *slash = memchr(name, '/', len);
	struct wanted w = {brand, name, brand == NULL ? 0 : strlen(brand), len};
	const struct directory_entry *found;

	if (slash != NULL) {
		w.brand = name;
		w.brand_len = (size_t)(slash - name);
		w.name = slash + 1;
		w.len = len - w.brand_len - 1;
	}
	found = bsearch(&w, d->entries, d->n, sizeof(*d->entries), compare);
	if (found == NULL) {
		err_set(e, ERR_REFUSED, "there is no purpose \"%.*s\"",
		    (int)len, name);
		return NULL;
	}
	/* Neighbours of that name are of other brands. */
	if (w.brand == NULL &&
	    ((found > d->entries && compare(&w, found - 1) == 0) ||
		(found + 1 < d->entries + d->n &&
		    compare(&w, found + 1) == 0))) {
		err_set(e, ERR_REFUSED,
		    "several brands have a purpose \"%.*s\"", (int)len, name);
		return NULL;
	}
	return found;
}
