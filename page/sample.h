/* SPDX-License-Identifier: ISC */
/*
 * sample - what a page is filled with when there is nobody to show it to
 */
#ifndef PAGE_SAMPLE_H
#define PAGE_SAMPLE_H

#include <jansson.h>

#include "page/part.h"

/* A new view for the template of `p`, without a brand; NULL without memory. */
json_t *sample_view(enum page p) __attribute__((warn_unused_result));

#endif
