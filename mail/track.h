/* SPDX-License-Identifier: ISC */
/*
 * track - images that report who reads, and links that report who clicks
 *
 * Removed are remote images of one pixel or none, hidden ones, and all of the
 * plan's tracker hosts.  A link to one of the plan's redirectors becomes the
 * address it redirects to, where that is in the link: in a parameter or in the
 * path.  It must be http or https.
 */
#ifndef MAIL_TRACK_H
#define MAIL_TRACK_H

#include <stddef.h>

struct edit_plan;
struct html_reader;
struct html_token;
struct splices;

/* Adds splices for what is to be done about an HTML tag. */
void track_tag(const struct edit_plan *plan, const struct html_reader *r,
    const struct html_token *t, struct splices *out) __attribute__((nonnull));

/* Adds splices for the addresses of links in plain text. */
void track_text(const struct edit_plan *plan, const char *text, size_t len,
    struct splices *out) __attribute__((nonnull));

#endif
