/* SPDX-License-Identifier: Apache-2.0 */
/* Crystal: exceptions that nobody rescued, and memory that nobody may touch. */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

/* Where the symbol is not known, what is printed as an offset is none. */
static bool symbol(struct wh_line_match *match)
{
	struct wh_frame_text *frame = &match->frame;
	if (wh_scan_has(frame->function, "??")) {
		frame->function = (struct wh_span){ 0 };
		frame->has_offset = false;
		frame->offset = 0;
	}
	return true;
}

static const struct wh_line_row rows[] = {
	WH_LINE(FRAME, "from %F:%l:%n in '%f'", .check = symbol),
	WH_LINE(FRAME, "from %m in '%f'", .check = symbol),
	WH_LINE(FRAME, "from %F:%l:%n in ??"),
	WH_LINE(PASS, "from ???"),
	WH_LINE(HEAD, "Unhandled exception: %r (%e)", .alone = 30),
	WH_LINE(HEAD, "Unhandled exception in spawn: %r (%e)", .alone = 60),
	WH_LINE(HEAD, "Unhandled exception in spawn(name: %t): %r (%e)", .alone = 60),
	WH_LINE(HEAD, "Unhandled exception in spawn: %r"),
	WH_LINE(HEAD, "Unhandled exception: %r"),
	WH_LINE(HEAD, "Invalid memory access (%r) at address %a", .alone = 60),
	WH_LINE(HEAD, "Stack overflow (e.g., infinite or very deep recursion)%*", .alone = 60),
	WH_LINE(CAUSE, "Caused by: %* (%e)"),
	WH_LINE(FRAME, "[%a] %f at %F:%l:%n (%n times)"),
	WH_LINE(FRAME, "[%a] %f at %F:%l:%n"),
	WH_LINE(FRAME, "[%a] %f +%o in %m (%n times)", .check = symbol),
	WH_LINE(FRAME, "[%a] %f +%o in %m", .check = symbol),
	WH_LINE(FRAME, "[%a] %f +%o", .check = symbol),
	WH_LINE(PASS, "[%a] ???%*"),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "Unhandled exception", "Invalid memory access (", "Stack overflow (e.g., " }, .rows = rows, .sure = 94, .wait = 40,
};

WH_LINE_FORMAT(crystal, "crystal", "Crystal's unhandled exceptions and invalid memory accesses",
	       "Crystal: src/exception.cr, src/exception/call_stack/libunwind.cr, src/crystal/main.cr");
