/* SPDX-License-Identifier: Apache-2.0 */
/* Odin: the place and the words of a check, an assertion or a panic; there is no list of calls. */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

/* What the run-time system says; the compiler's messages have the same shape. */
static bool words(struct wh_line_match *match)
{
	static const char *const begins[] = {
		"Index ", "Invalid slice ", "Invalid dynamic ", "Invalid map ", "Invalid type assertion", "Matrix indices [",
		"runtime assertion", "Runtime assertion", "panic", "Panic", "unimplemented", "not yet implemented", "unreachable",
	};
	for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
		if (wh_scan_has(match->said, begins[i]))
			return true;
	return false;
}

static const struct wh_line_row rows[] = {
	WH_LINE(HEAD, "%F(%l:%n) %r", .check = words, .files = ".odin", .alone = 70),
	{ 0 },
};

static const struct wh_line_grammar grammar = { .words = { ".odin(" }, .rows = rows, .sure = 70 };

WH_LINE_FORMAT(odin, "odin", "Odin's failed checks and panics", "Odin: base/runtime/error_checks.odin, base/runtime/core_builtin.odin");
