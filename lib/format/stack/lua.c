/* SPDX-License-Identifier: Apache-2.0 */
/* Lua 5.1 to 5.4 and LuaJIT: a message and what luaL_traceback lists below it, printed by the interpreter or by who embeds it. */
#include "format/stack/line_trace.h"
#include "format/stack/list.h"

/* `function 'f'`, `upvalue 'f'`, `function <f.lua:1>`, `main chunk`, `?`. */
static bool name(struct wh_line_match *match)
{
	static const char *const kinds[] = { "function ", "local ", "upvalue ", "method ", "field ", "global ", "metamethod ", "for iterator " };
	struct wh_span name = match->frame.function;
	bool known = wh_scan_has(name, "main chunk") || (wh_span_size(name) == 1 && *name.p == '?');
	for (size_t i = 0; !known && i < sizeof kinds / sizeof *kinds; i++)
		known = wh_scan_skip(&name, kinds[i]);
	if (wh_span_size(name) >= 2 && strchr("'<`", *name.p) && strchr("'>", name.end[-1]))
		name = (struct wh_span){ name.p + 1, name.end - 1 };
	if (wh_span_size(name) == 1 && *name.p == '?')
		name = (struct wh_span){ 0 };
	match->frame.function = name;
	return known;
}

/* `[C]` stands for the module of a function that is not Lua's. */
static bool c_function(struct wh_line_match *match)
{
	const struct wh_span module = match->frame.module;
	return wh_span_size(module) == 3 && wh_scan_has(module, "[C]") && (!wh_span_size(match->frame.function) || name(match));
}

static const struct wh_line_row rows[] = {
	WH_LINE(FRAME, "%m: in %f", .check = c_function),
	WH_LINE(FRAME, "%m: at %a", .check = c_function),
	WH_LINE(FRAME, "%m: ?", .check = c_function),
	WH_LINE(FRAME, "%F:%l: in %f", .check = name),
	WH_LINE(FRAME, "%F: in %f", .check = name),
	WH_LINE(FRAME, "%F:%l:"),
	WH_LINE(PASS, "(...tail calls...)"),
	WH_LINE(PASS, "(tail call): ?"),
	WH_LINE(PASS, "..."),
	WH_LINE(PASS, "... (skipping %n levels)"),
	WH_LINE(PASS, "[builtin#%n]: at %a"),
	WH_LINE(FRAME, "[builtin:%f]: at %a"),
	WH_LINE(TITLE, "stack traceback:"),
	{ 0 },
};

static const struct wh_line_grammar grammar = {
	.words = { "stack traceback:" }, .rows = rows, .sure = 94, .wait = 1,
	/* `lua: died.lua:7: attempt to …`, then whatever stands right above */
	.above = { "%*:%n: %r", "%r" },
};

WH_LINE_FORMAT(lua, "lua", "Lua's and LuaJIT's errors", "Lua: src/lauxlib.c (luaL_traceback), src/lua.c; LuaJIT: src/lj_debug.c (lj_debug_dumpstack)");
