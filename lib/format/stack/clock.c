/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/clock.h"

#include <stdio.h>

#include "base/time.h"

static bool number(struct wh_span *s, const char *separator, uint64_t most, unsigned *value)
{
	uint64_t n;
	wh_scan_blanks(s);
	if (!wh_scan_decimal(s, &n) || n > most || !wh_scan_skip(s, separator))
		return false;
	*value = (unsigned)n;
	return true;
}

/* ` (UTC + 2:00)`, ` UTC`, nothing; minutes to the east. */
static bool zone(struct wh_span s, char *sign, unsigned *hour, unsigned *minute)
{
	*sign = 0;
	s = wh_scan_trim(s);
	bool open = wh_scan_skip(&s, "(");
	if (s.p == s.end || (!open && !wh_is_alpha(*s.p)))
		return true;
	if (!wh_scan_skip(&s, "UTC") && !wh_scan_skip(&s, "GMT"))
		return false;
	wh_scan_blanks(&s);
	if (!open || s.p == s.end || (*s.p != '+' && *s.p != '-'))
		return true;
	*sign = *s.p++;
	return number(&s, ":", 14, hour) && number(&s, "", 59, minute);
}

bool wh_clock_asctime(struct wh_span s, int64_t *time_ns)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	unsigned day, hour, minute, second, year, zone_hour = 0, zone_minute = 0;
	uint64_t fraction;
	char text[64], sign;
	s = wh_scan_trim(s);
	if (wh_span_size(s) < 20 || s.p[3] != ' ' || s.p[7] != ' ')
		return false;
	const char *month = memmem(months, sizeof months - 1, s.p + 4, 3);
	s.p += 8;
	if (!month || (month - months) % 3 || !number(&s, " ", 31, &day) || !number(&s, ":", 23, &hour) || !number(&s, ":", 59, &minute) ||
	    !number(&s, "", 60, &second))
		return false;
	if (wh_scan_skip(&s, ".") && !wh_scan_decimal(&s, &fraction))
		return false;
	if (!number(&s, "", 9999, &year) || !zone(s, &sign, &zone_hour, &zone_minute))
		return false;
	int n = snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u%c%02u:%02u", year, (unsigned)((month - months) / 3 + 1), day,
			 hour, minute, second, sign ? sign : '+', zone_hour, zone_minute);
	return !wh_time_parse(text, (size_t)n, time_ns);
}
