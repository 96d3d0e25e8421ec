/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OCaml: uncaught exceptions, with the backtrace that OCAMLRUNPARAM=b asks for. An exception that was raised again passed through
 * a handler: the function that did it stands right above, as who called.
 */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

/* `Failure("x")`, `Died.Bad_shape("odd", 9)`, `Not_found`. */
static bool constructor(struct wh_line_match *match)
{
	struct wh_span said = match->said;
	const char *p = said.p;
	while (p < said.end && (wh_is_alpha(*p) || wh_is_digit(*p) || *p == '_' || *p == '.' || *p == '\''))
		p++;
	if (p == said.p || (p < said.end && (*p != '(' || said.end[-1] != ')')))
		return true;
	match->type = (struct wh_span){ said.p, p };
	match->said = (struct wh_span){ 0 };
	if (p < said.end)
		match->said = (struct wh_span){ p + 1, said.end - 1 };
	if (wh_span_size(match->said) >= 2 && *match->said.p == '"' && match->said.end[-1] == '"' &&
	    !memchr(match->said.p + 1, '"', wh_span_size(match->said) - 2))
		match->said = (struct wh_span){ match->said.p + 1, match->said.end - 1 };
	return true;
}

#define CALL(word)                                                                   \
	WH_LINE(FRAME, word " %f in file \"%F\" (inlined), line %l, char%*", .inlined = true),   \
	WH_LINE(FRAME, word " %f in file \"%F\", line %l, char%*"),                              \
	WH_LINE(FRAME, word " %f in file \"%F\" (inlined), lines %l-%n, char%*", .inlined = true), \
	WH_LINE(FRAME, word " %f in file \"%F\", lines %l-%n, char%*"),                          \
	WH_LINE(FRAME, word " file \"%F\" (inlined), line %l, char%*", .inlined = true),         \
	WH_LINE(FRAME, word " file \"%F\", line %l, char%*")

static const struct wh_line_row rows[] = {
	WH_LINE(PASS, "Called from unknown location"),
	WH_LINE(PASS, "Re-raised at %*"),
	WH_LINE(PASS, "Re-raised by primitive operation at %*"),
	CALL("Called from"),
	WH_LINE(FRAME, "Raised at unknown location"),
	CALL("Raised by primitive operation at"),
	CALL("Raised at"),
	WH_LINE(HEAD, "Fatal error: exception %r", .check = constructor, .alone = 70),
	WH_LINE(HEAD, "Fatal error in uncaught exception handler: exception %r", .check = constructor, .alone = 70),
	WH_LINE(HEAD, "Thread %t killed on uncaught exception %r", .check = constructor, .alone = 60),
	WH_LINE(HEAD, "Uncaught exception:%r"),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "Fatal error: exception ", "uncaught exception ", "Uncaught exception:", "Called from " }, .rows = rows, .sure = 95,
	.wait = 40,
};

WH_LINE_FORMAT(ocaml, "ocaml", "OCaml's uncaught exceptions", "OCaml: stdlib/printexc.ml, runtime/printexc.c");
