/* SPDX-License-Identifier: ISC */
/*
 * preview - a footer, or a message with it, as a recipient would get it
 *
 * The edits are the milter's (mail/edit.h) and the links samples: they have the
 * form of those of a recipient, and open nothing.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "file.h"
#include "mail/edit.h"
#include "mail/field.h"
#include "out.h"
#include "policy/arena.h"
#include "policy/buf.h"
#include "policy/conf.h"
#include "policy/footer.h"
#include "policy/language.h"
#include "policy/store.h"

/* The columns of assent.footers(). */
enum { LANGUAGE, TEXT, HTML, BRAND, TITLE };

/* The row that the milter would take: of that language, else English. */
static size_t
choose(const struct pg_rows *rows, const char *language)
{
	const unsigned int wanted = language_number(language, strlen(language));
	const unsigned int english = language_number("en", 2);
	size_t best = 0;

	for (size_t i = 0; i < pg_rows_count(rows); i++) {
		const char *tag = pg_rows_text(rows, i, LANGUAGE);
		unsigned int number = language_number(tag, strlen(tag));

		if (wanted != LANGUAGE_NONE && number == wanted)
			return i;
		if (number == english)
			best = i;
	}
	return best;
}

static const char *
sample(struct ctl *c, const char *path)
{
	return arena_printf(
	    c->arena, "%s/%s/sample", c->conf->web.base_url, path);
}

/* Fills in row `i`; -1 and `e` without memory. */
static int
fill(struct ctl *c, const struct pg_rows *rows, size_t i,
    struct edit_plan *plan, struct err *e)
{
	const struct footer_values values = {
	    .unsubscribe_url = sample(c, "u"),
	    .preferences_url = sample(c, "m"),
	    .why_url = sample(c, "w"),
	    .brand = arena_strdup(c->arena, pg_rows_text(rows, i, BRAND)),
	    .purpose = arena_strdup(c->arena, pg_rows_text(rows, i, TITLE)),
	};

	if (values.unsubscribe_url == NULL || values.preferences_url == NULL ||
	    values.why_url == NULL || values.brand == NULL ||
	    values.purpose == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	*plan = (struct edit_plan){
	    .unsubscribe_url = values.unsubscribe_url,
	    .preferences_url = values.preferences_url,
	    .why_url = values.why_url,
	    .brand = values.brand,
	    .footer_text = footer_fill(
		c->arena, pg_rows_text(rows, i, TEXT), false, &values),
	    .footer_html = footer_fill(
		c->arena, pg_rows_text(rows, i, HTML), true, &values),
	    .link_prefix = values.unsubscribe_url,
	    .max_size = (size_t)c->conf->milter.max_message,
	};
	if (plan->footer_text == NULL || plan->footer_html == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	return 0;
}

static int
make_plan(struct ctl *c, const struct args *a, struct edit_plan *plan,
    json_t *out, struct err *e)
{
	static const struct pg_statement get = {
	    .sql = "SELECT language, text, html, brand, title "
		   "FROM assent.footers($1::text::int)",
	};
	struct store_purpose p;
	struct pg_rows *rows;
	char number[8];
	const struct pg_param params[] = {{number, 0}};
	size_t i;
	int rc;

	if (ctl_language(a->words[0], e) != 0 ||
	    ctl_purpose(c, a->words[1], &p, e) != 0)
		return -1;
	snprintf(number, sizeof(number), "%u", p.id);
	if (store_exec(c->store, &get, params, 1, &rows, e) != 0)
		return -1;
	if (pg_rows_count(rows) == 0) {
		rc = err_set(e, ERR_REFUSED, "the purpose has no footer");
	} else {
		i = choose(rows, a->words[0]);
		rc = fill(c, rows, i, plan, e);
		out_text(out, "language", pg_rows_text(rows, i, LANGUAGE));
		out_text(out, "purpose", ctl_purpose_name(c, &p));
	}
	pg_rows_free(&rows);
	return rc;
}

/* Adds text whose lines end in LF: one on the wire, as the milter sees it. */
static void
to_wire(struct buf *b, const struct buf *file)
{
	for (size_t i = 0; i < file->len; i++) {
		if (file->data[i] == '\n' &&
		    (i == 0 || file->data[i - 1] != '\r'))
			buf_puts(b, "\r");
		buf_add(b, file->data + i, 1);
	}
}

/* The other way, and without what ends a string. */
static void
from_wire(struct buf *b, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] != '\r' && s[i] != '\0')
			buf_add(b, s + i, 1);
}

/* The header: fields that became others where they stood, new ones last. */
static void
put_head(
    struct buf *b, const struct edit_message *m, const struct edit_result *r)
{
	bool done[EDIT_FIELDS_MAX] = {false};
	struct field f;
	size_t at = 0, i;

	while (field_next(m->head, m->head_len, &at, &f)) {
		for (i = 0; i < r->n_fields; i++)
			if (strlen(r->fields[i].name) == f.name_len &&
			    strncasecmp(r->fields[i].name, m->head + f.at,
				f.name_len) == 0)
				break;
		if (i == r->n_fields || done[i]) {
			from_wire(b, m->head + f.at, f.end - f.at);
			continue;
		}
		buf_printf(
		    b, "%s: %s\n", r->fields[i].name, r->fields[i].value);
		done[i] = true;
	}
	for (i = 0; i < r->n_fields; i++)
		if (!done[i])
			buf_printf(b, "%s: %s\n", r->fields[i].name,
			    r->fields[i].value);
}

/* Puts the message as it would be into `out`. */
static int
edit(const struct buf *wire, const struct edit_plan *plan, json_t *out,
    struct err *e)
{
	struct edit_message m = {.head = wire->data};
	struct arena *arena = arena_new(EDIT_ROOM(wire->len));
	struct buf b = {0};
	struct edit_result r;
	struct field f;
	int rc = 0;

	if (arena == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	while (field_next(wire->data, wire->len, &m.head_len, &f))
		;
	m.body_len = wire->len - m.head_len;
	if (m.body_len >= 2)
		m.body_len -= 2; /* the empty line */
	m.body = wire->data + wire->len - m.body_len;
	edit_message(arena, &m, plan, &r);
	put_head(&b, &m, &r);
	buf_puts(&b, "\n");
	if (r.n_body == 0)
		from_wire(&b, m.body, m.body_len);
	for (size_t i = 0; i < r.n_body; i++)
		from_wire(&b, r.body[i].data, r.body[i].len);
	if (buf_failed(&b))
		rc = err_set(e, ERR_FATAL, "out of memory");
	else
		out_text(out, "message", b.data);
	out_int(out, "placeholders", r.placeholders);
	out_int(out, "footers", r.footers);
	out_text(out, "skipped",
	    r.skipped == EDIT_DONE ? NULL : edit_skip_word(r.skipped));
	buf_free(&b);
	arena_free(&arena);
	return rc;
}

static int
edit_file(
    const char *path, const struct edit_plan *plan, json_t *out, struct err *e)
{
	struct buf file = {0}, wire = {0};
	int rc = file_read(path, &file, e);

	if (rc == 0) {
		buf_puts(&wire, "");
		to_wire(&wire, &file);
		edit_init();
		rc = buf_failed(&wire) ? err_set(e, ERR_FATAL, "out of memory")
				       : edit(&wire, plan, out, e);
	}
	buf_free(&wire);
	buf_free(&file);
	return rc;
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	const char *file = args_value(a, "message");
	const bool html = args_flag(a, "html");
	struct edit_plan plan;

	if (file != NULL && html) {
		err_set(e, ERR_REFUSED,
		    "--html is for the footer alone: a message has its own "
		    "kinds of text");
		return OUTCOME_USAGE;
	}
	if (make_plan(c, a, &plan, out, e) != 0)
		return OUTCOME_FAILED;
	if (file == NULL)
		out_text(
		    out, "footer", html ? plan.footer_html : plan.footer_text);
	else if (edit_file(file, &plan, out, e) != 0)
		return OUTCOME_FAILED;
	return json_is_string(json_object_get(out, "skipped")) ? OUTCOME_NO
							       : OUTCOME_DONE;
}

static void
print(const json_t *out)
{
	const char *skipped = out_get(out, "skipped");

	out_print(out_get(out, "footer"));
	out_print(out_get(out, "message"));
	if (skipped[0] != '\0')
		fprintf(stderr, "assentctl: left as it is: %s\n", skipped);
}

const struct command commands_preview[] = {
    {
	.name = "footer preview",
	.arguments = "LANGUAGE PURPOSE",
	.summary = "Shows the footer, or a message, as a recipient gets it",
	.about =
	    "Links are samples.  With --message, FILE (- is standard input) "
	    "is edited as the\nmilter edits it with footer = on; the exit "
	    "status is 1 when something in it had\nto be left as it is.",
	.min = 2,
	.max = 2,
	.options =
	    {
		{"html", NULL, "the footer of HTML instead of plain text"},
		{"message", "FILE", "a message instead of the footer"},
	    },
	.run = run,
	.print = print,
    },
    {0},
};
