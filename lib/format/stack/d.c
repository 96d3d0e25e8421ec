/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D: what druntime prints of a Throwable that nobody caught, and of those chained to it. Functions keep their types as printed
 * (`int app.f(int[])`); without debug information they may be missing.
 */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

/* A class by its full name: `core.exception.RangeError`. */
static bool thrown(struct wh_line_match *match)
{
	const struct wh_span type = match->type;
	bool dot = false;
	for (const char *p = type.p; p < type.end; p++) {
		if (!wh_is_alpha(*p) && !wh_is_digit(*p) && !strchr("_.!()", *p) && *p > 0)
			return false;
		dot |= *p == '.' && p > type.p && p + 1 < type.end;
	}
	return dot;
}

/* `pure nothrow @nogc @safe int a.S!(int).S.side(ulong)`: attributes and the type of what comes back are no part of the name. */
static bool name(struct wh_line_match *match)
{
	struct wh_span *function = &match->frame.function;
	size_t depth = 0;
	const char *first = function->p, *p = function->p;
	if (wh_scan_has(*function, "[0x") || wh_scan_has(*function, "extern (C) "))
		return !wh_scan_has(*function, "[0x");
	for (; p < function->end && !(*p == '(' && !depth && p > first && p[-1] != '!'); p++) {
		depth += *p == '(' || *p == '[';
		depth -= depth && (*p == ')' || *p == ']');
		if (*p == ' ' && !depth)
			first = p + 1;
	}
	if (first < p)
		function->p = first;
	return true;
}

static const struct wh_line_row rows[] = {
	WH_LINE(HEAD, "%e@%F(%l): %r", .check = thrown, .alone = 60, .chained = true),
	WH_LINE(HEAD, "%e@%F(%l)", .check = thrown, .alone = 60, .chained = true),
	WH_LINE(PASS, "----------------"),
	WH_LINE(PASS, "Bypasses %*"),
	WH_LINE(FRAME, "??:? [%a]"),
	WH_LINE(FRAME, "??:? %f [%a]", .check = name),
	WH_LINE(FRAME, "%F:%l [%a]"),
	WH_LINE(FRAME, "%F:%l %f [%a]", .check = name),
	WH_LINE(FRAME, "%m(%f+%o) [%a]" , .check = name),
	WH_LINE(FRAME, "%m() [%a]"),
	WH_LINE(FRAME, "%m(+%o) [%a]"),
	WH_LINE(FRAME, "%a in %f at %F(%l)", .check = name),
	WH_LINE(FRAME, "%a in %f", .check = name),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { ".d(", ".di(", ".d-mixin-" }, .rows = rows, .sure = 94, .wait = 40,
};

WH_LINE_FORMAT(d, "d", "D's uncaught exceptions (druntime)",
	       "druntime: src/rt/dmain2.d, src/object.d (Throwable.toString), src/core/internal/backtrace/dwarf.d");
