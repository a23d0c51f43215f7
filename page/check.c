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
	struct err *e;	       /* NULL: only the fields are looked for */
	struct fields *fields; /* a line for each, in the order of `cmp` */
	int forms, form_depth; /* how many began; within how many */
	int unseen;	       /* likewise, of what is not for all */
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
	err_set(c->e, ERR_REFUSED, "line %zu of the page: <%s> %s%.40s",
	    e->line, e->name, why, what);
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
	if (!leads_somewhere(text_of(e, "href")))
		return refuse(c, e, "leads to no page", "");
	if (attribute(e, "src") != NULL && !is_image(text_of(e, "src")))
		return refuse(c, e, "loads something", "");
	return true;
}

static bool
check_element(struct checker *c, const struct dom_element *e)
{
	if (!is_in(elements, e->name))
		return refuse(c, e, "is not allowed", "");
	if (strcmp(e->name, "meta") == 0 && attribute(e, "charset") == NULL &&
	    strcmp(text_of(e, "name"), "viewport") != 0)
		return refuse(c, e, "may say charset and viewport only", "");
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

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The fields of a page; of one's own (`e` is given) all else is checked, too.
 */
static int
look_through(const struct buf *page, struct fields *fields, struct err *e)
{
	struct checker c = {.e = e, .fields = fields};

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
check_page(const struct buf *own, const struct buf *ours, struct err *e)
{
	struct fields *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	int rc;

	err_set(e, ERR_REFUSED, "the page is too large or too deep");
	if (a == NULL || b == NULL)
		rc = err_set(e, ERR_FATAL, "out of memory");
	else if (own->data == NULL || look_through(own, a, e) != 0 ||
	    look_through(ours, b, NULL) != 0)
		rc = -1;
	else
		rc = compare(a, b, e);
	release(&a);
	release(&b);
	return rc;
}
