/* SPDX-License-Identifier: ISC */
/*
 * instant - a point in time to the microsecond, as the ledger counts it
 *
 * A text is accepted only if printing what was read gives it back: then no two
 * texts mean the same, and a changed digit is a changed instant.
 */
#include "instant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000000)
#define EPOCH INT64_C(946684800) /* 2000-01-01 in seconds since 1970 */

/* Microseconds from 2000 on have room for a few more years than this. */
enum { YEAR_MAX = 290000 };

const char *
instant_text(int64_t t, char out[INSTANT_TEXT])
{
	int64_t micro = t % SECOND, second = t / SECOND;
	time_t unix_time;
	struct tm tm;

	if (t == INT64_MAX)
		return memcpy(out, "infinity", sizeof("infinity"));
	if (t == INT64_MIN)
		return memcpy(out, "-infinity", sizeof("-infinity"));
	if (micro < 0) {
		micro += SECOND;
		second--;
	}
	unix_time = (time_t)(second + EPOCH);
	gmtime_r(&unix_time, &tm);
	snprintf(out, INSTANT_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, (int)micro);
	return out;
}

static bool
read_civil(const char *text, int64_t *t)
{
	struct tm tm = {0};
	int micro, end = 0;

	if (sscanf(text, "%7d-%2d-%2dT%2d:%2d:%2d.%6dZ%n", &tm.tm_year,
		&tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
		&micro, &end) != 7 ||
	    end == 0 || text[end] != '\0' || abs(tm.tm_year) > YEAR_MAX)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*t = ((int64_t)timegm(&tm) - EPOCH) * SECOND + micro;
	return true;
}

bool
instant_parse(const char *text, int64_t *t)
{
	char again[INSTANT_TEXT];

	if (strcmp(text, "infinity") == 0)
		*t = INT64_MAX;
	else if (strcmp(text, "-infinity") == 0)
		*t = INT64_MIN;
	else if (!read_civil(text, t))
		return false;
	return strcmp(instant_text(*t, again), text) == 0;
}

/* Exactly `width` digits; moves on behind them. */
static bool
take_digits(const char **p, int width, int *out)
{
	*out = 0;
	for (int i = 0; i < width; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		*out = *out * 10 + (**p - '0');
	}
	return true;
}

static bool
take(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* Hours, minutes and perhaps seconds and their fraction. */
static bool
take_time(const char **p, struct tm *tm, int *micro)
{
	int unit = (int)SECOND;

	if (!take_digits(p, 2, &tm->tm_hour) || !take(p, ':') ||
	    !take_digits(p, 2, &tm->tm_min) || tm->tm_hour > 23 ||
	    tm->tm_min > 59)
		return false;
	if (!take(p, ':'))
		return true;
	if (!take_digits(p, 2, &tm->tm_sec) || tm->tm_sec > 59)
		return false;
	if (!take(p, '.'))
		return true;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		unit /= 10;
		*micro += unit * (**p - '0');
	}
	return (*p)[-1] != '.';
}

/* Nothing, Z, UTC, or an offset; in seconds east. */
static bool
take_zone(const char **p, int *east)
{
	int hours, minutes = 0;
	bool west;

	take(p, ' ');
	if (**p == '\0' || take(p, 'Z'))
		return true;
	if (strncmp(*p, "UTC", 3) == 0) {
		*p += 3;
		return true;
	}
	west = **p == '-';
	if ((!take(p, '+') && !take(p, '-')) || !take_digits(p, 2, &hours))
		return false;
	take(p, ':');
	if (**p != '\0' && !take_digits(p, 2, &minutes))
		return false;
	*east = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
	return hours <= 15 && minutes <= 59;
}

bool
instant_read(const char *text, int64_t *t)
{
	struct tm tm = {0}, made;
	int micro = 0, east = 0;
	time_t seconds;

	if (!take_digits(&text, 4, &tm.tm_year) || !take(&text, '-') ||
	    !take_digits(&text, 2, &tm.tm_mon) || !take(&text, '-') ||
	    !take_digits(&text, 2, &tm.tm_mday))
		return false;
	if (*text != '\0' &&
	    ((!take(&text, 'T') && !take(&text, ' ')) ||
		!take_time(&text, &tm, &micro) || !take_zone(&text, &east) ||
		*text != '\0'))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	made = tm;
	seconds = timegm(&made);
	if (made.tm_mon != tm.tm_mon || made.tm_mday != tm.tm_mday)
		return false;
	*t = ((int64_t)seconds - east - EPOCH) * SECOND + micro;
	return true;
}

int64_t
instant_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - EPOCH) * SECOND + now.tv_nsec / 1000;
}
