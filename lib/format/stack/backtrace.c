/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What C and C++ programs print of themselves: glibc's backtrace_symbols() and the last words of its checks, Boost.Stacktrace and
 * std::stacktrace, the failure handlers of glog and of Abseil, LLVM's PrettyStackTrace.
 */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

static bool known(struct wh_line_match *match)
{
	struct wh_frame_text *frame = &match->frame;
	if (wh_scan_has(frame->function, "(unknown)") || wh_scan_has(frame->function, "??"))
		frame->function = (struct wh_span){ 0 };
	return true;
}

static bool crash_point(struct wh_line_match *match)
{
	return known(match) && match->frame.address;
}

/* The library or program of backtrace_symbols(): a path without a blank, before `(`. */
static bool path(struct wh_line_match *match)
{
	const struct wh_span module = match->frame.module;
	return !memchr(module.p, ' ', wh_span_size(module)) && !memchr(module.p, '(', wh_span_size(module));
}

/* `f(int) /src/f.cc:3:5`, of LLVM's: the place is the last word; or the module in parentheses, `f (/bin/x+0x12)`. */
static bool llvm(struct wh_line_match *match)
{
	struct wh_frame_text *frame = &match->frame;
	struct wh_span s = frame->function;
	if (wh_span_size(s) && s.end[-1] == ')') {
		const char *open = wh_scan_last(s, "(");
		const char *plus = open ? wh_scan_last((struct wh_span){ open, s.end }, "+0x") : NULL;
		struct wh_span digits = { plus ? plus + 1 : s.end, s.end - 1 };
		if (!plus || !wh_scan_hex(&digits, &frame->offset))
			return true;
		frame->module = (struct wh_span){ open + 1, plus };
		frame->function = wh_scan_trim((struct wh_span){ s.p, open });
		frame->has_offset = !wh_span_size(frame->function);
		return true;
	}
	const char *blank = wh_scan_last(s, " ");
	if (!blank)
		return true;
	wh_location_split((struct wh_span){ blank + 1, s.end }, &frame->file, &frame->line);
	if (frame->line)
		frame->function.end = blank;
	else
		frame->file = (struct wh_span){ 0 };
	return true;
}

static const struct wh_line_row rows[] = {
	/* backtrace_symbols() */
	WH_LINE(FRAME, "%m(%g+%o) [%a]", .check = path, .opens = true),
	WH_LINE(FRAME, "%m(%g+%o)[%a]", .check = path, .opens = true),
	WH_LINE(FRAME, "%m(+%o) [%a]", .check = path, .opens = true),
	WH_LINE(FRAME, "%m(+%o)[%a]", .check = path, .opens = true),
	WH_LINE(FRAME, "%m() [%a]", .check = path, .opens = true),
	WH_LINE(FRAME, "%m()[%a]", .check = path, .opens = true),
	WH_LINE(FRAME, "%M[%a]", .check = path),
	WH_LINE(FRAME, "%M [%a]", .check = path),
	/* glog, Abseil: the crash point is told apart, where it is known */
	WH_LINE(FRAME, "PC: @ %a %n %f", .check = crash_point),
	WH_LINE(FRAME, "PC: @ %a (unknown) %f", .check = crash_point),
	WH_LINE(FRAME, "PC: @ %a %f", .check = crash_point),
	WH_LINE(PASS, "PC: @ %*"),
	WH_LINE(FRAME, "@ %a (unknown) %f", .check = known),
	WH_LINE(FRAME, "@ %a %n %f", .check = known),
	WH_LINE(FRAME, "@ %a (unknown)"),
	WH_LINE(FRAME, "@ %a %f", .check = known),
	WH_LINE(PASS, "@ ... and at least %n more frames"),
	/* Boost.Stacktrace, std::stacktrace */
	WH_LINE(FRAME, "%n# %a in %m", .opens = true),
	WH_LINE(FRAME, "%n# %f at %F:%l", .opens = true),
	WH_LINE(FRAME, "%n# %f at %F:%l [%a]", .opens = true),
	WH_LINE(FRAME, "%n# %f in %m", .opens = true),
	WH_LINE(FRAME, "%n# %a"),
	/* LLVM */
	WH_LINE(FRAME, "#%n %a %f", .check = llvm),
	WH_LINE(TITLE, "PLEASE submit a bug report to %*"),
	WH_LINE(HEAD, "LLVM ERROR: %r", .alone = 40),
	WH_LINE(TITLE, "Stack dump:"),
	WH_LINE(TITLE, "Stack dump without symbol names %*"),
	WH_LINE(SAID, "%n. Program arguments: %r %*", .name = "app"),
	WH_LINE(PASS, "%n. %*"),
	/* glibc and programs' own */
	WH_LINE(HEAD, "*** %r ***: %w terminated", .alone = 70),
	WH_LINE(HEAD, "*** %r ***: terminated", .alone = 70),
	WH_LINE(HEAD, "*** glibc detected *** %w %r: %a ***", .alone = 70),
	WH_LINE(HEAD, "*** Error in `%*': %r: %a ***", .alone = 70),
	WH_LINE(HEAD, "*** %e (@%a) received by PID %n (TID %t) %*", .alone = 70),
	WH_LINE(HEAD, "*** %e (@%a) received by PID %*", .alone = 70),
	WH_LINE(HEAD, "*** %e received by PID %*", .alone = 60),
	WH_LINE(HEAD, "*** %e received at time=%*", .alone = 70),
	WH_LINE(TITLE, "*** Check failure stack trace: ***"),
	WH_LINE(TITLE, "======= Backtrace: ========="),
	WH_LINE(PASS, "======= Memory map: ========", .over = true),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "[0x", "  @ ", "0# ", "*** ", "Stack dump:" }, .rows = rows, .sure = 80, .sure_frames = 60, .least = 3, .wait = 6, .gap = 3,
	.above = { "%*] Check failed: %r", "%*: Assertion %r failed.", "terminate called %r", "%*ignal %r" },
};

WH_LINE_FORMAT(backtrace, "backtrace", "backtraces that C and C++ programs print of themselves (glibc, Boost, glog, Abseil, LLVM)",
	       "glibc: debug/backtracesyms.c, sysdeps/posix/libc_fatal.c; boost/stacktrace/frame.hpp; glog: src/signalhandler.cc; "
	       "Abseil: absl/debugging/internal/examine_stack.cc; LLVM: lib/Support/Unix/Signals.inc, PrettyStackTrace.cpp");
