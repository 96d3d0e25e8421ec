/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Haskell: what GHC's run-time system says of an uncaught exception: the call sites that HasCallStack passed along (a function
 * stands there with the place of its call), cost centre stacks of programs built for profiling, which are better, and the stack
 * that `+RTS -xc` prints when the exception is raised, which is better still.
 */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

/* A cost centre by its full name. */
static bool centre(struct wh_line_match *match)
{
	const struct wh_span name = match->frame.function;
	const char *dot = wh_scan_find(name, ".");
	return dot && dot > name.p && *name.p >= 'A' && *name.p <= 'Z';
}

/* `ghc-internal:GHC.Internal.Exception.ErrorCall:`: the last colon ends the type, and the message is below. */
static bool qualified(struct wh_line_match *match)
{
	if (wh_span_size(match->said)) {
		if (match->said.end[-1] != ':' || memchr(match->said.p, ' ', wh_span_size(match->said)))
			return false;
		match->type.end = match->said.end - 1;
		match->said.p = match->said.end;
	}
	return true;
}

static const struct wh_line_row rows[] = {
	WH_LINE(HEAD, "*** Exception (reporting due to +RTS -xc): %* stack trace:"),
	WH_LINE(FRAME, "--> evaluated by: %g,", .check = centre),
	WH_LINE(FRAME, "--> evaluated by: %g", .check = centre),
	WH_LINE(FRAME, "called from %g,", .check = centre),
	WH_LINE(FRAME, "called from %g", .check = centre),
	/* what raises, not what failed: where it was called is the place of the first frame */
	WH_LINE(PASS, "error, called at %F:%l:%n in %m", .alone = 80),
	WH_LINE(PASS, "errorWithoutStackTrace, called at %F:%l:%n in %m", .alone = 80),
	WH_LINE(PASS, "undefined, called at %F:%l:%n in %m", .alone = 80),
	WH_LINE(PASS, "collectBacktraces, called at %F:%l:%n in %m", .alone = 80),
	WH_LINE(PASS, "toExceptionWithBacktrace, called at %F:%l:%n in %m", .alone = 80),
	WH_LINE(PASS, "throw, called at %F:%l:%n in %m", .alone = 80),
	WH_LINE(PASS, "throwIO, called at %F:%l:%n in %m", .alone = 80),
	WH_LINE(FRAME, "%g, called at %F:%l:%n in %m", .caller = true),
	WH_LINE(TITLE, "CallStack (from HasCallStack):"),
	WH_LINE(TITLE, "HasCallStack backtrace:"),
	WH_LINE(TITLE, "CallStack (from ImplicitParams):"),
	WH_LINE(TITLE, "CallStack (from -prof):", .fresh = true),
	WH_LINE(TITLE, "Cost-centre stack backtrace:", .fresh = true),
	WH_LINE(TITLE, "IPE backtrace:", .fresh = true),
	WH_LINE(HEAD, "%w Uncaught exception %e:%r", .check = qualified),
	WH_LINE(FRAME, "%g (<%*>)", .check = centre),
	WH_LINE(FRAME, "%g (%F:(%l,%n)-(%n,%n))", .check = centre),
	WH_LINE(FRAME, "%g (%F:%l:%w)", .check = centre),
	WH_LINE(FRAME, "%g,", .check = centre),
	WH_LINE(FRAME, "%g", .check = centre),
	WH_LINE(SAID, "%w: %r", .name = "reason", .over = true),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "CallStack (from ", "reporting due to +RTS -xc", " backtrace:" }, .rows = rows, .sure = 94, .wait = 40, .gap = 6,
	.above = { "%w: %r" },
};

WH_LINE_FORMAT(haskell, "haskell", "Haskell's uncaught exceptions (GHC)",
	       "GHC: libraries/base/GHC/Exception.hs, GHC/Stack/CCS.hsc, rts/Profiling.c (fprintCCS_stderr)");
