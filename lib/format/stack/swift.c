/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Swift on Linux and Windows: fatal errors, the reports of swift-backtrace (5.9 and later), and the list of calls that the
 * run-time system printed before. Apple's systems write reports of their own.
 */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

static const struct wh_line_row rows[] = {
	WH_LINE(FRAME, "%n [inlined] %a %f in %m at %F:%l:%n", .inlined = true),
	WH_LINE(FRAME, "%n [inlined] [system] %a %f in %m at %F:%l:%n", .inlined = true),
	WH_LINE(FRAME, "%n [%*] %a %f + %o in %m at %F:%l:%n"),
	WH_LINE(FRAME, "%n [%*] %a %f + %o in %m"),
	WH_LINE(FRAME, "%n [%*] %a %f in %m at %F:%l:%n"),
	WH_LINE(FRAME, "%n [%*] %a %f in %m"),
	WH_LINE(FRAME, "%n %a %f + %o in %m at %F:%l:%n"),
	WH_LINE(FRAME, "%n %a %f + %o in %m"),
	WH_LINE(FRAME, "%n %a %f in %m at %F:%l:%n"),
	WH_LINE(FRAME, "%n %f in %m at %F:%l:%n", .inlined = true),
	WH_LINE(FRAME, "%n %M %a <unavailable> + %o"),
	WH_LINE(FRAME, "%n %M %a %f + %o"),
	WH_LINE(FRAME, "%n [%*] %a in %m"),
	WH_LINE(FRAME, "%n %a in %m"),
	WH_LINE(HEAD, "%F:%l: Fatal error: %r", .files = ".swift", .alone = 70),
	WH_LINE(HEAD, "%F:%l: Assertion failed: %r", .files = ".swift", .alone = 70),
	WH_LINE(HEAD, "%F:%l: Precondition failed: %r", .files = ".swift", .alone = 70),
	WH_LINE(HEAD, "Fatal error: %r: file %F, line %l", .files = ".swift", .alone = 70),
	WH_LINE(PASS, "*** Signal %n: Backtracing from %*"),
	WH_LINE(TITLE, "*** Program crashed: %r at %a ***"),
	WH_LINE(TITLE, "*** Program crashed: %r ***"),
	WH_LINE(TITLE, "Thread %n \"%t\" crashed:"),
	WH_LINE(TITLE, "Thread %t crashed:"),
	WH_LINE(TITLE, "Current stack trace:"),
	WH_LINE(PASS, "Registers:", .over = true),
	WH_LINE(PASS, "Thread %n%*:", .over = true),
	WH_LINE(PASS, "Images (%*", .over = true),
	WH_LINE(PASS, "Backtrace took %*", .over = true),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "Fatal error: ", "*** Program crashed: ", "Current stack trace:" }, .rows = rows, .sure = 94, .wait = 6, .gap = 8,
};

WH_LINE_FORMAT(swift, "swift", "Swift's fatal errors and backtraces on Linux and Windows",
	       "Swift: stdlib/public/runtime/Errors.cpp, stdlib/public/libexec/swift-backtrace, docs/Backtracing.rst");
