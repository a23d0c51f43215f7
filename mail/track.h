/* SPDX-License-Identifier: ISC */
/*
 * track - images that report who reads, and links that report who clicks
 *
 * Removed are remote images of one pixel or none, hidden ones, and all of the
 * plan's tracker hosts.  A link to one of the plan's redirectors becomes the
 * address it leads to (link_unwrap()).
 */
#ifndef MAIL_TRACK_H
#define MAIL_TRACK_H

#include <stddef.h>

struct edit_plan;
struct splices;

/* What was found. */
struct track {
	unsigned pixels, links;
};

/* Adds splices for what is to be done about tracking in HTML, and counts. */
void track_html(const struct edit_plan *plan, const char *text, size_t len,
    struct splices *out, struct track *count) __attribute__((nonnull));

/* The same in plain text, which has links only. */
void track_text(const struct edit_plan *plan, const char *text, size_t len,
    struct splices *out, struct track *count) __attribute__((nonnull));

#endif
