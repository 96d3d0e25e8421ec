/* SPDX-License-Identifier: Apache-2.0 */
/* Zig: panics, signals, and the traces of errors that were returned from main; each call with the line of source it is on. */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

static bool known(struct wh_line_match *match)
{
	struct wh_frame_text *frame = &match->frame;
	if (wh_scan_has(frame->function, "???"))
		frame->function = (struct wh_span){ 0 };
	if (wh_scan_has(frame->module, "???"))
		frame->module = (struct wh_span){ 0 };
	return frame->address || wh_span_size(frame->function);
}

static bool signalled(struct wh_line_match *match)
{
	static const char *const words[] = { "Segmentation fault", "Bus error", "Illegal instruction", "Arithmetic exception",
					     "General protection exception" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (wh_scan_has(match->said, words[i]))
			return true;
	return false;
}

static const struct wh_line_row rows[] = {
	WH_LINE(FRAME, "%F:%l:%n: %a in %f (%m)", .check = known, .opens = true),
	WH_LINE(FRAME, "???:?:?: %a in %f (%m)", .check = known),
	WH_LINE(PASS, "???:?:?: 0x0 in ??? (?\?\?)"),
	WH_LINE(HEAD, "thread %t panic: %r", .alone = 60),
	WH_LINE(HEAD, "panic: %r"),
	WH_LINE(HEAD, "error: %e"),
	WH_LINE(HEAD, "%r at address %a", .check = signalled),
	WH_LINE(HEAD, "%r (no address available)", .check = signalled),
	WH_LINE(PASS, "Unwind error at address %*"),
	WH_LINE(PASS, "Unwind information for %*"),
	WH_LINE(PASS, "(%n additional stack frames skipped...)"),
	WH_LINE(PASS, "^"),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { ".zig:", " panic: ", "???:?:?: 0x" }, .rows = rows, .sure = 95, .sure_frames = 85, .wait = 6, .gap = 2,
};

WH_LINE_FORMAT(zig, "zig", "Zig's panics, signals and error return traces", "Zig: lib/std/debug.zig (printLineInfo, defaultPanic, dumpSegfaultInfoPosix)");
