/* SPDX-License-Identifier: Apache-2.0 */
/* How a reader hands over a report that it has put together: what is derived from its text, its messages, its end. */
#ifndef WHORL_FORMAT_STACK_REPORT_H
#define WHORL_FORMAT_STACK_REPORT_H

#include <whorl/format.h>

#include "format/scan.h"
#include "observation/stack.h"

/* Of a message, what is kept. */
#define WH_MESSAGE_LONGEST ((size_t)2048)

/* The span as an attribute, cut to WH_MESSAGE_LONGEST and to its first line, blanks trimmed. */
void wh_stack_message(struct wh_stack_builder *, const char *name, struct wh_span value);

/* Hands the finished report over; one too large for the arena is skipped, no memory is an error. The report begins at `at`;
 * `end` is where its text ends, NULL where no text is to be looked at (JSON; a type that is set already). Where the caller of the reader wants it,
 * crash type and state are derived from that text and from what was said before it: a failed check prints its message, a tool
 * its banner, and then comes the report. That is at most back to the end of the report before (reader->told). */
int wh_stack_emit(struct wh_reader *, struct wh_stack_builder *, const char *at, const char *end, struct wh_err *) WH_NODISCARD;

#endif
