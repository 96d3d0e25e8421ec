/* SPDX-License-Identifier: Apache-2.0 */
/* Times are int64_t nanoseconds since 1970-01-01T00:00:00Z; text is ISO 8601, UTC. */
#ifndef WHORL_BASE_TIME_H
#define WHORL_BASE_TIME_H

#include <stddef.h>
#include <stdint.h>

#define WH_TIME_TEXT 40

/* Reads `2026-11-20`, `2026-11-20T10:00:00[.fraction][Z|+hh:mm]` (a blank may stand for T; no zone is UTC), or an integer of
 * seconds (up to 11 digits) or nanoseconds. 0, or -1 where text is none of these. */
int wh_time_parse(const char *text, size_t n, int64_t *time_ns);
/* Writes at most WH_TIME_TEXT bytes with the NUL; returns text. */
char *wh_time_format(int64_t time_ns, char text[static WH_TIME_TEXT]);
/* Now. */
int64_t wh_time_now(void);

#endif
