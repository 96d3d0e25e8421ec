/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define NS INT64_C(1000000000)

/* Exactly `digits` digits at *p, advanced; -1: something else. */
static int number(const char **p, const char *end, int digits)
{
	int value = 0;
	if (end - *p < digits)
		return -1;
	for (int i = 0; i < digits; i++, ++*p) {
		if (!isdigit((unsigned char)**p))
			return -1;
		value = value * 10 + (**p - '0');
	}
	return value;
}

static bool skip(const char **p, const char *end, char c)
{
	if (*p >= end || **p != c)
		return false;
	++*p;
	return true;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static int64_t days_of(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int parse_integer(const char *text, const char *end, int64_t *time_ns)
{
	const char *p = text;
	bool minus = skip(&p, end, '-');
	const char *first = p;
	int64_t value = 0;
	for (; p < end; p++)
		if (!isdigit((unsigned char)*p) || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *p - '0', &value))
			return -1;
	if (p == first)
		return -1;
	if (p - first <= 11 && __builtin_mul_overflow(value, NS, &value))
		return -1;
	*time_ns = minus ? -value : value;
	return 0;
}

int wh_time_parse(const char *text, size_t n, int64_t *time_ns)
{
	const char *p = text, *end = text + n;
	int year = number(&p, end, 4);
	if (year < 0 || !skip(&p, end, '-'))
		return parse_integer(text, end, time_ns);
	int month = number(&p, end, 2);
	if (month < 1 || month > 12 || !skip(&p, end, '-'))
		return -1;
	int day = number(&p, end, 2);
	if (day < 1 || day > days_of(year + month / 12, month % 12 + 1, 1) - days_of(year, month, 1))
		return -1;
	int64_t seconds = days_of(year, month, day) * 86400, fraction = 0;
	if (p < end) {
		if (!skip(&p, end, 'T') && !skip(&p, end, ' '))
			return -1;
		int h = number(&p, end, 2);
		if (h < 0 || h > 23 || !skip(&p, end, ':'))
			return -1;
		int m = number(&p, end, 2), s = 0;
		if (m < 0 || m > 59)
			return -1;
		if (skip(&p, end, ':') && ((s = number(&p, end, 2)) < 0 || s > 60))
			return -1;
		seconds += h * 3600 + m * 60 + s;
		if (skip(&p, end, '.') || skip(&p, end, ','))
			for (int64_t unit = NS / 10; p < end && isdigit((unsigned char)*p); p++, unit /= 10)
				fraction += unit * (*p - '0');
		bool plus = skip(&p, end, '+');
		if (plus || skip(&p, end, '-')) {
			int zh = number(&p, end, 2);
			skip(&p, end, ':');
			int zm = p < end ? number(&p, end, 2) : 0;
			if (zh < 0 || zh > 23 || zm < 0 || zm > 59)
				return -1;
			seconds += (plus ? -1 : 1) * (zh * 3600 + zm * 60);
		} else {
			skip(&p, end, 'Z');
		}
	}
	if (p != end || __builtin_mul_overflow(seconds, NS, time_ns) || __builtin_add_overflow(*time_ns, fraction, time_ns))
		return -1;
	return 0;
}

char *wh_time_format(int64_t time_ns, char text[static WH_TIME_TEXT])
{
	time_t seconds = (time_t)(time_ns / NS - (time_ns % NS < 0));
	long rest = (long)(time_ns - (int64_t)seconds * NS);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	size_t n = strftime(text, WH_TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest)
		n += (size_t)snprintf(text + n, WH_TIME_TEXT - n, ".%09ld", rest);
	snprintf(text + n, WH_TIME_TEXT - n, "Z");
	return text;
}

int64_t wh_time_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * NS + now.tv_nsec;
}
