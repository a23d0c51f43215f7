/* SPDX-License-Identifier: ISC */
/*
 * compose - a page, as it is sent
 *
 * A page is a template with a title; its words are in the template, and in
 * other languages in locale/.  It is readable without style, script or a
 * second request: nothing may be loaded or run, a logo is in the page itself,
 * and the one style is named to the browser by its hash.
 *
 * Words of one's own are rendered as plain text, and what comes of that is
 * escaped as a whole: whatever they say, they can only be read.  What a
 * template of one's own makes is held against what ours makes each time it is
 * shown: it cannot lose the button by which people leave.
 */
#include "page/compose.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "page/check.h"
#include "page/colour.h"
#include "page/legible.h"
#include "page/look.h"
#include "page/share.h"

/* What is needed on the way. */
struct composer {
	const struct share *share;
	const struct locale *locale;
	const struct look *look;
	json_t *view;  /* of the template */
	json_t *names; /* what words of one's own may name */
	struct composed *out;
};

/* Notes the first thing that is wrong with a page of one's own. */
static void
note(struct composer *c, const char *what, const struct err *e)
{
	if (c->out->trouble.text[0] == '\0')
		err_set(&c->out->trouble, ERR_REFUSED, "%s: %s", what, e->text);
}

/* Nothing may be loaded or run, a form may only be sent back here, and the one
 * style is named. */
static void
put_policy(struct composer *c, const char *style)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char text[sodium_base64_ENCODED_LEN(
	    sizeof(hash), sodium_base64_VARIANT_ORIGINAL)];

	crypto_hash_sha256(hash, (const unsigned char *)style, strlen(style));
	sodium_bin2base64(text, sizeof(text), hash, sizeof(hash),
	    sodium_base64_VARIANT_ORIGINAL);
	snprintf(c->out->policy, sizeof(c->out->policy),
	    "default-src 'none'; style-src 'sha256-%s'; %sform-action 'self'; "
	    "base-uri 'none'; frame-ancestors 'none'",
	    text,
	    c->look->logo != NULL || c->look->template != NULL
		? "img-src data:; "
		: "");
}

static void
put_style(struct composer *c)
{
	struct buf css = {0};
	struct colour colour;

	buf_puts(&css, share_style(c->share));
	if (c->look->colour != NULL && colour_parse(c->look->colour, &colour))
		colour_rule(colour, &css);
	if (!buf_failed(&css)) {
		json_object_set_new(c->view, "style", json_string(css.data));
		put_policy(c, css.data);
	}
	buf_free(&css);
}

/* Text of one's own, filled in; NULL if it cannot be. */
static json_t *
filled(struct composer *c, const char *what, const char *text)
{
	struct buf b = {0};
	json_t *value = NULL;
	struct err e;
	int rc = share_render_text(
	    c->share, c->locale, text, true, c->names, &b, &e);

	if (rc == 0 && (b.len == 0 || !legible(b.data, b.len)))
		rc = err_set(&e, ERR_REFUSED, "nothing of it can be seen");
	if (rc == 0)
		value = json_string(b.data);
	else
		note(c, what, &e);
	buf_free(&b);
	return value;
}

/* `text`, if there is one and it can be used, or else the program's. */
static void
put_own(
    struct composer *c, const char *what, const char *text, const char *ours)
{
	json_t *value = text == NULL ? NULL : filled(c, what, text);

	if (value == NULL && ours != NULL)
		value = json_string(locale_text(c->locale, ours));
	if (value != NULL)
		json_object_set_new(c->view, what, value);
}

/* The paragraphs of a text, which empty lines part. */
static json_t *
paragraphs(const char *text)
{
	json_t *list = json_array();
	const char *end;

	for (; *text != '\0'; text = end + strspn(end, "\n")) {
		end = strstr(text, "\n\n");
		if (end == NULL)
			end = text + strlen(text);
		json_array_append_new(
		    list, json_stringn(text, (size_t)(end - text)));
	}
	return list;
}

static void
put_words(struct composer *c)
{
	json_t *body =
	    c->look->body == NULL ? NULL : filled(c, "body", c->look->body);

	if (body != NULL)
		json_object_set_new(
		    c->view, "words", paragraphs(json_string_value(body)));
	json_decref(body);
}

static void
put_default(json_t *names, const char *key, const char *text)
{
	if (text != NULL && json_object_get(names, key) == NULL)
		json_object_set_new(names, key, json_string(text));
}

static void
put_common(struct composer *c, const struct part *part)
{
	const struct look *look = c->look;

	json_object_set_new(
	    c->view, "lang", json_string(locale_tag(c->locale)));
	if (look->brand != NULL)
		json_object_set_new(c->view, "look",
		    json_pack("{s:s, s:s*, s:s*}", "brand", look->brand, "logo",
			look->logo, "sender", look->sender));
	put_own(c, "title", part->says_why ? NULL : look->title, part->title);
	put_own(c, "button", look->button, part->button);
	put_words(c);
	put_style(c);
}

/* The page by a template of one's own instead of ours, if it may be shown. */
static void
replace(struct composer *c)
{
	struct buf own = {0};
	struct err e;

	if (share_render_text(c->share, c->locale, c->look->template, false,
		c->view, &own, &e) != 0 ||
	    check_page(&own, c->look->template, &c->out->html, &e) != 0) {
		note(c, "template", &e);
		buf_free(&own);
		return;
	}
	buf_free(&c->out->html);
	c->out->html = own;
}

int
compose(const struct share *s, const struct locale *l, enum page p,
    const struct look *look, json_t *view, struct composed *out, struct err *e)
{
	const struct part *part = part_of(p);
	struct composer c = {s, l, look, view, json_copy(view), out};

	*out = (struct composed){.trouble = {.text = ""}};
	if (c.names == NULL)
		return err_set(e, ERR_FATAL, "out of memory");
	put_default(c.names, "brand", look->brand);
	put_default(c.names, "purpose", look->purpose);
	if (look->lacks)
		err_set(&out->trouble, ERR_REFUSED, "no words in %s",
		    locale_tag(l));
	put_common(&c, part);
	json_decref(c.names);
	if (share_render(s, l, part->name, view, &out->html, e) != 0)
		return -1;
	if (look->template != NULL)
		replace(&c);
	return 0;
}
