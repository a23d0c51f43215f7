/* SPDX-License-Identifier: ISC */
/*
 * lsan - what LeakSanitizer is not to tell, linked into sanitized programs
 *
 * libgettextpo 0.21 does not free the name of a file that it has read: some
 * thirty octets for each language, once at start and once at each reload.
 */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libgettextpo\n";
}
