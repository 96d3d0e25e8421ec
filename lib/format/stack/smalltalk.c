/* SPDX-License-Identifier: Apache-2.0 */
/* Smalltalk: GNU Smalltalk's errors, and what Pharo and Squeak write into their debug logs: contexts, `Class(Defined)>>selector`. */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

/* `SmallInteger(Number)>>zeroDivide`, `Main class>>run:with:`, `[] in Set>>do:`, `optimized [] in UndefinedObject>>x`. */
static bool method(struct wh_line_match *match)
{
	struct wh_span s = match->frame.function;
	const char *arrows = wh_scan_find(s, ">>");
	if (!arrows || arrows == s.p || arrows + 2 == s.end || memchr(arrows, ' ', (size_t)(s.end - arrows)))
		return false;
	wh_scan_skip(&s, "optimized ");
	if (wh_scan_has(s, "[")) { /* a block: GNU's `[] in`, Pharo's with its source */
		const char *in = wh_scan_last((struct wh_span){ s.p, arrows }, "] in ");
		if (!in)
			return false;
		s.p = in + strlen("] in ");
	}
	struct wh_span class = { s.p, arrows };
	if (wh_span_size(class) > 6 && !memcmp(class.end - 6, " class", 6))
		class.end -= 6;
	return wh_span_size(class) && *class.p >= 'A' && *class.p <= 'Z' && !memchr(class.p, ' ', wh_span_size(class));
}

/* The class of an error as Pharo and Squeak name them. */
static bool error_class(struct wh_line_match *match)
{
	static const char *const ends[] = { "Error", "Exception", "NotFound", "Divide", "OutOfBounds", "NotUnderstood", "Failure", "Failed" };
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		size_t n = strlen(ends[i]);
		if (wh_span_size(match->type) >= n && !memcmp(match->type.end - n, ends[i], n))
			return *match->type.p >= 'A' && *match->type.p <= 'Z';
	}
	return false;
}

static const struct wh_line_row rows[] = {
	WH_LINE(FRAME, "%f #%w (%F:%l)", .check = method, .opens = true),
	WH_LINE(FRAME, "%f (%F:%l)", .check = method, .opens = true),
	WH_LINE(FRAME, "%f (%F.st)", .check = method),
	WH_LINE(HEAD, "%*Object: %* error: %r", .alone = 25),
	WH_LINE(HEAD, "%e: %r", .check = error_class),
	WH_LINE(PASS, "--- The full stack ---", .over = true),
	WH_LINE(FRAME, "%f", .check = method),
	WH_LINE(FRAME, "%f #%w", .check = method),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { ".st:", "(a String:", "Closure>>", "doesNotUnderstand:", "\tReceiver: " }, .rows = rows, .sure = 90, .sure_frames = 80, .wait = 40, .gap = 40,
};

WH_LINE_FORMAT(smalltalk, "smalltalk", "Smalltalk's errors: GNU Smalltalk, Pharo, Squeak",
	       "GNU Smalltalk: kernel/AnySOS.st (primError:), kernel/ContextPart.st (backtraceOn:); Pharo: SmalltalkImage (logError:inContext:)");
