/* SPDX-License-Identifier: ISC */
/*
 * check - whether a page made of a template of one's own may be shown
 *
 * The page is looked at as a browser builds it, so comments, broken tags and
 * conditions of the template hide nothing.  What it may consist of is a list;
 * all else is refused.  And since the program's own page is made of the same
 * view, what its forms must have needs no list: the button that leaves, and
 * says so, the boxes as they stand, ticked or not, and no field more; nor what
 * it must tell beside them, whose page it is.
 *
 * A link that the template does not have as it stands had something filled in,
 * and that may be about a person: other servers keep the links that lead to
 * them.
 */
#include "page/check.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mail/dom.h"

enum { FIELDS_MAX = 1024 };

static const char *const elements[] = {"a", "abbr", "address", "article",
    "aside", "b", "blockquote", "body", "br", "button", "caption", "dd", "div",
    "dl", "dt", "em", "fieldset", "figcaption", "figure", "footer", "form",
    "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "i",
    "img", "input", "label", "legend", "li", "main", "meta", "nav", "ol",
    "option", "p", "section", "select", "small", "span", "strong", "style",
    "sub", "sup", "table", "tbody", "td", "textarea", "tfoot", "th", "thead",
    "time", "title", "tr", "ul", NULL};

/* Beside aria-*. */
static const char *const attributes[] = {"alt", "autocomplete", "charset",
    "checked", "class", "colspan", "content", "datetime", "dir", "disabled",
    "for", "height", "href", "id", "lang", "max", "maxlength", "method", "min",
    "name", "placeholder", "required", "role", "rows", "rowspan", "scope",
    "selected", "src", "tabindex", "title", "type", "value", "width", NULL};

struct fields {
	char *field[FIELDS_MAX];
	size_t n;
};

struct checker {
	struct err *e;		    /* NULL: only the fields are looked for */
	const char *of;		    /* what the lines are counted in */
	const struct fields *links; /* that may be there; NULL: in a template */
	struct fields *fields;	    /* a line for each, in order */
	int forms, form_depth;	    /* how many began; within how many */
	int unseen;		    /* likewise, of what is not for all */
	bool styled, failed;
};

static bool
is_in(const char *const *list, const char *word)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}

static const char *
attribute(const struct dom_element *e, const char *name)
{
	for (size_t i = 0; i < e->n; i++)
		if (strcmp(e->attributes[i].name, name) == 0)
			return e->attributes[i].value;
	return NULL;
}

static const char *
text_of(const struct dom_element *e, const char *name)
{
	const char *value = attribute(e, name);

	return value == NULL ? "" : value;
}

static bool
refuse(struct checker *c, const struct dom_element *e, const char *why,
    const char *what)
{
	c->failed = true;
	err_set(c->e, ERR_REFUSED, "line %zu%s: <%s> %s%.40s", e->line, c->of,
	    e->name, why, what);
	return false;
}

/* Whether a link leads to a page, a mailbox or a telephone.  Browsers skip
 * white space in a scheme; here it makes another scheme of it, that is none of
 * these.
 */
static bool
leads_somewhere(const char *href)
{
	static const char *const schemes[] = {
	    "http:", "https:", "mailto:", "tel:"};
	size_t len = strcspn(href, ":/?#");

	if (href[len] != ':')
		return true;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strlen(schemes[i]) == len + 1 &&
		    strncasecmp(href, schemes[i], len + 1) == 0)
			return true;
	return false;
}

static bool
has(const struct fields *fields, const char *field)
{
	for (size_t i = 0; i < fields->n; i++)
		if (strcmp(fields->field[i], field) == 0)
			return true;
	return false;
}

/* Of a template's own text: whether nothing is filled into a link, but for the
 * one link of ours that has to be. */
static bool
is_written_out(const char *href)
{
	return strstr(href, "{{") == NULL ||
	    strcmp(href, "{{preferences}}") == 0;
}

static bool
check_link(struct checker *c, const struct dom_element *e)
{
	const char *href = attribute(e, "href");

	if (href == NULL)
		return true;
	if (!leads_somewhere(href))
		return refuse(c, e, "leads to no page", "");
	if (c->links != NULL ? has(c->links, href) : is_written_out(href))
		return true;
	return refuse(c, e,
	    "has something filled into its link, which others keep: write it "
	    "out",
	    "");
}

/* Whether a viewport leaves the size of all to whoever reads. */
static bool
lets_zoom(const char *content)
{
	static const char *const words[] = {
	    "width=device-width", "initial-scale=1", "initial-scale=1.0"};
	static const char between[] = ",; \t\n\f\r";
	size_t len, i;

	for (content += strspn(content, between); *content != '\0';
	     content += len + strspn(content + len, between)) {
		len = strcspn(content, between);
		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (strlen(words[i]) == len &&
			    strncasecmp(content, words[i], len) == 0)
				break;
		if (i == sizeof(words) / sizeof(words[0]))
			return false;
	}
	return true;
}

static bool
check_meta(struct checker *c, const struct dom_element *e)
{
	const char *charset = attribute(e, "charset");

	if (charset != NULL ? strcasecmp(charset, "utf-8") != 0
			    : strcmp(text_of(e, "name"), "viewport") != 0)
		return refuse(
		    c, e, "may say charset=utf-8 and viewport only", "");
	if (!lets_zoom(text_of(e, "content")))
		return refuse(c, e,
		    "keeps people from zooming: write "
		    "content=\"width=device-width, initial-scale=1\"",
		    "");
	return true;
}

/* Whether an image is in the page itself, and nothing but an image. */
static bool
is_image(const char *src)
{
	return strncmp(src, "data:image/png;", 15) == 0 ||
	    strncmp(src, "data:image/jpeg;", 16) == 0;
}

static bool
check_attributes(struct checker *c, const struct dom_element *e)
{
	for (size_t i = 0; i < e->n; i++) {
		const char *name = e->attributes[i].name;

		if (!is_in(attributes, name) && strncmp(name, "aria-", 5) != 0)
			return refuse(c, e, "may not have ", name);
	}
	if (attribute(e, "src") != NULL && !is_image(text_of(e, "src")))
		return refuse(c, e, "loads something", "");
	return check_link(c, e);
}

static bool
check_element(struct checker *c, const struct dom_element *e)
{
	if (!is_in(elements, e->name))
		return refuse(c, e, "is not allowed", "");
	if (strcmp(e->name, "meta") == 0 && !check_meta(c, e))
		return false;
	if (strcmp(e->name, "style") == 0 && c->styled)
		return refuse(c, e, "is the program's, in {{>top}}", "");
	if (strcmp(e->name, "form") == 0 &&
	    strcasecmp(text_of(e, "method"), "post") != 0)
		return refuse(c, e, "needs method=post", "");
	c->styled = c->styled || strcmp(e->name, "style") == 0;
	return check_attributes(c, e);
}

/* Whether what is in the element is there for nobody, or not for everybody, or
 * cannot be used: style.css has a class for that. */
static bool
is_unseen(const struct dom_element *e)
{
	const char *class = text_of(e, "class");
	const char *hidden = attribute(e, "aria-hidden");
	size_t len;

	for (; *class != '\0';
	     class += len + strspn(class + len, " \t\n\f\r")) {
		len = strcspn(class, " \t\n\f\r");
		if (len == 4 && strncasecmp(class, "trap", 4) == 0)
			return true;
	}
	if (strcmp(e->name, "fieldset") == 0 &&
	    attribute(e, "disabled") != NULL)
		return true;
	return hidden != NULL && strcmp(hidden, "false") != 0;
}

static bool
is_field(const char *name)
{
	static const char *const fields[] = {
	    "button", "input", "option", "select", "textarea", NULL};

	return is_in(fields, name);
}

/* The sender's, if there is one to be named. */
static bool
is_address(const struct dom_element *e)
{
	return strcmp(e->name, "address") == 0 && e->text[0] != '\0';
}

/* All by which a form with the field differs from one without. What is behind
 * the bar may be about a person and is never told. */
static void
add_field(struct checker *c, const struct dom_element *e)
{
	struct buf b = {0};

	if (c->fields->n == FIELDS_MAX) {
		c->failed = true;
		return;
	}
	if (c->form_depth > 0)
		buf_printf(&b, "form %d", c->forms);
	else
		buf_puts(&b, "its text");
	buf_printf(&b, ": <%s> %s %s|%s|%s|%s|%s|%s|%d%d%d%d%d|%s", e->name,
	    text_of(e, "type"), text_of(e, "name"), text_of(e, "value"),
	    text_of(e, "tabindex"), text_of(e, "maxlength"), text_of(e, "min"),
	    text_of(e, "max"), attribute(e, "checked") != NULL,
	    attribute(e, "selected") != NULL, attribute(e, "disabled") != NULL,
	    attribute(e, "required") != NULL, c->unseen > 0,
	    is_address(e) || strcmp(e->name, "button") == 0 ? e->text : "");
	c->failed = c->failed || buf_failed(&b);
	c->fields->field[c->fields->n++] = b.data;
}

static bool
visit(void *arg, const struct dom_element *e, bool ends)
{
	struct checker *c = arg;
	int step = ends ? -1 : 1;

	if (strcmp(e->name, "form") == 0) {
		c->forms += !ends;
		c->form_depth += step;
	}
	if (is_unseen(e))
		c->unseen += step;
	if (!ends && (is_field(e->name) || is_address(e)))
		add_field(c, e);
	return ends || c->e == NULL || check_element(c, e);
}

static bool
visit_template(void *arg, const struct dom_element *e, bool ends)
{
	struct checker *c = arg;

	return ends ||
	    (check_link(c, e) &&
		(strcmp(e->name, "meta") != 0 || check_meta(c, e)));
}

static bool
visit_link(void *arg, const struct dom_element *e, bool ends)
{
	struct fields *links = arg;
	const char *href = attribute(e, "href");

	if (ends || href == NULL)
		return true;
	if (links->n == FIELDS_MAX)
		return false;
	links->field[links->n] = strdup(href);
	return links->field[links->n] != NULL && ++links->n > 0;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The fields of a page; of one's own (`e` is given) all else is checked, too.
 */
static int
look_through(const struct buf *page, const struct fields *links,
    struct fields *fields, struct err *e)
{
	struct checker c = {
	    .e = e, .of = " of the page", .links = links, .fields = fields};

	if (!dom_walk(page->data, page->len, visit, &c) || c.failed)
		return -1;
	qsort(fields->field, fields->n, sizeof(fields->field[0]), by_text);
	return 0;
}

/* The first line that one has and the other has not; NULL if there is none. */
static const char *
missing(const struct fields *a, const struct fields *b)
{
	for (size_t i = 0, k = 0; i < a->n; i++, k++) {
		while (k < b->n && strcmp(b->field[k], a->field[i]) < 0)
			k++;
		if (k == b->n || strcmp(b->field[k], a->field[i]) != 0)
			return a->field[i];
	}
	return NULL;
}

static int
compare(const struct fields *own, const struct fields *ours, struct err *e)
{
	const char *lacks = missing(ours, own), *more = missing(own, ours);
	const char *field = lacks != NULL ? lacks : more;

	if (field == NULL)
		return 0;
	return err_set(e, ERR_REFUSED, "the page %s ours has in %.*s",
	    lacks != NULL ? "lacks what" : "has more than",
	    (int)strcspn(field, "|"), field);
}

static void
release(struct fields **fields)
{
	if (*fields == NULL)
		return;
	for (size_t i = 0; i < (*fields)->n; i++)
		free((*fields)->field[i]);
	free(*fields);
	*fields = NULL;
}

int
check_template(const char *text, struct err *e)
{
	struct checker c = {.e = e, .of = ""};

	err_set(e, ERR_REFUSED, "the template is too large or too deep");
	return dom_walk(text, strlen(text), visit_template, &c) ? 0 : -1;
}

int
check_page(const struct buf *own, const char *template, const struct buf *ours,
    struct err *e)
{
	struct fields *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	struct fields *links = calloc(1, sizeof(*links));
	int rc = -1;

	err_set(e, ERR_REFUSED, "the page is too large or too deep");
	if (a == NULL || b == NULL || links == NULL)
		err_set(e, ERR_FATAL, "out of memory");
	else if (own->data != NULL &&
	    dom_walk(template, strlen(template), visit_link, links) &&
	    dom_walk(ours->data, ours->len, visit_link, links) &&
	    look_through(own, links, a, e) == 0 &&
	    look_through(ours, NULL, b, NULL) == 0)
		rc = compare(a, b, e);
	release(&a);
	release(&b);
	release(&links);
	return rc;
}
