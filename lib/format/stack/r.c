/* SPDX-License-Identifier: Apache-2.0 */
/*
 * R: errors of scripts with their one line of calls, traceback() and rlang's trees. traceback() says where each call was made,
 * and begins with the call of stop() itself, which is no part of what failed.
 */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"
#include "format/stack/report.h"

/* `draw -> print -> area ... side`: outermost first. Between `...` some are missing. */
static bool calls(struct wh_span said, struct wh_stack_builder *b)
{
	bool any = false;
	if (wh_span_size(said) > WH_MESSAGE_LONGEST) /* R itself stops long before */
		said.p = said.end - WH_MESSAGE_LONGEST;
	while (wh_span_size(said)) {
		const char *arrow = wh_scan_last(said, " -> "), *dots = wh_scan_last(said, " ... ");
		const char *cut = !arrow || (dots && dots > arrow) ? dots : arrow;
		struct wh_frame_text frame = { .function = { cut ? cut + (cut == dots ? 5 : 4) : said.p, said.end } };
		frame.function = wh_scan_trim(frame.function);
		if (!wh_span_size(frame.function) || wh_span_size(frame.function) > 1024)
			return any;
		any = true;
		if (b && !(wh_span_size(frame.function) == strlen("<Anonymous>") && wh_scan_has(frame.function, "<Anonymous>")))
			wh_frame_text_add(&frame, b);
		said.end = cut ? cut : said.p;
	}
	return any;
}

/* The function of a call as it was written: `checked(s, n)`, `base::log(x)`, `(function(x) x)(1)`, which has none. */
static bool call(struct wh_line_match *match)
{
	struct wh_span *function = &match->frame.function;
	wh_line_without_arguments(match);
	if (wh_scan_has(*function, "("))
		*function = (struct wh_span){ 0 };
	return !wh_span_size(*function) || !memchr(function->p, ' ', wh_span_size(*function));
}

/* What the error says that it is in; more than a call is an expression. */
static bool in_call(struct wh_line_match *match)
{
	struct wh_span *function = &match->frame.function;
	if (wh_span_size(*function) > 2 && *function->p == '`' && function->end[-1] == '`')
		*function = (struct wh_span){ function->p + 1, function->end - 1 };
	if (!wh_span_size(*function) || function->end[-1] != ')' || !call(match))
		*function = (struct wh_span){ 0 };
	return true;
}

/* ` 2. │ └─base::print(...)` of a tree: what it is drawn with comes off, and must be there. */
static bool branch(struct wh_line_match *match)
{
	struct wh_span s = match->said, *function = &match->frame.function;
	bool drawn = false;
	while (s.p < s.end && (*s.p == ' ' || (unsigned char)*s.p == 0xe2 || *s.p == '+' || *s.p == '\\' || *s.p == '|' || *s.p == '-')) {
		size_t n = (unsigned char)*s.p == 0xe2 ? 3 : 1;
		if (wh_span_size(s) < n)
			return false;
		drawn |= *s.p != ' ';
		s.p += n;
	}
	wh_scan_skip(&s, "[ ... ] with ");
	wh_scan_skip(&s, "global ");
	*function = s;
	return drawn && wh_span_size(s) && call(match);
}

static const struct wh_line_row rows[] = {
	WH_LINE(HEAD, "Error in %f : %r", .check = in_call),
	WH_LINE(HEAD, "Error in %f:%r", .check = in_call),
	WH_LINE(HEAD, "Error: %r"),
	WH_LINE(HEAD, "Error:%r"),
	WH_LINE(FRAME, "Calls: %r", .list = calls),
	WH_LINE(PASS, "Execution halted", .alone = 85, .over = true),
	WH_LINE(TITLE, "Backtrace:"),
	WH_LINE(FRAME, "%n. %r", .check = branch, .outer_first = true),
	/* the call that raises, and what stands between it and the condition's handlers */
	WH_LINE(PASS, "%n: stop(%* at %F#%l"),
	WH_LINE(PASS, "%n: stop(%*"),
	WH_LINE(PASS, "%n: .handleSimpleError(%*"),
	WH_LINE(PASS, "%n: h(simpleError(%*"),
	WH_LINE(FRAME, "%n: %f at %F#%l", .check = call, .caller = true),
	WH_LINE(FRAME, "%n: %f", .check = call, .caller = true),
	WH_LINE(PASS, "Caused by error%*"),
	WH_LINE(PASS, "In addition: %*"),
	WH_LINE(PASS, "Warning message%*:"),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "\nCalls: ", "\nExecution halted", "\n1: ", "Backtrace:" }, .rows = rows, .sure = 91, .wait = 20, .gap = 6,
};

WH_LINE_FORMAT(r, "r", "R's errors, traceback() and rlang's backtraces",
	       "R: src/main/errors.c (verrorjump_dflt, R_ConciseTraceback), src/library/base/R/traceback.R; rlang: R/trace.R");
