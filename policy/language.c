/* SPDX-License-Identifier: ISC */
/*
 * language - the languages that a person can be written to in
 *
 * The official languages of the European Union, then its neighbours' and
 * those that many of its inhabitants read.
 */
#include "language.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static const char *const tags[] = {"", "bg", "cs", "da", "de", "el", "en", "es",
    "et", "fi", "fr", "ga", "hr", "hu", "it", "lt", "lv", "mt", "nl", "pl",
    "pt", "ro", "sk", "sl", "sv", "no", "nb", "nn", "is", "uk", "be", "ru",
    "tr", "sq", "bs", "sr", "mk", "hy", "ka", "ar", "he", "zh", "ja", "ko",
    "ca", "eu", "gl", "cy"};

_Static_assert(sizeof(tags) / sizeof(tags[0]) == LANGUAGE_COUNT,
    "LANGUAGE_COUNT counts the tags");

unsigned int
language_number(const char *tag, size_t len)
{
	const char *end = memchr(tag, '-', len);
	size_t n = end == NULL ? len : (size_t)(end - tag);

	for (unsigned int i = 1; i < LANGUAGE_COUNT; i++)
		if (strlen(tags[i]) == n && strncasecmp(tags[i], tag, n) == 0)
			return i;
	return LANGUAGE_NONE;
}

const char *
language_tag(unsigned int number)
{
	assert(number < LANGUAGE_COUNT);
	return tags[number];
}
