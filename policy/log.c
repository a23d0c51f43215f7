/* SPDX-License-Identifier: ISC */
/*
 * log - one event, one line
 *
 * To stderr lines never mix: whoever finds nobody writing writes, and takes
 * along what others add meanwhile, so that many threads make few system calls
 * and none waits for another's.  The settings and this buffer are the
 * library's only mutable file-scope state; the settings are set once, before
 * any thread starts.
 */
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 1400, WAITING = 64 * 1024 };

static struct {
	const char *name;
	enum log_target to;
	enum log_level level;
	int pid;
} setting = {"assent", LOG_TO_STDERR, LOG_INFORM, 0};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t emptied;
	bool writing;
	size_t len[2];
	int filling; /* which of the two buffers lines are added to */
	char text[2][WAITING];
} queue = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .emptied = PTHREAD_COND_INITIALIZER};

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
	setting.pid = (int)getpid();
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
write_all(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, text, len);

		if (n < 0 && errno != EINTR)
			return; /* there is nobody to tell */
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
}

/* Writes until nobody has added anything. Called with the lock held. */
static void
drain(void)
{
	while (queue.len[queue.filling] > 0) {
		int full = queue.filling;

		queue.filling = !full;
		pthread_mutex_unlock(&queue.lock);
		write_all(queue.text[full], queue.len[full]);
		pthread_mutex_lock(&queue.lock);
		queue.len[full] = 0;
		pthread_cond_broadcast(&queue.emptied);
	}
}

static void
add_line(const char *line, size_t len)
{
	pthread_mutex_lock(&queue.lock);
	while (queue.len[queue.filling] + len > WAITING)
		pthread_cond_wait(&queue.emptied, &queue.lock);
	memcpy(queue.text[queue.filling] + queue.len[queue.filling], line, len);
	queue.len[queue.filling] += len;
	if (!queue.writing) {
		queue.writing = true;
		drain();
		queue.writing = false;
	}
	pthread_mutex_unlock(&queue.lock);
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
	    setting.name, setting.pid, levels[level].word, text);
	add_line(line, (size_t)n);
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
