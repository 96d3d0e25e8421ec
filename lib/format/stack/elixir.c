/* SPDX-License-Identifier: Apache-2.0 */
/* Elixir: exceptions, throws and exits as Exception.format prints them, in scripts, in logs of processes and in the shell. */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

/* A call without a place: `:erlang.div(1, 0)`, `Enum.map/2`; takes arguments off, not the arity. */
static bool call(struct wh_line_match *match)
{
	struct wh_span *function = &match->frame.function;
	const char *p = function->p, *dot = NULL;
	for (; p < function->end && !wh_is_blank(*p) && *p != '('; p++)
		if (*p == '.' && p > function->p)
			dot = p;
	bool arity = p == function->end && p - function->p > 2 && wh_is_digit(p[-1]) && (p[-2] == '/' || p[-3] == '/');
	if (!dot || (!arity && (p == function->end || *p != '(' || function->end[-1] != ')')))
		return false;
	if (*function->p != ':' && !(*function->p >= 'A' && *function->p <= 'Z'))
		return false;
	function->end = p;
	return true;
}

/* The name behind a place: `Mod.f/2`, `anonymous fn/1 in Mod.f/2`, `(file)`. */
static bool name(struct wh_line_match *match)
{
	struct wh_span *function = &match->frame.function;
	if (wh_span_size(*function) > 1 && function->end[-1] == ')' && *function->p != '(')
		return wh_line_without_arguments(match);
	return true;
}

static const struct wh_line_row rows[] = {
	WH_LINE(PASS, "** (EXIT from %*) %*"),
	WH_LINE(HEAD, "** (%e) %r", .alone = 60),
	WH_LINE(FRAME, "(%M %v) %F:%l: %f", .check = name),
	WH_LINE(FRAME, "(%M) %F:%l: %f", .check = name),
	WH_LINE(FRAME, "(%M %v) %f", .check = call),
	WH_LINE(FRAME, "(%M) %f", .check = call),
	WH_LINE(FRAME, "%F:%l: %f", .check = name, .files = ".ex .exs .eex .heex .leex .erl .iex iex nofile"),
	WH_LINE(FRAME, "%f", .check = call),
	WH_LINE(PASS, "Last message%*: %*", .over = true),
	WH_LINE(PASS, "Function: %*", .over = true),
	WH_LINE(PASS, "State: %*", .over = true),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "** (" }, .rows = rows, .sure = 94, .wait = 60,
};

WH_LINE_FORMAT(elixir, "elixir", "Elixir's exceptions, throws and exits", "Elixir: lib/elixir/lib/exception.ex (Exception.format)");
