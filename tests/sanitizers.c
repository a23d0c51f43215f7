/* SPDX-License-Identifier: ISC */
/*
 * sanitizers - what they are not to tell, linked into sanitized programs
 *
 * LeakSanitizer: libgettextpo 0.21 does not free the name of a file that it has
 * read, some thirty octets for each language, once at start and once at each
 * reload.
 *
 * ThreadSanitizer: GLib hands memory from thread to thread under locks of its
 * own, which are not instrumented; so what its memset() does to such memory
 * looks like a race.
 */
const char *__lsan_default_suppressions(void);
const char *__tsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libgettextpo\n";
}

const char *
__tsan_default_suppressions(void)
{
	return "called_from_lib:libglib-2.0.so\n"
	       "called_from_lib:libgobject-2.0.so\n"
	       "called_from_lib:libgmime-3.0.so\n";
}
