/* SPDX-License-Identifier: ISC */
/*
 * profile_view - what is held about a person, for the template
 */
#ifndef WEB_PROFILE_VIEW_H
#define WEB_PROFILE_VIEW_H

#include <jansson.h>

struct locale;
struct locales;

/* Makes of a person's data, as SQL's assent.profile_open() has it, what the
 * template shows, in place: what may be edited (a list of names), which
 * addresses can be removed (not `own`, which the link was mailed to), words for
 * channels, states and acts, dates as people read them. */
void profile_view(json_t *data, const json_t *edits, const char *own,
    const struct locales *all) __attribute__((nonnull));

#endif
