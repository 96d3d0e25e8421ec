/* SPDX-License-Identifier: Apache-2.0 */
/* What logs put before the lines that a program printed: times, logcat's tags, syslog's host and process. */
#ifndef WHORL_FORMAT_STACK_LOG_PREFIX_H
#define WHORL_FORMAT_STACK_LOG_PREFIX_H

#include "format/scan.h"

/* The line without such a prefix; its indentation stays. Known are
 *   [2026-03-01T10:00:00.123Z] …   2026-03-01 10:00:00,123 …   [12:34:56] …   [   12.345678][  T123] …
 *   2026-03-01T10:00:00+0000 host program[12]: …
 *   03-01 12:00:00.100  1234  1250 I tag : …   I/tag ( 1234): …   Mar  1 12:00:00 host program[12]: …   service-1  | … */
struct wh_span wh_log_line(struct wh_span line);

/* What the kernel's log puts in front of a line. */
struct wh_kernel_prefix {
	bool stamped;          /* there was a time, a level or a caller */
	struct wh_span caller; /* `T123` or `C0`, where the kernel says who is speaking */
};

/* A line without `<4>`, `[   12.345678]`, `[ T123]`, a host's `Nov 20 10:00:00 host kernel:`, … and without blanks around it. */
struct wh_span wh_kernel_strip(struct wh_span line, struct wh_kernel_prefix *prefix);

/* What Android's logcat says of a message. */
struct wh_logcat {
	char priority; /* V, D, I, W, E, F, A or S */
	struct wh_span tag, text;
	uint64_t process;
	bool has_process;
	bool studio; /* as Android Studio shows it: further lines of the message follow without a prefix, behind blanks */
};

/* Whether line is a message as logcat -v brief, process, tag, threadtime or time prints it, with the modifiers for years, uids,
 * zones and fractions, or as Android Studio does (system/logging/liblog/logprint.cpp). */
bool wh_logcat_line(struct wh_span line, struct wh_logcat *);
/* Whether line heads a message of logcat -v long: `[ 03-01 12:00:00.100  1234: 1250 E/tag ]`; text is then empty. */
bool wh_logcat_heading(struct wh_span line, struct wh_logcat *);

#endif
