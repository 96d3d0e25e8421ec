/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ada: the last words of programs that GNAT built. Without a list of calls the place of the check that failed is what there is;
 * bound with -E there are their addresses, with -Es their names (what they were inlined into stays out).
 */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

/* The name of an exception is printed in upper case. */
static bool exception(struct wh_line_match *match)
{
	for (const char *p = match->type.p; p < match->type.end; p++)
		if (!(*p >= 'A' && *p <= 'Z') && !wh_is_digit(*p) && *p != '_' && *p != '.')
			return false;
	return true;
}

static bool known(struct wh_line_match *match)
{
	struct wh_span *function = &match->frame.function;
	if (wh_scan_has(*function, "???"))
		*function = (struct wh_span){ 0 };
	return true;
}

/* `0x5615df1d1917 0x5615df1d1bae`, to the end of the stack that the unwinder saw. */
static bool addresses(struct wh_span said, struct wh_stack_builder *b)
{
	bool any = false;
	while (wh_span_size(said)) {
		struct wh_frame_text frame = { 0 };
		frame.has_address = wh_scan_hex(&said, &frame.address);
		if (!frame.has_address || (said.p < said.end && !wh_is_blank(*said.p)))
			return any;
		wh_scan_blanks(&said);
		if (frame.address == UINT64_MAX - 1)
			continue;
		any = true;
		if (b)
			wh_frame_text_add(&frame, b);
	}
	return any;
}

static const struct wh_line_row rows[] = {
	WH_LINE(HEAD, "raised %e : %F:%l %r", .check = exception, .files = ".adb .ads .ada", .alone = 75),
	WH_LINE(HEAD, "raised %e : %r", .check = exception, .alone = 75),
	WH_LINE(HEAD, "raised %e", .check = exception, .alone = 40),
	WH_LINE(PASS, "Call stack traceback locations:"),
	WH_LINE(PASS, "Load address: %a"),
	WH_LINE(PASS, "[%*]"),
	WH_LINE(FRAME, "%a %f at ???", .check = known),
	WH_LINE(FRAME, "%a %f at %F:%l", .check = known),
	WH_LINE(FRAME, "%a in %f at %F:%l", .check = known),
	WH_LINE(PASS, "0xfffffffffffffffe"),
	WH_LINE(FRAME, "%a"),
	WH_LINE(FRAME, "%r", .list = addresses),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "raised " }, .rows = rows, .sure = 92, .wait = 3,
};

WH_LINE_FORMAT(ada, "ada", "Ada's unhandled exceptions (GNAT)", "GCC: gcc/ada/libgnat/a-exextr.adb, a-exexda.adb, s-trasym__dwarf.adb");
