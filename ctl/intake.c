/* SPDX-License-Identifier: ISC */
/*
 * intake - a file's records, checked, a part at a time
 *
 * Whatever is wrong with a record is said of that record and the next one is
 * read; only what is wrong with the file as a whole, a header for one, ends
 * the import, and then before anything was applied.
 */
#include "intake.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "csv.h"
#include "policy/arena.h"
#include "source.h"
#include "suppress.h"

enum { WORK = 4 << 20, GROWTH = 4 }; /* an octet may become four */

/* A record of the part, as it stands in the file. */
struct kept {
	long long line;
	size_t at, len;
};

struct refused {
	size_t number, at; /* of the record, and where its reason is */
};

struct intake {
	const struct intake_options *options;
	struct columns columns;
	struct source *source;
	struct arena *header, *work; /* the file's, and one record's */
	iconv_t recode;
	char delimiter;
	bool last;
	struct buf rows[ROW_LANES], raw, reasons;
	size_t n_kept, n_refused, refused_size;
	struct kept *kept;
	struct refused *refused;
	bool failed;
	char converted[GROWTH * SOURCE_RECORD_MAX + 1];
};

#define NO_RECODE ((iconv_t)-1)

/* Makes the record UTF-8, or sees that it is. */
static int
decode(struct intake *i, struct source_record *r, struct err *e)
{
	char *from = r->text, *to = i->converted;
	size_t left = r->len, room = sizeof(i->converted) - 1;

	if (memchr(r->text, '\0', r->len) != NULL)
		return err_set(e, ERR_REFUSED, "a NUL octet");
	if (i->recode == NO_RECODE) {
		if (u8_check((const uint8_t *)r->text, r->len) == NULL)
			return 0;
		return err_set(
		    e, ERR_REFUSED, "not UTF-8 (--encoding says what it is)");
	}
	iconv(i->recode, NULL, NULL, NULL, NULL);
	if (iconv(i->recode, &from, &left, &to, &room) == (size_t)-1)
		return err_set(e, ERR_REFUSED, "not %s", i->options->encoding);
	*to = '\0';
	r->text = i->converted;
	r->len = (size_t)(to - i->converted);
	return 0;
}

static int
read_csv(
    struct intake *i, struct source_record *r, struct values *v, struct err *e)
{
	const char *fields[CSV_FIELDS_MAX];
	size_t n;

	if (csv_split(r->text, r->len, i->delimiter, fields, &n, e) != 0)
		return -1;
	return columns_csv(&i->columns, fields, n, v, e);
}

/* `*object` is to be freed by the caller: the values point into it. */
static int
read_json(struct intake *i, struct source_record *r, struct values *v,
    json_t **object, struct err *e)
{
	json_error_t error;

	*object = json_loadb(r->text, r->len, JSON_REJECT_DUPLICATES, &error);
	if (*object == NULL)
		return err_set(e, ERR_REFUSED, "no JSON: %s", error.text);
	if (!json_is_object(*object))
		return err_set(e, ERR_REFUSED, "no JSON object");
	return columns_json(&i->columns, i->work, *object, v, e);
}

static int
read_record(struct intake *i, struct source_record *r, struct err *e)
{
	struct values v = {0};
	json_t *object = NULL;
	int rc;

	if (r->too_long)
		return err_set(e, ERR_REFUSED, "longer than %d octets%s",
		    SOURCE_RECORD_MAX,
		    source_form(i->source) == SOURCE_CSV
			? ": is a quote not closed?"
			: "");
	if (decode(i, r, e) != 0)
		return -1;
	arena_reset(i->work);
	rc = source_form(i->source) == SOURCE_CSV
	    ? read_csv(i, r, &v, e)
	    : read_json(i, r, &v, &object, e);
	if (rc == 0)
		rc = row_write(
		    &i->options->rules, i->work, i->n_kept - 1, &v, i->rows, e);
	json_decref(v.attributes);
	json_decref(object);
	return rc;
}

/* The names in the header, settled. */
static int
read_header(struct intake *i, struct err *e)
{
	const char *names[CSV_FIELDS_MAX];
	struct source_record r;
	size_t n;
	int rc = source_next(i->source, &r, e);

	if (rc <= 0)
		return rc < 0 ? -1
			      : err_set(e, ERR_REFUSED, "the file is empty");
	if (r.too_long)
		return err_set(e, ERR_REFUSED, "the header is too long");
	if (decode(i, &r, e) != 0)
		return -1;
	i->delimiter = i->options->delimiter;
	if (i->delimiter == '\0')
		i->delimiter = csv_detect(r.text, r.len);
	source_set_delimiter(i->source, i->delimiter);
	if (csv_split(r.text, r.len, i->delimiter, names, &n, e) != 0)
		return -1;
	return columns_header(&i->columns, i->header, names, n, e);
}

/* Whether the header and the defaults say all that a record must. */
static int
check_header(const struct intake *i, struct err *e)
{
	static const enum column needed[] = {
	    COLUMN_ADDRESS, COLUMN_PURPOSE, COLUMN_STATE};
	const struct suppress *s = i->options->rules.suppress;

	for (size_t k = 0; k < sizeof(needed) / sizeof(needed[0]); k++)
		if (!columns_has(&i->columns, needed[k]) &&
		    i->options->rules.of[needed[k]] == NULL &&
		    (needed[k] != COLUMN_STATE || s == NULL ||
			s->words[0].word != NULL))
			return err_set(e, ERR_REFUSED,
			    "the column \"%s\" is missing",
			    column_name(needed[k]));
	return 0;
}

static int
open_recode(struct intake *i, struct err *e)
{
	if (i->options->encoding == NULL)
		return 0;
	i->recode = iconv_open("UTF-8", i->options->encoding);
	if (i->recode == NO_RECODE)
		return err_set(e, ERR_REFUSED,
		    "--encoding \"%s\" is not known (iconv -l lists them)",
		    i->options->encoding);
	return 0;
}

static int
start(struct intake *i, int fd, struct err *e)
{
	const struct suppress *s = i->options->rules.suppress;

	i->header = arena_new(WORK);
	i->work = arena_new(WORK);
	i->kept = calloc(PART_RECORDS, sizeof(*i->kept));
	if (i->header == NULL || i->work == NULL || i->kept == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	if (open_recode(i, e) != 0)
		return -1;
	i->source = source_open(fd, s == NULL ? NULL : s->wrapper, e);
	if (i->source == NULL)
		return -1;
	if (source_form(i->source) != SOURCE_CSV)
		return 0;
	if (read_header(i, e) != 0 || check_header(i, e) != 0)
		return err_prefix(e, "line 1");
	return 0;
}

struct intake *
intake_open(struct intake_options *o, int fd, struct err *e)
{
	struct intake *i = calloc(1, sizeof(*i));

	if (i == NULL) {
		err_set(e, ERR_FATAL, "out of memory");
		return NULL;
	}
	i->options = o;
	i->columns = o->columns;
	i->recode = NO_RECODE;
	if (start(i, fd, e) != 0)
		intake_close(&i);
	return i;
}

void
intake_close(struct intake **ip)
{
	struct intake *i = *ip;

	if (i == NULL)
		return;
	source_close(&i->source);
	if (i->recode != NO_RECODE)
		iconv_close(i->recode);
	arena_free(&i->header);
	arena_free(&i->work);
	for (size_t k = 0; k < ROW_LANES; k++)
		buf_free(&i->rows[k]);
	buf_free(&i->raw);
	buf_free(&i->reasons);
	free(i->kept);
	free(i->refused);
	free(i);
	*ip = NULL;
}

int
intake_seek(struct intake *i, int64_t offset, long long line, struct err *e)
{
	return source_seek(i->source, offset, line, e);
}

int64_t
intake_offset(const struct intake *i)
{
	return source_offset(i->source);
}

long long
intake_line(const struct intake *i)
{
	return source_line(i->source);
}

static void
keep(struct intake *i, const struct source_record *r)
{
	i->kept[i->n_kept++] = (struct kept){r->line, i->raw.len, r->len};
	buf_add(&i->raw, r->text, r->len);
}

static void
empty(struct intake *i)
{
	for (size_t k = 0; k < ROW_LANES; k++)
		i->rows[k].len = 0;
	i->raw.len = i->reasons.len = 0;
	i->n_kept = i->n_refused = 0;
	i->last = false;
}

static bool
is_full(const struct intake *i)
{
	size_t octets = i->raw.len;

	for (size_t k = 0; k < ROW_LANES; k++)
		octets += i->rows[k].len;
	return i->n_kept == PART_RECORDS || octets >= PART_OCTETS;
}

int
intake_part(struct intake *i, struct err *e)
{
	struct source_record r;
	int rc = 1;

	empty(i);
	while (!is_full(i) && (rc = source_next(i->source, &r, e)) > 0) {
		keep(i, &r);
		if (read_record(i, &r, e) == 0)
			continue;
		if (e->kind != ERR_REFUSED)
			return -1;
		intake_refuse(i, i->n_kept - 1, e->text);
	}
	i->last = rc == 0;
	if (buf_failed(&i->raw))
		return err_set(e, ERR_FATAL, "out of memory");
	return rc < 0 ? -1 : 0;
}

bool
intake_last(const struct intake *i)
{
	return i->last;
}

size_t
intake_records(const struct intake *i)
{
	return i->n_kept;
}

size_t
intake_refused(const struct intake *i)
{
	return i->n_refused;
}

const struct buf *
intake_rows(const struct intake *i)
{
	return i->rows;
}

void
intake_refuse(void *arg, size_t number, const char *reason)
{
	struct intake *i = arg;

	if (i->n_refused == i->refused_size) {
		size_t size = i->refused_size == 0 ? 64 : i->refused_size * 2;
		struct refused *more =
		    realloc(i->refused, size * sizeof(*more));

		if (more == NULL) {
			i->failed = true;
			return;
		}
		i->refused = more;
		i->refused_size = size;
	}
	i->refused[i->n_refused++] = (struct refused){number, i->reasons.len};
	buf_add(&i->reasons, reason, strlen(reason) + 1);
}

static int
by_number(const void *a, const void *b)
{
	const struct refused *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

int
intake_rejects(
    struct intake *i, intake_rejected *take, void *arg, struct err *e)
{
	if (i->failed || buf_failed(&i->reasons))
		return err_set(e, ERR_FATAL, "out of memory for the rejects");
	if (i->n_refused > 0)
		qsort(i->refused, i->n_refused, sizeof(*i->refused), by_number);
	for (size_t n = 0; n < i->n_refused; n++) {
		const struct kept *k = &i->kept[i->refused[n].number];

		take(arg, k->line, i->reasons.data + i->refused[n].at,
		    i->raw.data + k->at, k->len);
	}
	return 0;
}
