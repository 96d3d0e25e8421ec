/* SPDX-License-Identifier: Apache-2.0 */
/* Nim: exceptions that nobody handled, and signals. The list of calls ends with the one that raised; what happened stands below. */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

#define SOURCES ".nim .nims .nimble"

static bool signal_name(struct wh_line_match *match)
{
	return wh_scan_has(match->type, "SIG");
}

static const struct wh_line_row rows[] = {
	WH_LINE(FRAME, "%F(%l) %g", .files = SOURCES, .opens = true, .outer_first = true),
	WH_LINE(FRAME, "%F %g", .files = SOURCES, .opens = true, .outer_first = true),
	WH_LINE(TITLE, "Traceback (most recent call last)"),
	WH_LINE(TITLE, "Traceback (most recent call last, using override)"),
	WH_LINE(TITLE, "Traceback from system (most recent call last)"),
	WH_LINE(LAST, "Error: unhandled exception: %r [%e]", .alone = 60),
	WH_LINE(LAST, "Error: unhandled exception: %r", .alone = 40),
	WH_LINE(LAST, "%e: Illegal storage access.%r", .check = signal_name, .alone = 60),
	WH_LINE(LAST, "%e: Arithmetic error.%r", .check = signal_name, .alone = 30),
	WH_LINE(LAST, "%e: Abnormal termination.%r", .check = signal_name, .alone = 30),
	WH_LINE(LAST, "%e: Illegal operation.%r", .check = signal_name, .alone = 30),
	WH_LINE(PASS, "[[reraised from:"),
	WH_LINE(PASS, "]]"),
	WH_LINE(PASS, "(%n calls omitted) ..."),
	WH_LINE(PASS, "No stack traceback available"),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "Error: unhandled exception: ", "\nSIG", ": Illegal storage access." }, .rows = rows, .sure = 95, .wait = 2, .gap = 4, .last = true,
};

WH_LINE_FORMAT(nim, "nim", "Nim's unhandled exceptions and signals", "Nim: lib/system/excpt.nim, lib/system/stacktraces.nim, lib/system/fatal.nim");
