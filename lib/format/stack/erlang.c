/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Erlang: exceptions as the shell, escripts and crash reports print them (`in function  m:f/2 (m.erl, line 3)`), and as terms
 * (`{badarith,[{m,f,2,[{file,"m.erl"},{line,3}]},…]}`) in error reports, exit reasons and the slogans of crash dumps.
 */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

enum { LONGEST = 2048 }; /* of a call's name or arguments: bounds what each of many brackets may cost */

static bool is_atom(char c)
{
	return wh_is_alpha(c) || wh_is_digit(c) || c == '_' || c == '@';
}

/* An atom, with quotes or without; passes over it and the comma behind it. */
static bool take_atom(struct wh_span *s, struct wh_span *atom)
{
	*atom = *s;
	if (s->p < s->end && *s->p == '\'') {
		size_t room = wh_span_size(*s) - 1;
		const char *close = memchr(s->p + 1, '\'', room < LONGEST ? room : LONGEST);
		if (!close)
			return false;
		s->p = close + 1;
	} else {
		if (s->p == s->end || !(*s->p >= 'a' && *s->p <= 'z'))
			return false;
		while (s->p < s->end && s->p - atom->p < LONGEST && is_atom(*s->p))
			s->p++;
	}
	atom->end = s->p;
	return wh_scan_skip(s, ",");
}

/* The arity, or the arguments in brackets, of which only their number matters. */
static bool take_arity(struct wh_span *s, uint64_t *arity)
{
	const char *first = s->p;
	size_t depth = 0;
	if (!wh_scan_has(*s, "["))
		return wh_scan_decimal(s, arity) && wh_scan_skip(s, ",");
	*arity = !wh_scan_has(*s, "[]");
	for (; s->p < s->end && s->p - first < LONGEST; s->p++) {
		depth += *s->p == '[' || *s->p == '{' || *s->p == '(';
		*arity += *s->p == ',' && depth == 1;
		if ((*s->p == ']' || *s->p == '}' || *s->p == ')') && !--depth) {
			s->p++;
			return wh_scan_skip(s, ",");
		}
	}
	return false;
}

/* `[{file,"m.erl"},{line,3}]`, in which either may be missing. */
static void take_place(struct wh_span *s, struct wh_frame_text *frame)
{
	uint64_t number;
	if (wh_scan_skip(s, "{file,\"")) {
		frame->file = wh_scan_until(*s, "\"");
		s->p = frame->file.end;
		wh_scan_skip(s, "\"},");
	}
	if (wh_scan_skip(s, "{line,") && wh_scan_decimal(s, &number) && number <= UINT32_MAX)
		frame->line = (uint32_t)number;
}

/* The calls of a line: `{m,f,2,[…` with the place behind it, or on the next line. They get the names that are printed elsewhere:
 * `m:f/2`. */
static bool calls(struct wh_span said, struct wh_stack_builder *b)
{
	bool any = false;
	const char *open;
	while ((open = wh_span_size(said) ? memchr(said.p, '{', wh_span_size(said)) : NULL)) {
		struct wh_frame_text frame = { 0 };
		said.p = open + 1;
		struct wh_span at = said, module, function;
		uint64_t arity;
		if (!take_atom(&at, &module) || !take_atom(&at, &function) || !take_arity(&at, &arity))
			continue;
		bool place = wh_scan_skip(&at, "[");
		if (!place && at.p < at.end) /* the place is on the next line */
			continue;
		if (place)
			take_place(&at, &frame);
		said.p = at.p;
		any = true;
		if (!b)
			continue;
		struct wh_frame *added = wh_frame_text_add(&frame, b);
		char *name = added ? wh_arena_printf(b->arena, "%.*s:%.*s/%llu", (int)wh_span_size(module), module.p,
						     (int)wh_span_size(function), function.p, (unsigned long long)arity) : NULL;
		b->failed |= added && !name;
		if (name)
			added->function = name;
	}
	return any;
}

/* `no function clause matching lists:nth(5,[]) (lists.erl, line 198)`, `undefined function shop:price/1`: the call is told of
 * nowhere else. Of a term of several lines the first is what there is. */
static bool raised(struct wh_line_match *match)
{
	struct wh_line_match call;
	struct wh_span *said = &match->said;
	if (wh_line_match("no function clause matching %f (%F, line %l)", *said, &call) &&
	    memchr(call.frame.function.p, ':', wh_span_size(call.frame.function))) {
		wh_line_without_arguments(&call);
		match->frame = call.frame;
		said->end = call.frame.function.end;
	} else if (wh_line_match("undefined function %g", *said, &call)) {
		match->frame = call.frame;
	}
	while (wh_span_size(*said) && said->end[-1] == ',')
		said->end--;
	return true;
}

#define EXCEPTION(...) WH_LINE(HEAD, __VA_ARGS__, .check = raised, .opens = true, .alone = 60)

static const struct wh_line_row rows[] = {
	WH_LINE(FRAME, "in function %f (%F, line %l)"),
	WH_LINE(FRAME, "in function %f"),
	WH_LINE(FRAME, "in operator %f"),
	WH_LINE(FRAME, "in call from %f (%F, line %l)"),
	WH_LINE(FRAME, "in call from %f"),
	WH_LINE(PASS, "called as %*"),
	WH_LINE(PASS, "*** argument %n: %*"),
	EXCEPTION("** exception error: %r"),
	EXCEPTION("** exception exit: %r"),
	EXCEPTION("** exception throw: %r"),
	EXCEPTION("%n> ** exception error: %r"),
	EXCEPTION("%n> ** exception exit: %r"),
	EXCEPTION("%n> ** exception throw: %r"),
	EXCEPTION("escript: exception error: %r"),
	EXCEPTION("escript: exception exit: %r"),
	EXCEPTION("escript: exception throw: %r"),
	EXCEPTION("exception error: %r"),
	EXCEPTION("exception exit: %r"),
	EXCEPTION("exception throw: %r"),
	WH_LINE(HEAD, "Error in process %t on node %* with exit value:%r"),
	WH_LINE(HEAD, "Error in process %t with exit value:%r"),
	WH_LINE(HEAD, "** Reason for termination ==%r"),
	WH_LINE(HEAD, "** When %* == %r"),
	WH_LINE(HEAD, "Slogan: %*terminating %* (%r", .alone = 60, .list = calls),
	WH_LINE(HEAD, "Slogan: %r", .alone = 60, .list = calls),
	WH_LINE(HEAD, "{\"init terminating in %*\",%r", .alone = 60, .list = calls),
	WH_LINE(HEAD, "{'EXIT',%r", .list = calls),
	WH_LINE(HEAD, "%n> {'EXIT',%r", .list = calls),
	WH_LINE(PASS, "init terminating in %*"),
	WH_LINE(PASS, "Crash dump is being written to: %*"),
	WH_LINE(PASS, "** Client %*", .over = true),
	WH_LINE(PASS, "ancestors: %*", .over = true),
	WH_LINE(MORE, "[{file,\"%F\"},{line,%l}]%*"),
	WH_LINE(FRAME, "%r", .list = calls),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "exception ", "Error in process <", "** Reason for termination", "init terminating in ", "\nSlogan: " },
	.rows = rows, .sure = 92, .wait = 20, .gap = 1,
};

WH_LINE_FORMAT(erlang, "erlang", "Erlang's exceptions, error and crash reports",
	       "Erlang/OTP: lib/stdlib/src/erl_error.erl, proc_lib.erl, gen_server.erl, erts/emulator/beam/break.c");
