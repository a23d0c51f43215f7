/* SPDX-License-Identifier: ISC */
/*
 * log - one event, one line
 *
 * To stderr a line is one write(2), so that lines of several threads never
 * mix.  The settings are the library's only mutable file-scope state: they are
 * set once, before any thread starts.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 1400 };

static struct {
	const char *name;
	enum log_target to;
	enum log_level level;
} setting = {"assent", LOG_TO_STDERR, LOG_INFORM};

static const struct {
	const char *word;
	int priority;
} levels[] = {
    [LOG_ERROR] = {"error", LOG_ERR},
    [LOG_WARN] = {"warning", LOG_WARNING},
    [LOG_INFORM] = {"info", LOG_INFO},
    [LOG_TRACE] = {"trace", LOG_DEBUG},
};

void
log_open(const char *name, enum log_target to, enum log_level level)
{
	setting.name = name;
	setting.to = to;
	setting.level = level;
	if (to == LOG_TO_SYSLOG)
		openlog(name, LOG_PID, LOG_MAIL);
}

static void
defuse(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

static void
to_stderr(enum log_level level, const char *text)
{
	char line[LINE + 128], stamp[32];
	time_t now = time(NULL);
	struct tm tm;
	int n;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	n = snprintf(line, sizeof(line), "%s %s[%d] %s: %s\n", stamp,
	    setting.name, (int)getpid(), levels[level].word, text);
	while (write(STDERR_FILENO, line, (size_t)n) < 0 && errno == EINTR)
		;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	char text[LINE];
	va_list ap;

	if (level > setting.level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	defuse(text);
	if (setting.to == LOG_TO_SYSLOG)
		syslog(levels[level].priority, "%s", text);
	else
		to_stderr(level, text);
}

const char *
log_address(char *out, size_t size, enum log_addresses how, const char *address,
    const char *hash)
{
	const char *at = strrchr(address, '@');

	switch (how) {
	case LOG_ADDR_FULL:
		snprintf(out, size, "%s", address);
		break;
	case LOG_ADDR_HASHED:
		snprintf(out, size, "%s", hash);
		break;
	case LOG_ADDR_MASKED:
		/* A local part of one or two characters shows nothing. */
		if (at == NULL || at - address < 3)
			snprintf(out, size, "*%s", at == NULL ? "" : at);
		else
			snprintf(
			    out, size, "%c***%c%s", address[0], at[-1], at);
		break;
	}
	return out;
}
