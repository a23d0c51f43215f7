/* SPDX-License-Identifier: ISC */
/*
 * share - what the pages are made of: templates, languages, style
 */
#ifndef PAGE_SHARE_H
#define PAGE_SHARE_H

#include <jansson.h>
#include <stdbool.h>

#include "policy/err.h"
#include "page/locale.h"

struct buf;

struct share;

/* Reads templates/NAME.mustache, locale/NAME.po and style.css below a
 * directory, and parses every template once, so that a page that cannot be
 * rendered stops a start and not a reader.  NULL and an error that names the
 * file. */
struct share *share_load(const char *directory, struct err *e)
    __attribute__((nonnull, warn_unused_result));
void share_free(struct share **s);

/* The text of a template, NULL when there is none of that name. */
const char *share_template(const struct share *s, const char *name, size_t len)
    __attribute__((nonnull, warn_unused_result));

const char *share_style(const struct share *s)
    __attribute__((nonnull, returns_nonnull));

const struct locales *share_locales(const struct share *s)
    __attribute__((nonnull, returns_nonnull));

/* Renders the template `name` with `view`, its sentences in the language `l`.
 * 0, or -1 and `e`. */
int share_render(const struct share *s, const struct locale *l,
    const char *name, const json_t *view, struct buf *out, struct err *e)
    __attribute__((nonnull, warn_unused_result));

/* The same for a template that is not among the files; `plain`: nothing in it
 * is escaped. */
int share_render_text(const struct share *s, const struct locale *l,
    const char *text, bool plain, const json_t *view, struct buf *out,
    struct err *e) __attribute__((nonnull, warn_unused_result));

#endif
