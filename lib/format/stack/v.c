/* SPDX-License-Identifier: Apache-2.0 */
/* V: panics, in a box where the compiler kept debug information, and the backtraces of tcc and of glibc below them. */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

/* `./prog(main__f+0x12)`, as backtrace_symbols() has it, or the name alone. */
static bool symbol(struct wh_line_match *match)
{
	struct wh_span *function = &match->frame.function;
	const char *open = memchr(function->p, '(', wh_span_size(*function));
	const char *plus = open ? wh_scan_find((struct wh_span){ open, function->end }, "+0x") : NULL;
	if (open && open > function->p && plus)
		*function = (struct wh_span){ open + 1, plus };
	return true;
}

static const struct wh_line_row rows[] = {
	WH_LINE(FRAME, "%F:%l: by %g", .files = ".v .c .h .vv .vsh"),
	WH_LINE(FRAME, "%F:%l: at %g: Backtrace", .files = ".v .c .h .vv .vsh"),
	WH_LINE(FRAME, "%F:%l: at %g: RUNTIME ERROR: %*", .files = ".v .c .h .vv .vsh"),
	WH_LINE(FRAME, "%F:%l: | %a | %f", .check = symbol),
	WH_LINE(FRAME, "%F:%l: (d.%n): | %a | %f", .check = symbol),
	WH_LINE(FRAME, "%F:%l | %f +%o"),
	WH_LINE(FRAME, "| %a | %f", .check = symbol),
	WH_LINE(HEAD, "================ V panic ================", .alone = 60),
	WH_LINE(SAID, "message: %r", .name = "reason"),
	WH_LINE(SAID, "file: %r", .name = "location"),
	WH_LINE(PASS, "module: %*"),
	WH_LINE(PASS, "function: %*"),
	WH_LINE(PASS, "pid: %*"),
	WH_LINE(PASS, "tid: %*"),
	WH_LINE(SAID, "v hash: %r", .name = "v_hash"),
	WH_LINE(PASS, "========================================="),
	WH_LINE(HEAD, "V panic: %r", .alone = 60),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "V panic" }, .rows = rows, .sure = 94, .wait = 10,
};

WH_LINE_FORMAT(v, "v", "V's panics", "V: vlib/builtin/builtin.c.v (panic_debug), vlib/builtin/backtraces_nix.c.v; tcc: lib/bt-exe.c, tccrun.c");
