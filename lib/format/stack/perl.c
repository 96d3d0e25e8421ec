/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Perl: what die and warn say, and Carp's list of calls, in which a function stands with the place that it was called from. The
 * outermost frame is the program itself, without a name.
 */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

/* A place as perl prints it: a path without a blank, `-e`, `(eval 3)`. */
static bool place(struct wh_line_match *match)
{
	const struct wh_span file = match->frame.file;
	return !memchr(file.p, ' ', wh_span_size(file)) || wh_scan_has(file, "(eval ");
}

static bool call(struct wh_line_match *match)
{
	struct wh_span *function = &match->frame.function;
	if (wh_scan_has(*function, "eval {...}") || wh_scan_has(*function, "eval '"))
		return place(match);
	const char *open = memchr(function->p, '(', wh_span_size(*function));
	if (open)
		function->end = open;
	return wh_span_size(*function) && !memchr(function->p, ' ', wh_span_size(*function)) && place(match);
}

#define SOURCES ".pl .pm .t .cgi .psgi"

static const struct wh_line_row rows[] = {
	WH_LINE(FRAME, "%f called at %F line %l", .check = call, .caller = true),
	WH_LINE(FRAME, "%f called at %F line %l.", .check = call, .caller = true),
	WH_LINE(FRAME, "%f called at %F line %l, thread %n", .check = call, .caller = true),
	WH_LINE(PASS, "at %F line %l.", .check = place),
	WH_LINE(PASS, "at %F line %l", .check = place),
	WH_LINE(HEAD, "%r at %F line %l.", .check = place, .files = SOURCES, .alone = 25),
	WH_LINE(HEAD, "%r at %F line %l, <%w> line %n.", .check = place, .files = SOURCES, .alone = 30),
	WH_LINE(HEAD, "%r at %F line %l, <%w> chunk %n.", .check = place, .files = SOURCES, .alone = 30),
	WH_LINE(HEAD, "%r at %F line %l.", .check = place),
	WH_LINE(HEAD, "%r at %F line %l, <%w> line %n.", .check = place),
	WH_LINE(HEAD, "%r at %F line %l", .check = place),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { " called at ", ".pl line ", ".pm line ", ".t line ", ".cgi line ", ".psgi line " }, .rows = rows, .sure = 92,
};

WH_LINE_FORMAT(perl, "perl", "Perl's last words, with Carp's backtraces", "perl: util.c (Perl_mess_sv), dist/Carp/lib/Carp.pm");
