/* SPDX-License-Identifier: Apache-2.0 */
/* What logs put before the lines that a program printed: times, logcat's tags, syslog's host and process. */
#ifndef WHORL_FORMAT_STACK_LOG_PREFIX_H
#define WHORL_FORMAT_STACK_LOG_PREFIX_H

#include "format/scan.h"

/* The line without such a prefix; its indentation stays. Known are
 *   [2026-03-01T10:00:00.123Z] …   2026-03-01 10:00:00,123 …   [12:34:56] …   [   12.345678][  T123] …
 *   03-01 12:00:00.100  1234  1250 I tag : …   I/tag ( 1234): …   Mar  1 12:00:00 host program[12]: …   service-1  | … */
struct wh_span wh_log_line(struct wh_span line);

#endif
