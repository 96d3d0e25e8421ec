/* SPDX-License-Identifier: Apache-2.0 */
/* Dates as reports print them. */
#ifndef WHORL_FORMAT_STACK_SAID_TIME_H
#define WHORL_FORMAT_STACK_SAID_TIME_H

#include "base/time.h"
#include "format/scan.h"

/* `2026-11-20 10:00:00.1234 +0100` (wh_time_parse wants no blank before the zone), and what wh_time_parse reads, as the
 * observation's time; anything else leaves it as it was. */
static inline void wh_said_time(struct wh_observation *o, struct wh_span text)
{
	char joined[WH_TIME_TEXT * 2];
	size_t n = 0;
	int64_t time_ns;
	text = wh_scan_trim(text);
	if (wh_span_size(text) >= sizeof joined)
		return;
	for (const char *p = text.p; p < text.end; p++)
		if (!(*p == ' ' && p + 1 < text.end && (p[1] == '+' || p[1] == '-')))
			joined[n++] = *p;
	if (!wh_time_parse(joined, n, &time_ns)) {
		o->time_ns = time_ns;
		o->has_time = true;
	}
}

#endif
