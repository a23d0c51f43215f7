/* SPDX-License-Identifier: ISC */
/*
 * proofread - words and templates of one's own, looked at before they are used
 *
 * A page is made here by the code that makes it for people, of a person who is
 * none.
 */
#include "proofread.h"

#include <stdio.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "ctl.h"
#include "file.h"
#include "out.h"
#include "page.h"
#include "page/compose.h"
#include "page/legible.h"
#include "page/look.h"
#include "page/sample.h"
#include "page/share.h"
#include "page/vet.h"
#include "policy/conf.h"
#include "policy/store.h"

int
proofread_words(
    struct ctl *c, enum page p, const char *text, size_t max, struct err *e)
{
	struct share *s = share_load(c->conf->web.share, e);
	int rc = s == NULL ? -1 : vet_words(s, p, text, e);

	share_free(&s);
	if (rc == 0 && legible_length(text) > max)
		rc = err_set(e, ERR_REFUSED,
		    "%zu characters are too many: at most %zu",
		    legible_length(text), max);
	return rc;
}

/* Makes the page as `look` has it; what is wrong with it is `e`'s. */
static int
make(const struct share *s, const struct locale *l, enum page p,
    const struct look *look, struct buf *html, struct err *e)
{
	json_t *view = sample_view(p);
	struct composed page = {.trouble = {.text = ""}};
	int rc = -1;

	if (view != NULL)
		json_object_set_new(view, "brand", json_string(look->brand));
	if (view == NULL)
		err_set(e, ERR_FATAL, "out of memory");
	else if (compose(s, l, p, look, view, &page, e) == 0)
		rc = 0;
	if (rc == 0 && page.trouble.text[0] != '\0')
		*e = page.trouble;
	*html = page.html;
	json_decref(view);
	return rc;
}

int
proofread_template(struct ctl *c, enum page p, const char *text, struct err *e)
{
	struct share *s = share_load(c->conf->web.share, e);
	const struct look look = {
	    .brand = "Sample",
	    .sender = "sender@example.com",
	    .template = text,
	};
	struct buf html = {0};
	int rc = s == NULL ? -1 : vet_template(s, p, text, e);

	if (rc == 0) {
		*e = (struct err){.text = ""};
		rc = make(
		    s, locales_default(share_locales(s)), p, &look, &html, e);
		if (rc == 0 && e->text[0] != '\0')
			rc = -1;
	}
	buf_free(&html);
	share_free(&s);
	return rc;
}

const struct locale *
proofread_locale(const struct share *s, const char *tag, struct err *e)
{
	const struct locale *l =
	    locales_choose(share_locales(s), tag == NULL ? "en" : tag);

	if (l == NULL)
		err_set(
		    e, ERR_REFUSED, "\"%s\" is no language of the pages", tag);
	return l;
}

/* Puts the page into a file (NULL or "-": none) or what is printed. */
static enum outcome
put(const char *html, const char *path, json_t *out, struct err *e)
{
	if (path == NULL || strcmp(path, "-") == 0) {
		out_text(out, "html", html);
		return OUTCOME_DONE;
	}
	out_text(out, "file", path);
	return file_replace(path, html, e) == 0 ? OUTCOME_DONE : OUTCOME_FAILED;
}

static enum outcome
show(struct ctl *c, const struct page_choice *chosen, const struct share *s,
    const struct locale *l, const char *path, json_t *out, struct err *e)
{
	const struct look_place place = {.page = chosen->slug};
	enum outcome rc = OUTCOME_FAILED;
	struct buf html = {0};
	struct look look;
	struct err wrong = {.text = ""};

	if (look_read(c->store, &place, part_of(chosen->part), locale_tag(l),
		&look, e) != 0)
		return rc;
	if (look.page == NULL)
		err_set(e, ERR_REFUSED, "there is no %s page \"%s\"",
		    chosen->word, chosen->slug);
	else if (make(s, l, chosen->part, &look, &html, &wrong) != 0)
		*e = wrong;
	else {
		out_text(out, "page", chosen->slug);
		out_text(out, "language", locale_tag(l));
		out_text(
		    out, "trouble", wrong.text[0] == '\0' ? NULL : wrong.text);
		rc = put(html.data, path, out, e);
	}
	buf_free(&html);
	look_free(&look);
	return rc;
}

static enum outcome
run(struct ctl *c, const struct args *a, json_t *out, struct err *e)
{
	enum outcome rc = OUTCOME_FAILED;
	struct page_choice chosen;
	const struct locale *l;
	struct share *s;

	if (page_choose(a, &chosen, e) != 0)
		return OUTCOME_USAGE;
	if (ctl_store(c, e) != 0)
		return rc;
	s = share_load(c->conf->web.share, e);
	if (s == NULL)
		return rc;
	l = proofread_locale(s, args_value(a, "lang"), e);
	if (l != NULL)
		rc = show(c, &chosen, s, l, args_value(a, "out"), out, e);
	share_free(&s);
	return rc;
}

static void
print(const json_t *out)
{
	const char *trouble = out_get(out, "trouble");

	fputs(out_get(out, "html"), stdout);
	if (trouble[0] != '\0')
		out_error(trouble);
}

const struct command commands_proofread[] = {
    {
	.name = "page preview",
	.arguments = "KIND SLUG",
	.summary = "Prints a page as people see it, of nobody",
	.about = "What of its own words cannot be used is said on standard "
		 "error; the program's are\nthere instead.",
	.min = 2,
	.max = 2,
	.options = {PAGE_PART, {"lang", "LANGUAGE", "in which (en)"},
	    {"out", "FILE", "written anew, instead of standard output"}},
	.run = run,
	.print = print,
    },
    {0},
};
