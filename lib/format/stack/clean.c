/* SPDX-License-Identifier: Apache-2.0 */
/* Clean: run-time errors of programs that were built with stack tracing (clm -tst). */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

static const struct wh_line_row rows[] = {
	WH_LINE(FRAME, "%f [module: %m]", .opens = true),
	WH_LINE(TITLE, "Stack trace:"),
	WH_LINE(PASS, "Execution: %* Garbage collection: %* Total: %*"),
	WH_LINE(LAST, "Run Time Error: %r", .alone = 45),
	WH_LINE(LAST, "Run time error, %r", .alone = 30),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "[module: ", "Run Time Error: ", "Run time error, " }, .rows = rows, .sure = 93, .sure_frames = 80, .wait = 2, .gap = 2,
};

WH_LINE_FORMAT(clean, "clean", "Clean's run-time errors", "Clean's run-time system: acompact.s, stack traces of the tracing profiler");
