/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last resort: three lines or more, one right below the other, that look like calls with their places in a file. Which program
 * printed them nobody knows, so all of it is a guess: that the first is the crash point, and that the line above says why.
 */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

/* A name without blanks outside of brackets, and a file that looks like one. */
static bool plausible(struct wh_line_match *match)
{
	const struct wh_span name = match->frame.function, file = match->frame.file;
	size_t depth = 0;
	const char *dot = NULL;
	if (wh_span_size(name) > 512 || wh_span_size(file) > 1024 || !match->frame.line)
		return false;
	for (const char *p = name.p; p < name.end; p++) {
		depth += *p == '(' || *p == '<' || *p == '[';
		depth -= depth && (*p == ')' || *p == '>' || *p == ']');
		if ((*p == ' ' && !depth) || (unsigned char)*p < ' ' || *p == ';' || *p == '"')
			return false;
	}
	for (const char *p = file.p; p < file.end; p++) {
		if (strchr(" \t\"'();=<>", *p))
			return false;
		dot = *p == '.' ? p : dot;
	}
	/* an extension */
	return dot && dot > file.p && file.end - dot > 1 && file.end - dot < 9 && wh_is_alpha(dot[1]);
}

#define CALL(...) WH_LINE(FRAME, __VA_ARGS__, .check = plausible, .opens = true)

static const struct wh_line_row rows[] = {
	CALL("at %f (%F:%l:%n)"),
	CALL("at %f (%F:%l)"),
	CALL("at %f in %F:%l"),
	CALL("at %f at %F:%l"),
	CALL("in %f (%F:%l)"),
	CALL("in %f at %F:%l"),
	CALL("from %f (%F:%l)"),
	CALL("called from %f (%F:%l)"),
	CALL("#%n %f at %F:%l"),
	CALL("#%n %f (%F:%l)"),
	CALL("#%n %f in %F:%l"),
	CALL("%n: %f at %F:%l"),
	CALL("%n: %f (%F:%l)"),
	CALL("[%n] %f at %F:%l"),
	CALL("[%n] %f (%F:%l)"),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "at ", "in ", "from ", " (" }, .rows = rows, .sure = 24, .sure_frames = 24, .least = 3, .above = { "%r" },
};

WH_LINE_FORMAT(generic, "generic", "anything that looks like calls with their places: a guess", "none: lines of the shape `at f (file:line)`");
