/* SPDX-License-Identifier: ISC */
/*
 * directory - all purposes by name, for whoever looks up millions
 */
#ifndef CTL_DIRECTORY_H
#define CTL_DIRECTORY_H

#include <stddef.h>
#include <stdint.h>

#include "policy/err.h"

struct ctl;
struct directory;

struct directory_entry {
	const char *brand, *name;
	uint16_t id;
	unsigned int channels; /* bit 1 << enum channel */
};

/* Reads them from the database. NULL and `e`. */
struct directory *directory_load(struct ctl *c, struct err *e)
    __attribute__((nonnull, warn_unused_result));
void directory_free(struct directory **d);

/* The purpose called `name`, of `len` octets: BRAND/NAME; or NAME, of `brand`
 * (NULL: of the only one that has it).  NULL and `e`, of kind ERR_REFUSED. */
const struct directory_entry *directory_find(const struct directory *d,
    const char *brand, const char *name, size_t len, struct err *e)
    __attribute__((nonnull(1, 3, 5), warn_unused_result));

#endif
