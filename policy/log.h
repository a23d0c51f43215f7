/* SPDX-License-Identifier: ISC */
/*
 * log - one event, one line, for the postmaster at three in the morning
 *
 * A line is a level, an event word and key=value pairs.  Only programs log;
 * the library returns errors instead.
 */
#ifndef POLICY_LOG_H
#define POLICY_LOG_H

#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFORM, LOG_TRACE };
enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG };
enum log_addresses { LOG_ADDR_MASKED, LOG_ADDR_FULL, LOG_ADDR_HASHED };

/* Where lines go and which; before it is called, everything but traces goes
 * to stderr.  `name` must outlive the process (a literal). */
void log_open(const char *name, enum log_target to, enum log_level level)
    __attribute__((nonnull));

/* Writes one line.  Control characters and newlines of the arguments come out
 * as '?', so that nothing from outside can forge a line. */
void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), nonnull));

/* `address` as the setting wants it shown, into `out`: whole,
 * "g***d@rcpt.test", or `hash` (hexadecimal of its key).  Returns `out`. */
const char *log_address(char *out, size_t size, enum log_addresses how,
    const char *address, const char *hash) __attribute__((nonnull));

#endif
