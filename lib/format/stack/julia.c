/* SPDX-License-Identifier: Apache-2.0 */
/* Julia: errors with their stack traces, of 1.6 and later in two lines a call, before that in one; and what a signal leaves. */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

/* `getindex(A::Vector{Int64}, i::Int64) (repeats 2 times)` is getindex; `(::Main.var"#f#1")(x::Int64)` keeps its first part. */
static bool name(struct wh_line_match *match)
{
	struct wh_span *function = &match->frame.function;
	size_t depth = 0;
	const char *p = function->p;
	for (; p < function->end; p++) {
		if (*p == '(' && !depth && p > function->p)
			break;
		depth += *p == '(' || *p == '{';
		depth -= depth && (*p == ')' || *p == '}');
	}
	function->end = p;
	*function = wh_scan_trim(*function);
	return wh_span_size(*function);
}

/* In the list that a signal leaves, names of C stand alone; prose has blanks. */
static bool plain(struct wh_line_match *match)
{
	return !memchr(match->frame.function.p, ' ', wh_span_size(match->frame.function)) ||
	       wh_scan_has(match->frame.function, "top-level scope") || wh_scan_has(match->frame.function, "macro expansion");
}

static const struct wh_line_row rows[] = {
	WH_LINE(FRAME, "[%n] %f at %F:%l [inlined]", .check = name, .inlined = true),
	WH_LINE(FRAME, "[%n] %f at %F:%l", .check = name),
	WH_LINE(MORE, "@ %M %F:%l [inlined]", .inlined = true),
	WH_LINE(MORE, "@ %F:%l [inlined]", .inlined = true),
	WH_LINE(MORE, "@ %M %F:%l"),
	WH_LINE(MORE, "@ %F:%l"),
	WH_LINE(HEAD, "[%n] signal %n (%n): %r", .alone = 60),
	WH_LINE(HEAD, "[%n] signal (%n.%n): %r", .alone = 60),
	WH_LINE(HEAD, "[%n] signal (%n): %r", .alone = 60),
	WH_LINE(HEAD, "signal (%n.%n): %r", .alone = 60),
	WH_LINE(HEAD, "signal (%n): %r", .alone = 50),
	WH_LINE(FRAME, "[%n] %f", .check = name),
	WH_LINE(HEAD, "ERROR: LoadError: %e: %r"),
	WH_LINE(HEAD, "ERROR: LoadError: %r"),
	WH_LINE(HEAD, "ERROR: %e: %r"),
	WH_LINE(HEAD, "ERROR: %r"),
	WH_LINE(HEAD, "Unhandled Task ERROR: %e: %r"),
	WH_LINE(HEAD, "Unhandled Task ERROR: %r"),
	WH_LINE(TITLE, "Stacktrace:"),
	WH_LINE(CAUSE, "caused by: %e: %*"),
	WH_LINE(CAUSE, "caused by: %r"),
	WH_LINE(PASS, "--- the above %n lines are repeated %*"),
	WH_LINE(PASS, "... (the last %n lines are repeated %*"),
	WH_LINE(PASS, "in expression starting at %*"),
	WH_LINE(FRAME, "unknown function (ip: %a) at %m"),
	WH_LINE(FRAME, "unknown function (ip: %a)"),
	WH_LINE(FRAME, "%f at %F:%l [inlined]", .check = plain, .inlined = true),
	WH_LINE(FRAME, "%f at %F:%l", .check = plain),
	WH_LINE(FRAME, "%f at %m (unknown line)", .check = plain),
	WH_LINE(PASS, "Allocations: %*", .over = true),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "Stacktrace:", "signal (", "] signal " }, .rows = rows, .sure = 93, .wait = 60, .gap = 2,
};

WH_LINE_FORMAT(julia, "julia", "Julia's errors and signals", "Julia: base/errorshow.jl, base/stacktraces.jl, src/signal-handling.c");
